"""Names of a bag's files that some file system cannot store, or holds to be one name (RFC 8493 §6.1)."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from archiver.core.bags.paths import collision_key
from archiver.core.findings import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.bags.rows import InOrder, There
    from archiver.core.findings import FindingList

_RESERVED = re.compile(r"/(?:con|prn|aux|nul|com[1-9]|lpt[1-9])\s*(?:[./]|\Z)")
_SLOTS = 16
"""Bytes for each name in which names are looked for that may be the same: 16 MB for a million, and one in 16 is looked at twice."""


def check_names(there: Iterable[There], number: int, *, in_order: InOrder, found: FindingList) -> None:
    """Find names that some file system cannot store, and those that it holds to be another's.

    Args:
        there: Every file in the bag, in any order; iterated over three times at most.
        number: How many files there are.
        in_order: Returns rows in order.
        found: Takes the findings.
    """
    slots = bytearray(_SLOTS * number + 1)
    suspected: set[int] = set()
    for path, _, _ in there:
        key = collision_key(path)
        slot = hash(key) % len(slots)
        if slots[slot]:
            suspected.add(slot)
        slots[slot] = 1
        if _RESERVED.search(f"/{key}"):
            found.add(FindingCode.PATH_RESERVED, path, expected="a name that Windows can store", actual=path)
    suspected.update(slot for key, _ in _directories(there) if slots[slot := hash(key) % len(slots)])
    if suspected:
        _check_suspected(there, suspected, len(slots), in_order=in_order, found=found)


def _directories(there: Iterable[There]) -> Iterator[tuple[str, str]]:
    """Yield the directories of what is there, as compared and as written; one may come more than once."""
    before = ""
    for path, _, _ in there:
        above = directory = path.rpartition("/")[0]
        while above and directory != before and not before.startswith(f"{above}/"):
            yield collision_key(above), above
            above = above.rpartition("/")[0]
        before = directory


def _check_suspected(
    there: Iterable[There], suspected: set[int], slots: int, *, in_order: InOrder, found: FindingList
) -> None:
    """Compare the few names whose slot was taken, so that not all names need be put in order a second time."""
    rows = chain(
        ((key, 0, f"{path}/") for key, path in _directories(there)),
        ((collision_key(path), 1, path) for path, _, _ in there),
    )
    before = ("", "")
    for key, is_file, path in in_order(row for row in rows if hash(row[0]) % slots in suspected):
        # An equal path is a repeated member of an archive, which is a finding of its own.
        if is_file and key == before[0] and path != before[1]:
            found.add(FindingCode.PATHS_COLLIDE, path, expected="names that differ by more than case", actual=before[1])
        before = key, path
