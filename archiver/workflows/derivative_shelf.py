"""The shelf of derivatives: what is there of a kind, whether it is whole, and how an object gets there (see `derive`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.core.derivative_sheets import LARGEST, MANIFEST, Sheet, recognise_sheet
from archiver.core.derivatives import Because, Kind, Original, item_place, place_of
from archiver.core.errors import ObjectConflictError, ObjectDamagedError, ObjectNotFoundError
from archiver.core.fixity import Algorithm, Hasher
from archiver.core.selections import AUDIO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.core.fixity import Digest
    from archiver.core.holdings import HeldFile, Holding
    from archiver.core.objects import StagedFile
    from archiver.ports.stores import Store
    from archiver.workflows.workshop import Workshop

ONCE_MORE = frozenset((Because.WORKER_DIED, Because.NOT_PROVEN))
"""Reasons that may not hold the next time."""


def remove_derivatives(held: Holding, shelf: Store) -> int:
    """Remove everything that was made of an item, in every version, the manifests first; return how many objects."""
    keys = [facts.key for facts in shelf.list(item_place(held.prefix))]
    for key in sorted(keys, key=lambda key: (not key.endswith(f"/{MANIFEST}"), key)):
        shelf.delete(key)
    return len(keys)


def present(held: Holding, kind: Kind, shop: Workshop, *, is_final: bool = True) -> Sheet | None:
    """Return the manifest of a kind that is there as it should be, by names and sizes, or None.

    Args:
        held: Which version.
        kind: Of derivative.
        shop: The doorways.
        is_final: None also where something could not be made and may be the next time.
    """
    originals = originals_of(held, shop)
    sheet, sizes = found(held, kind, shop.shelf)
    return sheet if sheet is not None and is_whole(sheet, sizes, originals, is_final=is_final) else None


def originals_of(held: Holding, shop: Workshop) -> dict[Original, HeldFile]:
    """Return the payload files that may hold sound, by their names: nothing is read for this."""
    return {
        Original(file.path, file.sha256): file
        for file in shop.holdings.files(held.item, held.version)
        if file.size and file.path[file.path.rfind(".") :].lower() in AUDIO_SUFFIXES
    }


def found(held: Holding, kind: Kind, shelf: Store) -> tuple[Sheet | None, dict[str, int]]:
    """Return what is there of a kind: its manifest, where it can be read, and the size of each object."""
    place = place_of(held.prefix, kind)
    sizes = {facts.key.removeprefix(place): facts.size for facts in shelf.list(place)}
    if sizes.get(MANIFEST, LARGEST + 1) > LARGEST:
        return None, sizes
    try:
        with shelf.read(place + MANIFEST) as chunks:
            sheet = recognise_sheet(b"".join(chunks))
    except (ObjectNotFoundError, ObjectDamagedError):
        return None, sizes
    is_ours = sheet is not None and (sheet.item, sheet.version, sheet.kind) == (str(held.item), held.version, kind)
    return (sheet if is_ours and sheet is not None and sheet.licence == held.licence else None), sizes


def is_whole(sheet: Sheet, sizes: Mapping[str, int], originals: Iterable[Original], *, is_final: bool = True) -> bool:
    """Tell whether a kind is there of all its originals, by names and sizes, and nothing of it is to be tried again."""
    return (
        sheet.is_of(originals)
        and all(sizes.get(one.path) == one.size for one in sheet.derivatives)
        and not (is_final and any(reason in ONCE_MORE for _, reason, _ in sheet.unmade))
    )


def checked(held: Holding, sheet: Sheet, sizes: dict[str, int], shelf: Store) -> Sheet:
    """Read every object of a kind, forget and remove what is not as promised."""
    place = place_of(held.prefix, sheet.kind)
    kept = []
    for one in sheet.derivatives:
        if one.path in sizes and _digest(shelf, place + one.path) != one.sha256:
            shelf.delete(place + MANIFEST)
            shelf.delete(place + one.path)
            del sizes[one.path]
        if one.path in sizes:
            kept.append(one)
    return replace(sheet, derivatives=tuple(kept))


def _digest(shelf: Store, key: str) -> Digest | None:
    hasher = Hasher((Algorithm.SHA256,))
    try:
        with shelf.read(key) as chunks:
            for chunk in chunks:
                hasher.update(chunk)
    except (ObjectNotFoundError, ObjectDamagedError):
        return None
    return hasher.digests()[0]


def pieces_of(store: Store, key: str) -> Iterator[bytes]:
    """Yield the bytes of an object, opened when the first is asked for."""
    with store.read(key) as chunks:
        yield from chunks


def put(shelf: Store, key: str, content: bytes | StagedFile, sha256: Digest) -> None:
    """Put an object; one of other bytes that has its place is an earlier recipe's, or damaged, and gives way."""
    try:
        shelf.put(key, content, sha256=sha256)
    except ObjectConflictError:
        shelf.delete(key)
        shelf.put(key, content, sha256=sha256)
