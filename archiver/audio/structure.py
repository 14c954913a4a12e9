"""Walk a file's structure without decoding it: what decoders skip over in silence is often what is missing.

Each walk yields remarks. Memory stays bounded: a file is mapped, and pages walked over are given back.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.audio.adts import walk_adts
from archiver.audio.chunked import walk_aiff, walk_au, walk_caf, walk_mp4, walk_riff, walk_w64, walk_wavpack
from archiver.audio.flac_blocks import walk_flac
from archiver.audio.mpeg import is_free_format, walk_mpeg
from archiver.audio.ogg_pages import is_chained, walk_ogg
from archiver.audio.tails import audio_ends, behind_id3
from archiver.core.examinations import Noted, Remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Walk = Callable[[mmap.mmap, int], Iterator[tuple[Remark, str]]]

W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
CHAINED, FREE_FORMAT = "ogg-chained", "mp3-free"
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")
_PLAYLISTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"v=0\r\no=", b"v=0\no=")


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk saw.

    Attributes:
        kind: Of file, or empty where no walk fits it.
        remarks: What is not as it should be.
        ends: The byte at which sound ends and tags begin; None where the kind has no such tail.
    """

    kind: str
    remarks: tuple[Noted, ...]
    ends: int | None = None


def walk(path: Path, *, demuxer: Callable[[], str]) -> Walked:
    """Recognise the kind of a file and walk it.

    MPEG frames are found in almost any bytes, so that walk is for files alone which the demuxer takes for MPEG audio.

    Args:
        path: The file.
        demuxer: Asked for the demuxer's name where the first bytes say nothing.

    Raises:
        OSError: It cannot be read.
    """
    if path.stat().st_size == 0:
        return Walked("", (Noted(Remark.EMPTY, "structure", "the file has no bytes"),))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = behind_id3(data)
        found = _kind(data, start, demuxer)
        if found is None:
            return Walked("", _no_audio(data))
        kind, walker = found
        remarks = tuple(Noted(code, "structure", detail) for code, detail in _bounded(walker(data, start)))
        if kind == "ogg" and is_chained(data, start):
            kind = CHAINED
        if kind == "mp3" and is_free_format(data, start):
            kind = FREE_FORMAT
        return Walked(kind, remarks, audio_ends(data, start) if kind in {"mp3", "aac"} else None)


def _kind(data: mmap.mmap, start: int, demuxer: Callable[[], str]) -> tuple[str, Walk] | None:
    head = data[start : start + 16]
    by_form = {b"WAVE": ("wav", walk_riff), b"AIFF": ("aiff", walk_aiff), b"AIFC": ("aiff", walk_aiff)}
    if head[:4] in {b"RIFF", b"RF64", b"BW64", b"FORM"} and head[8:12] in by_form:
        return by_form[head[8:12]]
    if head == W64:
        return "w64", walk_w64
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"}:
        return "mp4", walk_mp4
    if head[:4] in _MAGICS:
        return _MAGICS[head[:4]]
    name = demuxer()
    if name == "aac":
        return "aac", walk_adts
    # Free format is MPEG audio too, and the demuxer does not know it.
    return ("mp3", walk_mpeg) if name == "mp3" or (not name and is_free_format(data, start)) else None


def _walk_nothing(data: mmap.mmap, start: int) -> Iterator[tuple[Remark, str]]:  # noqa: ARG001 - a walk's signature
    """The decoder checks each block of these itself."""
    yield from ()


_MAGICS: dict[bytes, tuple[str, Walk]] = {
    b"fLaC": ("flac", walk_flac),
    b"OggS": ("ogg", walk_ogg),
    b"caff": ("caf", walk_caf),
    b".snd": ("au", walk_au),
    b"wvpk": ("wv", walk_wavpack),
    b"ajkg": ("shn", _walk_nothing),
    b"MAC ": ("ape", _walk_nothing),
    b"TTA1": ("tta", _walk_nothing),
}


def _no_audio(data: mmap.mmap) -> tuple[Noted, ...]:
    """Say of bytes that are no audio what they are, where that is easily seen."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(_PAGES):
        return (Noted(Remark.NOT_AUDIO, "structure", "the file is a web page or XML"),)
    if head.startswith(_PLAYLISTS):
        return (Noted(Remark.NOT_AUDIO, "structure", "the file is a list that names other files"),)
    if not head.strip(b"\0") and not any(data[1024 : 1 << 20]):
        return (Noted(Remark.NOT_AUDIO, "structure", "the file begins with zeros"),)
    return ()


def _bounded(remarks: Iterator[tuple[Remark, str]]) -> Iterator[tuple[Remark, str]]:
    """Let ten remarks of each code through: a hostile file could make millions."""
    seen: dict[Remark, int] = {}
    for code, detail in remarks:
        seen[code] = seen.get(code, 0) + 1
        if seen[code] <= 10:
            yield code, detail
