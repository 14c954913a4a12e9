"""Walks of formats made of chunks with a length: RIFF, RF64, AIFF, MP4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.examinations import Remark

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

MOST_CHUNKS = 100_000
UNKNOWN = 0xFFFFFFFF


def walk_riff(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    """Walk RIFF/WAVE and RF64: a size beyond the end is a truncation."""
    is_64 = data[start : start + 4] == b"RF64"
    seen: set[bytes] = set()
    for name, size, at in _chunks(data, start + 12, "little"):
        seen.add(name)
        if name == b"fmt " and not any(data[at : at + 16]):
            yield Remark.STRUCTURE, "the fmt chunk holds zeros"
        if size == UNKNOWN and is_64:
            return
        if at + size > len(data):
            yield Remark.TRUNCATED, f"chunk {_shown(name)}: expected {size} bytes, actual {len(data) - at}"
    for needed in (b"fmt ", b"data"):
        if needed not in seen:
            yield Remark.STRUCTURE, f"no {_shown(needed)} chunk"


def walk_aiff(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    """Walk AIFF and AIFF-C."""
    seen: set[bytes] = set()
    for name, size, at in _chunks(data, start + 12, "big"):
        seen.add(name)
        if at + size > len(data):
            yield Remark.TRUNCATED, f"chunk {_shown(name)}: expected {size} bytes, actual {len(data) - at}"
    for needed in (b"COMM", b"SSND"):
        if needed not in seen:
            yield Remark.STRUCTURE, f"no {_shown(needed)} chunk"


def walk_mp4(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    """Walk the boxes of ISO/IEC 14496-12 on the first level; 64-bit sizes included."""
    at, seen = start, set()
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            break
        size, name, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        size = len(data) - at if size == 0 else size
        seen.add(name)
        if size < head:
            yield Remark.STRUCTURE, f"box {_shown(name)} at byte {at} is smaller than its own head"
            return
        if at + size > len(data):
            yield Remark.TRUNCATED, f"box {_shown(name)}: expected {size} bytes, actual {len(data) - at}"
        at += size
    if b"moov" not in seen:
        yield Remark.STRUCTURE, "no moov box: nothing says where the samples are"


def _chunks(data: mmap.mmap, at: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, size and place of each chunk; places are even (RIFF pads, and so does EA IFF 85)."""
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return
        size = int.from_bytes(data[at + 4 : at + 8], "little" if order == "little" else "big")
        yield data[at : at + 4], size, at + 8
        at += 8 + size + (size & 1)


def _shown(name: bytes) -> str:
    return ascii(name.decode("latin-1"))
