"""Look for bytes in a mapped file in stretches, giving back what was looked at: memory does not grow with the file."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

STRETCH = 4 << 20
GIVE_BACK = 4 << 20


def give_back(data: mmap.mmap, at: int, given_back: int) -> int:
    """Hand the pages before a place back to the system, now and then; return up to where they are handed back."""
    if at - given_back < GIVE_BACK:
        return given_back
    upto = at - at % mmap.PAGESIZE
    data.madvise(mmap.MADV_DONTNEED, 0, upto)
    return upto


def find(data: mmap.mmap, pattern: re.Pattern[bytes], at: int, end: int) -> int:
    """Return the place of the next match that begins before ``end``, or -1. A match has eight bytes at most."""
    while at < end:
        upto = min(end, at + STRETCH)
        found = pattern.search(data, at, min(len(data), upto + 8))
        if found is not None and found.start() < upto:
            return found.start()
        if upto - at == STRETCH:
            data.madvise(mmap.MADV_DONTNEED, 0, upto - upto % mmap.PAGESIZE)
        at = upto
    return -1
