"""Walk the metadata blocks of FLAC (RFC 9639 §8). Its frames are checked by the decoder, which is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.examinations import Remark

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

MOST_BLOCKS = 10_000
STREAMINFO = 34


def walk_flac(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    """Walk every block up to the first frame."""
    if start:
        yield Remark.JUNK, f"an ID3 tag of {start} bytes stands before the FLAC stream"
    at, is_last = start + 4, False
    for number in range(MOST_BLOCKS):
        head = data[at : at + 4]
        length = int.from_bytes(head[1:], "big")
        if at + 4 + length > len(data):
            left = max(0, len(data) - at - 4)
            yield Remark.TRUNCATED, f"block {number} of the metadata: expected {length} bytes, actual {left}"
            return
        yield from _block(number, head, length)
        at, is_last = at + 4 + length, bool(head[0] & 0x80)
        if is_last:
            break
    yield from _first_frame(data[at : at + 2], at)


def _block(number: int, head: bytes, length: int) -> Iterator[tuple[Remark, str]]:
    if number == 0 and (head[0] & 0x7F, length) != (0, STREAMINFO):
        yield Remark.STRUCTURE, "the first block is no STREAMINFO"
    if head[0] & 0x7F == 127:
        yield Remark.STRUCTURE, f"block {number} of the metadata has a forbidden type"


def _first_frame(head: bytes, at: int) -> Iterator[tuple[Remark, str]]:
    if len(head) < 2:
        yield Remark.TRUNCATED, "the stream has headers and no sound"
    elif head[0] != 0xFF or head[1] & 0xFC != 0xF8:
        yield Remark.STRUCTURE, f"expected a frame at byte {at}, actual {head.hex()}"
