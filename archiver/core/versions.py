"""Versions: what differs between two versions of an item, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.attribution import Attribution
    from archiver.core.fixity import Digest
    from archiver.core.holdings import HeldFile, Holding

DESCRIPTIVE = "metadata/source/"
"""Tag files below here are what the source said; the others carry dates and differ from version to version."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a bag says of its item beside the payload.

    Attributes:
        attribution: Its credits, or None where the bag has no such record.
        tag_files: Digest of each tag file that came from the source, by its path in the bag.
    """

    attribution: Attribution | None
    tag_files: Mapping[str, Digest]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; empty texts stand for nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a version changed over the one before.

    Attributes:
        item: ``source/name``.
        before: Number of the earlier version.
        after: Number of the later version.
        added: Paths in the bag that only the later one has, in order.
        removed: Paths that only the earlier one has.
        changed: Paths with other bytes.
        moved: Pairs of a removed and an added path with the same bytes; both stand above as well.
        unchanged: How many files are the same.
        licence: What the licence was and is, or None where it stayed.
        metadata: Descriptive fields that differ, ``licence`` left out.
        tag_files: The source's own records that were added, removed or changed, by path.
        unread: Why the bags' own descriptions could not be compared, or empty.
    """

    item: str
    before: int
    after: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    unchanged: int
    licence: Change | None
    metadata: tuple[Change, ...]
    tag_files: tuple[str, ...]
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version with all that is compared.

    Attributes:
        held: As the catalogue has it.
        files: Its payload files.
        description: What its bag says, or why that could not be read.
    """

    held: Holding
    files: Mapping[str, HeldFile]
    description: Description | str


def difference(before: Version, after: Version) -> Difference:
    """Compare two versions of one item."""
    added = sorted(after.files.keys() - before.files.keys())
    removed = sorted(before.files.keys() - after.files.keys())
    both = sorted(before.files.keys() & after.files.keys())
    changed = tuple(path for path in both if before.files[path].sha256 != after.files[path].sha256)
    earlier, later = before.held, after.held
    fields = [("title", earlier.title, later.title)]
    tag_files: tuple[str, ...] = ()
    unread = next((one for one in (before.description, after.description) if isinstance(one, str)), "")
    if isinstance(before.description, Description) and isinstance(after.description, Description):
        fields += _fields(before.description.attribution, after.description.attribution)
        tag_files = _tag_files(before.description.tag_files, after.description.tag_files)
    return Difference(
        item=str(later.item),
        before=earlier.version,
        after=later.version,
        added=tuple(added),
        removed=tuple(removed),
        changed=changed,
        moved=_moved((before.files[path] for path in removed), (after.files[path] for path in added)),
        unchanged=len(both) - len(changed),
        licence=Change("licence", earlier.licence, later.licence) if earlier.licence != later.licence else None,
        metadata=tuple(Change(*field) for field in fields if field[1] != field[2]),
        tag_files=tag_files,
        unread=unread,
    )


def _moved(removed: Iterable[HeldFile], added: Iterable[HeldFile]) -> tuple[tuple[str, str], ...]:
    there: dict[Digest, list[str]] = {}
    for file in added:
        there.setdefault(file.sha256, []).append(file.path)
    return tuple((file.path, there[file.sha256].pop(0)) for file in removed if there.get(file.sha256))


def _fields(before: Attribution | None, after: Attribution | None) -> list[tuple[str, str, str]]:
    if before is None or after is None:
        return []
    one, other = before.whole, after.whole
    titles = {credit.path: credit.title for credit in before.files}
    return [
        ("creators", ", ".join(one.creators), ", ".join(other.creators)),
        ("source_url", one.source_url, other.source_url),
        ("notices", "; ".join(one.notices), "; ".join(other.notices)),
        *(
            (f"title of {credit.path}", titles[credit.path], credit.title)
            for credit in after.files
            if credit.path in titles
        ),
    ]


def _tag_files(before: Mapping[str, Digest], after: Mapping[str, Digest]) -> tuple[str, ...]:
    every = {path for path in (*before, *after) if path.startswith(DESCRIPTIVE)}
    return tuple(sorted(path for path in every if before.get(path) != after.get(path)))
