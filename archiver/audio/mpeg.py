"""Walk the frames of an MPEG audio stream (ISO/IEC 11172-3, 13818-3) with its Xing and LAME header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.audio.crc16 import crc16_arc
from archiver.audio.seeking import find, give_back
from archiver.audio.tails import audio_ends
from archiver.core.examinations import Remark

if TYPE_CHECKING:
    import mmap
    from collections.abc import Generator, Iterator

RATES = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}
MPEG1 = {
    3: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG2 = {3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256), 2: LOW, 1: LOW}
SYNC = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff][\x10-\xeb]")
"""The beginning of what may be a frame's header."""
MOST_LOSSES = 1000
"""Places where frames stop before a walk gives up: what has more is no stream."""
LONGEST_FREE = 8192
"""Bytes. No encoder of free format makes longer frames (640 kbit/s at 8 kHz would)."""


def frame_bytes(head: bytes) -> int:
    """Return the length of the frame that a four-byte header announces, or 0 when it is none (free format included)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_at, bitrate_at, padding = head[2] >> 2 & 3, head[2] >> 4, head[2] >> 1 & 1
    if version == 1 or layer == 0 or rate_at == 3 or not 0 < bitrate_at < 15:
        return 0
    rate = RATES[version][rate_at]
    bits = 1000 * (MPEG1 if version == 3 else MPEG2)[layer][bitrate_at - 1]
    if layer == 3:
        return (12 * bits // rate + padding) * 4
    return (144 if version == 3 or layer == 2 else 72) * bits // rate + padding


@dataclass(frozen=True, slots=True)
class InfoHeader:
    """What a Xing, Info or LAME header promises; None where it does not."""

    frames: int | None
    bytes_: int | None
    music_bytes: int | None = None
    music_crc: int | None = None
    is_strict: bool = False


def walk_mpeg(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    """Walk every frame: lost sync, foreign bytes, the counts and the checksum of the header."""
    if start > len(data):
        yield Remark.TRUNCATED, f"the ID3 tag: expected {start} bytes, actual {len(data)}"
        return
    if is_free_format(data, start):
        yield from _walk_free(data, start)
        return
    first = _next_frame(data, start)
    if first < 0:
        yield Remark.STRUCTURE, "no frame of MPEG audio"
        return
    if first > start and any(data[start : min(first, start + 65536)]):
        yield Remark.JUNK, f"bytes {start} to {first} before the first frame are neither tag nor frame"
    length = frame_bytes(data[first : first + 4])
    info = read_info(data[first : first + length])
    end = max(audio_ends(data, first), first + length)
    frames = yield from _walk_frames(data, first, end)
    if info is None:
        return
    counted = {frames - 1} if info.is_strict else {frames - 1, frames}  # others count their own header as a frame
    if info.frames is not None and info.frames not in counted:
        code = Remark.TRUNCATED if frames - 1 < info.frames else Remark.STALE_HEADER
        yield code, f"frames: the header says {info.frames}, actual {frames - 1}"
    yield from _compare_music(data, first, length, end, info)


def _walk_frames(data: mmap.mmap, first: int, end: int) -> Generator[tuple[Remark, str], None, int]:
    """Yield remarks and return the number of whole frames."""
    at, frames, given_back, losses = first, 0, 0, 0
    rate = data[first + 1] & 0x1E, data[first + 2] & 0x0C
    lengths: dict[bytes, int] = {}  # a stream has few different headers: most of this walk is looking them up
    while at < end:
        head = data[at : at + 3]
        length = lengths.get(head) or lengths.setdefault(head, frame_bytes(data[at : at + 4]))
        if not length:
            found = _next_frame(data, at + 1, end)
            upto = found if found >= 0 else end
            if any(data[at : min(upto, at + 65536)]) or found >= 0:
                yield (Remark.STRUCTURE if found >= 0 else Remark.JUNK), f"bytes {at} to {upto} are no frame"
            at, losses = upto, losses + 1
            if losses > MOST_LOSSES:
                yield Remark.STRUCTURE, f"frames stop at more than {MOST_LOSSES} places"
                return frames
            continue
        if at + length > end:
            yield Remark.TRUNCATED, f"the last frame: expected {length} bytes, actual {end - at}"
            return frames
        if (head[1] & 0x1E, head[2] & 0x0C) != rate:
            yield Remark.STRUCTURE, f"the frame at byte {at} has another version, layer or rate than the first"
            rate = head[1] & 0x1E, head[2] & 0x0C
        frames += 1
        at += length
        given_back = give_back(data, at, given_back)
    return frames


def _next_frame(data: mmap.mmap, at: int, end: int | None = None) -> int:
    """Return the place of the next two frames in a row, or -1; one alone may be chance."""
    end = len(data) if end is None else end
    while (at := find(data, SYNC, at, end)) >= 0:
        length = frame_bytes(data[at : at + 4])
        if length and (at + length >= end - 4 or frame_bytes(data[at + length : at + length + 4])):
            return at if at + length <= end else -1
        at += 1
    return -1


def is_free_format(data: mmap.mmap, start: int) -> bool:
    """Tell whether a stream names no bitrate: then a frame's length shows only in where the next one begins."""
    return bool(_free_length(data, start))


