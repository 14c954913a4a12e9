"""Walks of formats made of chunks with a length: RIFF, RF64, W64, AIFF, CAF, AU, MP4, WavPack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.examinations import Remark

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    Remarks = Iterator[tuple[Remark, str]]

MOST_CHUNKS = 100_000
UNKNOWN = 0xFFFFFFFF
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def walk_riff(data: mmap.mmap, start: int) -> Remarks:  # noqa: C901 - one rule a line
    """Walk RIFF/WAVE and RF64: a size beyond the end is a truncation, a size never written is stale."""
    is_64 = data[start : start + 4] in {b"RF64", b"BW64"}
    whole, at = int.from_bytes(data[start + 4 : start + 8], "little"), start + 12
    sizes = data[start + 20 : start + 36] if data[start + 12 : start + 16] == b"ds64" else b""
    if is_64 and len(sizes) < 16:
        yield Remark.STRUCTURE, "RF64 without a ds64 chunk: nothing says how long it is"
    if sizes and whole == UNKNOWN:
        whole = int.from_bytes(sizes[:8], "little")
    seen: set[bytes] = set()
    for name, size, at in _chunks(data, start + 12, "little", data64=int.from_bytes(sizes[8:], "little")):
        seen.add(name)
        if name == b"fmt ":
            yield from _fmt(data[at : at + 16])
        left = len(data) - at
        if not _is_name(name):
            yield Remark.JUNK, f"bytes {at - 8} to {len(data)} are no chunk"
            break
        if name == b"data" and size == UNKNOWN:
            yield Remark.STALE_HEADER, f"the size of the data was never written; {left} bytes follow"
        elif name == b"data" and size == 0 and left > 0 and whole in {0, UNKNOWN}:
            yield Remark.STALE_HEADER, f"the sizes were never written; {left} bytes follow"
            return
        elif size > left:
            yield Remark.TRUNCATED, f"chunk {_shown(name)}: expected {size} bytes, actual {left}"
    for needed in (b"fmt ", b"data"):
        if needed not in seen:
            yield Remark.STRUCTURE, f"no {_shown(needed)} chunk"
    if whole not in {0, UNKNOWN}:
        yield from _whole(data, start + 8, whole)


def _fmt(fmt: bytes) -> Remarks:
    """Check that the numbers of a PCM format agree with each other."""
    if not any(fmt):
        yield Remark.STRUCTURE, "the fmt chunk holds zeros"
        return
    tag, channels, rate, _, align, bits = (
        int.from_bytes(fmt[at : at + size], "little") for at, size in ((0, 2), (2, 2), (4, 4), (8, 4), (12, 2), (14, 2))
    )
    if not channels or not rate:
        yield Remark.STRUCTURE, f"the fmt chunk says {channels} channels at {rate} Hz"
    elif tag in {PCM, FLOAT, EXTENSIBLE} and align != channels * (-(-bits // 8)):
        yield Remark.STALE_HEADER, f"the fmt chunk: {channels} channels of {bits} bits, and blocks of {align} bytes"


def _whole(data: mmap.mmap, behind: int, whole: int) -> Remarks:
    """Compare the size of the whole form with the file; fewer bytes than a chunk's head are padding of some kind."""
    actual = len(data) - behind
    if whole > actual + 1:
        yield Remark.TRUNCATED, f"the whole: expected {whole} bytes, actual {actual}"
    elif whole + 8 <= actual and any(data[behind + whole : behind + whole + 65536]):
        if not _continues(data, behind + whole):
            yield Remark.JUNK, f"{actual - whole} bytes follow the end that the header names"
        else:
            yield Remark.STALE_HEADER, f"the whole: the header says {whole} bytes, actual {actual}"


def _continues(data: mmap.mmap, at: int) -> bool:
    """Tell whether what follows the end is one more chunk: editors add some and forget to say so."""
    name, size = data[at : at + 4], data[at + 4 : at + 8]
    return len(size) == 4 and _is_name(name) and (
        at + 8 + min(int.from_bytes(size, "little"), int.from_bytes(size, "big")) <= len(data)
    )  # fmt: skip


