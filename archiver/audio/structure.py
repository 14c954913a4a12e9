"""Walk the structure of a file without decoding it: what a decoder forgives is often what is missing.

Each walk yields remarks. Memory stays bounded: a file is mapped, and pages walked over are given back.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.audio.chunked import walk_aiff, walk_mp4, walk_riff
from archiver.audio.mpeg import walk_mpeg
from archiver.audio.ogg_pages import walk_ogg
from archiver.core.examinations import Noted, Remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk saw: the kind of file, and its remarks."""

    kind: str
    remarks: tuple[Noted, ...]


def walk(path: Path) -> Walked:
    """Recognise the kind of a file by its first bytes and walk it.

    Raises:
        OSError: It cannot be read.
    """
    if path.stat().st_size == 0:
        return Walked("", (Noted(Remark.EMPTY, "structure", "the file has no bytes"),))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = behind_id3(data)
        kind, walker = _kind(data, start)
        remarks = tuple(Noted(code, "structure", detail) for code, detail in _bounded(walker(data, start)))
    return Walked(kind, remarks)


def behind_id3(data: mmap.mmap) -> int:
    """Return where an ID3v2 tag at the head ends, or 0 (ID3v2.4 §3.1: sizes are synchsafe)."""
    head = data[:10]
    if head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _kind(  # noqa: PLR0911 - one line for each kind
    data: mmap.mmap, start: int
) -> tuple[str, Callable[[mmap.mmap, int], Iterator[tuple[Remark, str]]]]:
    head = data[start : start + 12]
    if head[:4] == b"fLaC":
        return "flac", _walk_flac
    if head[:4] == b"OggS":
        return "ogg", walk_ogg
    if head[:4] in {b"RIFF", b"RF64"} and head[8:] == b"WAVE":
        return "wav", walk_riff
    if head[:4] == b"FORM" and head[8:] in {b"AIFF", b"AIFC"}:
        return "aiff", walk_aiff
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"wide"}:
        return "mp4", walk_mp4
    if head[:4] in {b"ajkg", b"wvpk", b"MAC ", b"TTA1"}:
        return {b"ajkg": "shn", b"wvpk": "wv", b"MAC ": "ape", b"TTA1": "tta"}[head[:4]], _walk_nothing
    return "", walk_mpeg


def _walk_flac(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:  # noqa: ARG001 - a walk's signature
    """The frames have their own check: the digest of the decoded samples."""
    if start:
        yield Remark.JUNK, f"an ID3 tag of {start} bytes stands before the FLAC stream"


def _walk_nothing(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:  # noqa: ARG001
    yield from ()


def _bounded(remarks: Iterator[tuple[Remark, str]]) -> Iterator[tuple[Remark, str]]:
    """Let ten remarks of each code through: a hostile file could make millions."""
    seen: dict[Remark, int] = {}
    for code, detail in remarks:
        seen[code] = seen.get(code, 0) + 1
        if seen[code] <= 10:
            yield code, detail
