"""RIFF (WAVE, RF64) and IFF (AIFF): chunks with a name and a length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.audio.id3 import read_id3v2
from archiver.audio.spans import MOST_AT_ONCE, DamagedTagError
from archiver.audio.xmp import read_xmp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

MOST_CHUNKS = 10_000
UNKNOWN_SIZE = 0xFFFFFFFF
"""RF64: the size of the data stands in the chunk ``ds64``."""

_INFO = {b"ICOP", b"ICMT", b"ISBJ", b"ILIC", b"IMED"}
_AIFF = {b"(c) ", b"ANNO", b"COMT"}


def read_riff(file: Span, out: Gathering) -> None:
    """Read what the chunks of a WAVE file say.

    Raises:
        DamagedTagError: They cannot be walked to their end.
    """
    # RF64: the first chunk, ds64, holds the sizes of the RIFF and of the data chunk.
    data_size = int.from_bytes(file.peek(28, 8), "little") if file.peek(12, 4) == b"ds64" else 0
    for name, chunk, size in _chunks(file, 12, "little", data_size):
        if name == b"LIST" and chunk.peek(0, 4) == b"INFO":
            for field, text, _ in _chunks(chunk, 4, "little"):
                if field in _INFO:
                    out.long(f"riff.{field.decode()}", text, "latin-1")
        elif name == b"bext":
            out.encoded("bext.Description", chunk.peek(0, 256), "latin-1")
        else:
            _shared(name, chunk, out)
        if chunk.size < size and name != b"data":
            raise DamagedTagError(f"RIFF: the chunk {name!r} is longer than the file")


def read_aiff(file: Span, out: Gathering) -> None:
    """Read what the chunks of an AIFF file say.

    Raises:
        DamagedTagError: They cannot be walked to their end.
    """
    for name, chunk, _ in _chunks(file, 12, "big"):
        if name in _AIFF:
            # A COMT chunk holds a count and, before each text, a time, a marker and a length: ten bytes for the first.
            skipped = min(10 if name == b"COMT" else 0, chunk.size)
            out.long(f"aiff.{name.decode().strip()}", chunk.rest(skipped), "latin-1")
        else:
            _shared(name, chunk, out)


def _shared(name: bytes, chunk: Span, out: Gathering) -> None:
    if name.upper() == b"ID3 ":
        read_id3v2(chunk, out)
    elif name == b"_PMX" or (name == b"APPL" and chunk.peek(0, 4) == b"XMP "):
        if chunk.size > MOST_AT_ONCE:
            out.unread(f"an XMP packet of {chunk.size} bytes")
        else:
            read_xmp(chunk.at(0, chunk.size).removeprefix(b"XMP "), out)


def _chunks(
    file: Span, offset: int, order: Literal["little", "big"], data_size: int = 0
) -> Iterator[tuple[bytes, Span, int]]:
    for _ in range(MOST_CHUNKS):
        if offset + 8 > file.size:
            return
        header = file.at(offset, 8)
        size = int.from_bytes(header[4:], order)
        if header[:4] == b"data" and size == UNKNOWN_SIZE:
            size = data_size or file.size
        yield header[:4], file.part(offset + 8, min(size, file.size - offset - 8)), size
        offset += 8 + size + (size & 1)
    raise DamagedTagError(f"more than {MOST_CHUNKS} chunks")
