"""Walk the frames of raw AAC in ADTS (ISO/IEC 14496-3 §1.A.2.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.audio.seeking import find, give_back
from archiver.audio.tails import audio_ends
from archiver.core.examinations import Remark

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

SYNC = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
MOST_LOSSES = 1000


def adts_bytes(head: bytes) -> int:
    """Return the length of the frame that a header announces, or 0 when it is none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else 0


def walk_adts(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    """Walk every frame."""
    end, at, given_back, losses = audio_ends(data, start), start, 0, 0
    fixed: bytes | None = None
    while at < end:
        head = data[at : at + 7]
        length = adts_bytes(head)
        if not length:
            found = _next_frame(data, at + 1, end)
            yield Remark.STRUCTURE if at > start else Remark.JUNK, f"bytes {at} to {found} are no frame"
            at, losses = found, losses + 1
            if losses > MOST_LOSSES:
                return
            continue
        if at + length > end:
            yield Remark.TRUNCATED, f"the last frame: expected {length} bytes, actual {end - at}"
            return
        same = bytes((head[1] & 0xFE, head[2] & 0xFD, head[3] & 0xC0))
        if fixed not in {None, same}:
            yield Remark.STRUCTURE, f"the frame at byte {at} has another profile, rate or number of channels"
        fixed = same
        at += length
        given_back = give_back(data, at, given_back)


def _next_frame(data: mmap.mmap, at: int, end: int) -> int:
    """Return the place of the next two frames in a row, or the end; one alone may be chance."""
    while (at := find(data, SYNC, at, end)) >= 0:
        length = adts_bytes(data[at : at + 7])
        if length and (at + length == end or adts_bytes(data[at + length : at + length + 7])):
            return at
        at += 1
    return end
