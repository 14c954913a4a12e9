"""What a file's own tags declare about its licence; see `archiver.ports.embedded.TagReader`.

Tags are walked by hand and not loaded through a library: the file is hostile until proven otherwise, a comment may have
fifty megabytes, and what a damaged tag still says is worth more than an exception.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from archiver.audio.ape import MAGIC as APE_MAGIC
from archiver.audio.ape import read_ape, read_leading_ape
from archiver.audio.chunks import read_aiff, read_riff
from archiver.audio.gathering import Gathering
from archiver.audio.id3 import HEADER, id3v2_size, read_id3v1, read_id3v2
from archiver.audio.matroska import read_matroska
from archiver.audio.mp4 import read_mp4
from archiver.audio.spans import DamagedTagError, Patience, Span, TooManyPiecesError
from archiver.audio.vorbis import read_flac, read_ogg
from archiver.audio.xmp import search_xmp

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.core.embedded import EmbeddedTags
    from archiver.core.objects import StagedFile

MOST_LEADING_TAGS = 8

_MAGICS: tuple[tuple[bytes, Callable[[Span, Gathering], None]], ...] = (
    (b"fLaC", read_flac),
    (b"OggS", read_ogg),
    (b"RIFF", read_riff),
    (b"RF64", read_riff),
    (b"BW64", read_riff),
    (b"FORM", read_aiff),
    (b"\x1a\x45\xdf\xa3", read_matroska),
    (APE_MAGIC, read_leading_ape),
)


class EmbeddedTagReader:
    """Reads tags from staged files. Safe for threads; knows nothing of licences."""

    def read(self, file: StagedFile, *, name: str) -> EmbeddedTags:
        """Return what the file's tags say; see the port."""
        out = Gathering(name)
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _read(Span(descriptor, [(0, os.fstat(descriptor).st_size)], Patience()), out)
        except TooManyPiecesError as error:
            out.unread(str(error))
        finally:
            os.close(descriptor)
        return out.tags()


def _read(file: Span, out: Gathering) -> None:
    begins = _leading_tags(file, out)
    body = file.rest(begins)
    reader = _reader_of(body.peek(0, 16))
    if reader is not None:
        _carefully(reader, body, out)
    elif not begins:
        _carefully(search_xmp, body, out)
    _trailing_tags(file, out)


def _reader_of(head: bytes) -> Callable[[Span, Gathering], None] | None:
    for magic, reader in _MAGICS:
        if head.startswith(magic):
            return reader
    if head[4:8] in {b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"}:
        return read_mp4
    return _read_dsf if head.startswith(b"DSD ") else None


def _carefully(reader: Callable[[Span, Gathering], object], span: Span, out: Gathering) -> None:
    """Read a tag; where it is damaged what was found before stands, and the damage is noted."""
    try:
        reader(span, out)
    except TooManyPiecesError:
        raise
    except DamagedTagError as error:
        out.note(f"a damaged tag: {error}")


def _leading_tags(file: Span, out: Gathering) -> int:
    """Read the ID3 tags before everything else, also before FLAC and WAVE, and return where the rest begins."""
    offset = 0
    for _ in range(MOST_LEADING_TAGS):
        size = id3v2_size(file.peek(offset, HEADER))
        if not size:
            return offset
        _carefully(read_id3v2, file.part(offset, min(size, file.size - offset)), out)
        offset += min(size, file.size - offset)
    out.unread(f"more than {MOST_LEADING_TAGS} ID3 tags one behind the other")
    return offset


def _trailing_tags(file: Span, out: Gathering) -> None:
    """Read what stands at the end, from behind: ID3v1, APE, and an ID3v2 tag with its footer."""
    edge = file.size
    last = file.peek(edge - 128, 128)
    if last.startswith(b"TAG") and len(last) == 128:
        read_id3v1(last, out)
        edge -= 128

    def trailing(span: Span, gathering: Gathering) -> None:
        nonlocal edge
        edge = read_ape(span, edge, gathering)

    _carefully(trailing, file, out)
    footer = file.peek(edge - HEADER, HEADER)
    size = id3v2_size(b"ID3" + footer[3:]) if footer.startswith(b"3DI") else 0
    if 0 < size <= edge:
        _carefully(read_id3v2, file.part(edge - size, size), out)


def _read_dsf(file: Span, out: Gathering) -> None:
    place = int.from_bytes(file.at(20, 8), "little")
    if place:
        read_id3v2(file.rest(min(place, file.size)), out)
