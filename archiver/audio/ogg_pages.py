"""Walk the pages of an Ogg stream (RFC 3533 §6): checksum, sequence, first and last page of each logical stream."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from archiver.audio.seeking import find, give_back
from archiver.core.examinations import Remark

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Ogg's CRC-32 has zlib's polynomial with the bits the other way round: so reversed bytes make it run at C speed."""
CAPTURE = re.compile(rb"OggS\0")
MOST_LOSSES = 1000
MOST_PAGES = 1_000_000


def page_checksum(page: bytes) -> int:
    """Return the checksum of a page whose checksum field holds zeros."""
    turned = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)


def walk_ogg(  # noqa: C901 - one pass over the pages, one rule a line
    data: mmap.mmap, start: int
) -> Iterator[tuple[Remark, str]]:
    """Walk every page."""
    at, given_back, losses = start, 0, 0
    expected: dict[int, int] = {}
    open_: set[int] = set()
    last_granule = -1
    while at < len(data):
        page = _page(data, at)
        if page is None:
            found = find(data, CAPTURE, at + 1, len(data))
            end = found if found >= 0 else len(data)
            yield (Remark.TRUNCATED if found < 0 else Remark.STRUCTURE), f"bytes {at} to {end} are no page"
            at, losses = end, losses + 1
            if losses > MOST_LOSSES:
                return
            continue
        serial, sequence = int.from_bytes(page[14:18], "little"), int.from_bytes(page[18:22], "little")
        if page_checksum(page[:22] + bytes(4) + page[26:]) != int.from_bytes(page[22:26], "little"):
            yield Remark.STRUCTURE, f"the page at byte {at} does not have its checksum"
        if page[5] & 2:
            open_.add(serial)
        elif sequence != expected.get(serial, sequence):
            yield Remark.STRUCTURE, f"the page at byte {at}: expected number {expected[serial]}, actual {sequence}"
        if page[5] & 4:
            open_.discard(serial)
        expected[serial] = (sequence + 1) & 0xFFFFFFFF
        last_granule = max(last_granule, int.from_bytes(page[6:14], "little", signed=True))
        at += len(page)
        given_back = give_back(data, at, given_back)
    if open_:
        yield Remark.TRUNCATED, "the stream has no last page"
    if last_granule <= 0:
        yield Remark.TRUNCATED, "the stream has headers and no sound"


def is_chained(data: mmap.mmap, start: int) -> bool:
    """Tell whether one stream follows another (RFC 3533 §4): then a header speaks of the first one alone."""
    at, given_back, has_sound = start, 0, False
    for _ in range(MOST_PAGES):
        head = data[at : at + 27]
        if len(head) < 27 or head[:4] != b"OggS":
            return False
        if head[5] & 2 and has_sound:
            return True
        has_sound = has_sound or not head[5] & 2
        at += 27 + head[26] + sum(data[at + 27 : at + 27 + head[26]])
        given_back = give_back(data, at, given_back)
    return False


def _page(data: mmap.mmap, at: int) -> bytes | None:
    """Return the page at a place, whole, or None."""
    head = data[at : at + 27]
    if len(head) < 27 or head[:4] != b"OggS" or head[4]:
        return None
    table = data[at + 27 : at + 27 + head[26]]
    size = 27 + head[26] + sum(table)
    page = data[at : at + size]
    return page if len(page) == size and len(table) == head[26] else None