def _free_length(data: mmap.mmap, start: int) -> int:
    """Return the length of a frame of free format without padding, or 0 where it is none (four frames must agree)."""
    head = data[start : start + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[2] & 0xF0 or head[1] >> 1 & 3 == 0:
        return 0
    if head[1] >> 3 & 3 == 1 or head[2] >> 2 & 3 == 3:
        return 0
    slot = 4 if head[1] >> 1 & 3 == 3 else 1
    for length in range(24, LONGEST_FREE):
        if data[start + length] != 0xFF if start + length < len(data) else True:
            continue
        bare = length - (head[2] >> 1 & 1) * slot
        at = start
        for _ in range(3):
            here = data[at : at + 4]
            if len(here) < 4 or here[:2] != head[:2] or here[2] & 0xFD != head[2] & 0xFD:
                break
            at += bare + (here[2] >> 1 & 1) * slot
        else:
            return bare
    return 0


def _walk_free(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:
    bare, head = _free_length(data, start), data[start : start + 4]
    slot, at, end = (4 if head[1] >> 1 & 3 == 3 else 1), start, audio_ends(data, start)
    while at < end:
        here = data[at : at + 4]
        if here[:2] != head[:2] or here[2] & 0xFD != head[2] & 0xFD:
            yield Remark.STRUCTURE, f"byte {at}: expected a frame of free format, actual {here.hex()}"
            return
        at += bare + (here[2] >> 1 & 1) * slot
    if at > end:
        yield Remark.TRUNCATED, f"the last frame: {at - end} bytes are missing"


def read_info(frame: bytes) -> InfoHeader | None:
    """Read the header that Xing invented and LAME extended; None where the first frame is music."""
    if len(frame) < 40:
        return None
    is_mpeg1, is_mono = frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3
    at = 4 + ((17 if is_mono else 32) if is_mpeg1 else (9 if is_mono else 17))
    if frame[at : at + 4] not in {b"Xing", b"Info"}:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    fields = {}
    at += 8
    for bit, size in ((1, 4), (2, 4), (4, 100), (8, 4)):
        if flags & bit:
            fields[bit] = int.from_bytes(frame[at : at + size], "big")
            at += size
    lame = frame[at : at + 36]
    if len(lame) < 36 or not lame[:4].isalnum() or lame[:4] not in {b"LAME", b"Lavc", b"Lavf", b"L3.9"}:
        return InfoHeader(fields.get(1), fields.get(2))
    music, crc = int.from_bytes(lame[28:32], "big"), int.from_bytes(lame[32:34], "big")
    return InfoHeader(fields.get(1), fields.get(2), music or None, crc if music else None, is_strict=True)


def _compare_music(
    data: mmap.mmap, first: int, length: int, end: int, info: InfoHeader
) -> Iterator[tuple[Remark, str]]:
    """Compare the music's checksum: a single flipped bit shows nowhere else."""
    if info.music_crc is None or info.music_bytes is None:
        return
    if first + info.music_bytes > end:
        yield Remark.TRUNCATED, f"music: the header says {info.music_bytes} bytes, actual {end - first}"
        return
    actual = crc16_arc(data, first + length, first + info.music_bytes)
    if actual != info.music_crc:
        yield Remark.STALE_HEADER, f"music checksum: the header says {info.music_crc:04x}, actual {actual:04x}"
