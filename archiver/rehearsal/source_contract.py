"""What every source must do, as checks that a package's own tests call; no test library is needed at run time.

from archiver.rehearsal.source_contract import Expected, check_source

def test_my_source_keeps_the_contract():
    with served() as endpoint:
        assert check_source(opened(endpoint), selection, Expected(items=("bells",), missing="nothing")) == ()
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.errors import ItemNotFoundError, SourceError
from archiver.core.fixity import Hasher, strongest
from archiver.core.gate import AdmittedItem
from archiver.core.items import ItemId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archiver.core.items import DeclaredFile, SourceItem
    from archiver.core.selections import Selection
    from archiver.ports.sources import CandidatePage, Source

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """What the double behind a source serves.

    Attributes:
        items: Every identifier that the selection must find, in any order.
        missing: An identifier that the double does not know.
    """

    items: tuple[str, ...]
    missing: str


def check_source(
    source: Source, selection: Selection, expected: Expected, *, admit: Callable[[SourceItem], object]
) -> tuple[str, ...]:
    """Return what a source does wrong, one sentence each; nothing where it keeps the contract.

    Args:
        source: Opened against a double.
        selection: Finds every expected item.
        expected: What the double serves.
        admit: Asks the licence gate; what it does not admit is not read.
    """
    return tuple(_faults(source, selection, expected, admit))


def _faults(
    source: Source, selection: Selection, expected: Expected, admit: Callable[[SourceItem], object]
) -> Iterator[str]:
    pages = list(source.enumerate(selection))
    found = [item for page in pages for item in page.items]
    yield from _marking(pages, source, selection)
    if len(set(found)) != len(found):
        yield "enumerate yields an item twice"
    if {item.name for item in found} != set(expected.items):
        yield f"enumerate: expected {sorted(expected.items)}, actual {sorted(item.name for item in found)}"
    if any(item.source != source.name for item in found):
        yield f"enumerate yields items of another source than {source.name!r}"
    yield from _missing(source, expected.missing)
    for item in found:
        try:
            described, again = source.describe(item), source.describe(item)
        except SourceError as error:
            yield f"{item}: describe answers with an error: {error.message}"
            continue
        yield from _description(item, described, again)
        admitted = admit(described)
        if isinstance(admitted, AdmittedItem):
            for file, _ in admitted.files:
                yield from _reading(source, admitted, file)


def _marking(pages: list[CandidatePage], source: Source, selection: Selection) -> Iterator[str]:
    if any(page.marks and len(page.marks) != len(page.items) for page in pages):
        yield "enumerate: a page has not as many marks as items"
    elif any(page.marks for page in pages):
        again = {
            item: mark
            for page in source.enumerate(selection)
            for item, mark in zip(page.items, page.marks, strict=False)
        }
        if again != {item: mark for page in pages for item, mark in zip(page.items, page.marks, strict=False)}:
            yield "enumerate: two enumerations of unchanged items give different marks"


def _missing(source: Source, name: str) -> Iterator[str]:
    try:
        source.describe(ItemId(source.name, name))
    except ItemNotFoundError:
        return
    except SourceError as error:
        yield f"an unknown item: expected ItemNotFoundError, actual {type(error).__name__}"
        return
    yield "an unknown item is described"


def _description(item: ItemId, described: SourceItem, again: SourceItem) -> Iterator[str]:
    if described.id != item:
        yield f"{item}: the description is of {described.id}"
    if not described.answers:
        yield f"{item}: no answer of the source is kept as evidence"
    if any(not re.fullmatch(r"[A-Za-z0-9._-]{1,255}", answer.name) for answer in described.answers):
        yield f"{item}: an answer's name is no plain file name"
    if len({file.name for file in described.files}) != len(described.files):
        yield f"{item}: a file is declared twice"
    if (described.declarations, described.files, described.updated) != (again.declarations, again.files, again.updated):
        yield f"{item}: two descriptions of an unchanged item differ"


def _reading(source: Source, admitted: AdmittedItem, file: DeclaredFile) -> Iterator[str]:
    what = f"{admitted.item.id}: {file.name}"
    wanted = strongest(file.digests)
    hasher = Hasher([wanted.algorithm] if wanted else [])
    size, largest = 0, 0
    with source.read(admitted, file) as delivery:
        if delivery.offset:
            yield f"{what}: the whole file was asked for and begins at byte {delivery.offset}"
        for chunk in delivery.chunks:
            hasher.update(chunk)
            size, largest = size + len(chunk), max(largest, len(chunk))
        validator = delivery.validator
    if largest > _LARGEST:
        yield f"{what}: a chunk of {largest} bytes; at most {_LARGEST}"
    if file.size not in {None, size}:
        yield f"{what}: expected {file.size} bytes, actual {size}"
    if wanted and wanted not in hasher.digests():
        yield f"{what}: the bytes are not the declared ones"
    if size > 1:
        yield from _resuming(source, admitted, file, size=size, validator=validator)


def _resuming(
    source: Source, admitted: AdmittedItem, file: DeclaredFile, *, size: int, validator: str
) -> Iterator[str]:
    what = f"{admitted.item.id}: {file.name}"
    with source.read(admitted, file, offset=1, validator=validator or '"another"') as delivery:
        if delivery.offset not in {0, 1}:
            yield f"{what}: a resumed answer begins at byte {delivery.offset}"
        rest = sum(len(chunk) for chunk in delivery.chunks)
        if rest != size - delivery.offset:
            yield f"{what}: a resumed answer has {rest} bytes, expected {size - delivery.offset}"