def walk_aiff(data: mmap.mmap, start: int) -> Remarks:  # noqa: C901 - one rule a line
    """Walk AIFF and AIFF-C."""
    seen: dict[bytes, int] = {}
    comm = b""
    for name, size, at in _chunks(data, start + 12, "big"):
        if not _is_name(name):
            yield Remark.JUNK, f"bytes {at - 8} to {len(data)} are no chunk"
            break
        seen[name] = size
        if name == b"COMM":
            comm = data[at : at + 22]
        if at + size > len(data):
            yield Remark.TRUNCATED, f"chunk {_shown(name)}: expected {size} bytes, actual {len(data) - at}"
    frames = int.from_bytes(comm[2:6], "big")
    for needed in (b"COMM", b"SSND"):
        if needed not in seen and (needed == b"COMM" or frames):
            yield Remark.STRUCTURE, f"no {_shown(needed)} chunk"
    yield from _whole(data, start + 8, int.from_bytes(data[start + 4 : start + 8], "big"))
    is_pcm = data[start + 8 : start + 12] == b"AIFF" or comm[18:22] in {b"NONE", b"sowt", b"twos"}
    if is_pcm and len(comm) >= 18 and b"SSND" in seen:
        expected = frames * int.from_bytes(comm[:2], "big") * (-(-int.from_bytes(comm[6:8], "big") // 8))
        if seen[b"SSND"] < 8 + expected:
            yield Remark.TRUNCATED, f"sound: COMM says {expected} bytes, SSND has {max(0, seen[b'SSND'] - 8)}"


def walk_w64(data: mmap.mmap, start: int) -> Remarks:  # noqa: C901 - one rule a line
    """Walk Sony Wave64: RIFF with sixteen-byte names and eight-byte sizes that count their own head."""
    whole, at = int.from_bytes(data[start + 16 : start + 24], "little"), start + 40
    seen: set[bytes] = set()
    for _ in range(MOST_CHUNKS):
        if at + 24 > len(data):
            break
        name, size = data[at : at + 4], int.from_bytes(data[at + 16 : at + 24], "little")
        seen.add(name)
        if size < 24:
            yield Remark.STRUCTURE, f"chunk {_shown(name)} at byte {at} is smaller than its own head"
            return
        if at + size > len(data):
            yield Remark.TRUNCATED, f"chunk {_shown(name)}: expected {size} bytes, actual {len(data) - at}"
        if name == b"fmt ":
            yield from _fmt(data[at + 24 : at + 40])
        at += size + -size % 8
    for needed in (b"fmt ", b"data"):
        if needed not in seen:
            yield Remark.STRUCTURE, f"no {_shown(needed)} chunk"
    if whole > len(data) - start + 8:
        yield Remark.TRUNCATED, f"the whole: expected {whole} bytes, actual {len(data) - start}"


def walk_caf(data: mmap.mmap, start: int) -> Remarks:
    """Walk Core Audio Format: the data may run to the end of the file."""
    at, seen = start + 8, set()
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            break
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 12], "big", signed=True)
        seen.add(name)
        if size < 0 and name == b"data":
            break
        if size < 0:
            yield Remark.STRUCTURE, f"chunk {_shown(name)} at byte {at} has a size below nought"
            return
        if at + 12 + size > len(data):
            yield Remark.TRUNCATED, f"chunk {_shown(name)}: expected {size} bytes, actual {len(data) - at - 12}"
        at += 12 + size
    for needed in (b"desc", b"data"):
        if needed not in seen:
            yield Remark.STRUCTURE, f"no {_shown(needed)} chunk"


def walk_au(data: mmap.mmap, start: int) -> Remarks:
    """Compare the one size that an AU file has."""
    offset, size = (int.from_bytes(data[start + at : start + at + 4], "big") for at in (4, 8))
    actual = len(data) - start - offset
    if offset < 24 or actual < 0:
        yield Remark.STRUCTURE, f"the sound begins at byte {offset} of {len(data) - start}"
    elif size != UNKNOWN and size > actual:
        yield Remark.TRUNCATED, f"sound: expected {size} bytes, actual {actual}"


def walk_wavpack(data: mmap.mmap, start: int) -> Remarks:
    """Walk the blocks: each names its size and the sample it begins with."""
    at, wanted = start, None
    while data[at : at + 4] == b"wvpk":
        size = int.from_bytes(data[at + 4 : at + 8], "little") + 8
        if size < 32 or at + size > len(data):
            yield Remark.TRUNCATED, f"the block at byte {at}: expected {size} bytes, actual {len(data) - at}"
            return
        index, samples = (int.from_bytes(data[at + place : at + place + 4], "little") for place in (16, 20))
        if samples and wanted is not None and index not in {wanted, wanted - samples}:
            yield Remark.STRUCTURE, f"the block at byte {at}: expected sample {wanted}, actual {index}"
        wanted = index + samples if samples else wanted
        at += size


def walk_mp4(data: mmap.mmap, start: int) -> Remarks:
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
            code = Remark.TRUNCATED if _is_name(name) and b"moov" not in seen | {name} else Remark.JUNK
            if name in {b"mdat", b"moov", b"moof"}:
                code = Remark.TRUNCATED
            yield code, f"box {_shown(name)}: expected {size} bytes, actual {len(data) - at}"
        at += size
    if b"moov" not in seen:
        yield Remark.STRUCTURE, "no moov box: nothing says where the samples are"


def _chunks(data: mmap.mmap, at: int, order: str, data64: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, size and place of each chunk, up to what is no chunk.

    Places are even (RIFF pads, and so does EA IFF 85); where a writer forgot the padding the next name shows it.
    """
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data) or (not _is_name(data[at : at + 4]) and not any(data[at : at + 65536])):
            return
        size = int.from_bytes(data[at + 4 : at + 8], "little" if order == "little" else "big")
        if data64 and size == UNKNOWN and data[at : at + 4] == b"data":
            size = data64
        yield data[at : at + 4], size, at + 8
        at += 8 + size
        if size & 1 and not (_is_name(data[at : at + 4]) and not _is_name(data[at + 1 : at + 5])):
            at += 1


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in name)


def _shown(name: bytes) -> str:
    return ascii(name.decode("latin-1"))
