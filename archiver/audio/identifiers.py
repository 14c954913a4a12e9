"""Identifiers of recordings in tags, out of a file's beginning; see `archiver.ports.enrichments.IdentifierReader`.

Only the beginning is given to the library: however long a tag says that it is, no more is in memory.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

from archiver.core.identifiers import Kind, identifier, recognise_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.identifiers import Identifier

LONGEST_HEAD = 1 << 20
MOST = 100

_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, EOFError, OverflowError, ArithmeticError, struct.error)
"""What the library raises about damaged tags besides its own error."""


class TagIdentifiers:
    """Reads identifiers in ID3, Vorbis comments (FLAC, Ogg Vorbis, Opus) and MP4."""

    def identifiers(self, head: bytes, *, where: str) -> tuple[Identifier, ...]:
        """Return those in the tags; see the port."""
        from mutagen import MutagenError

        found: dict[Identifier, None] = {}
        try:
            for kind, text in _said(head[:LONGEST_HEAD]):
                if text.strip() and len(found) < MOST:
                    found[identifier(kind, text, where=where)] = None
        except (MutagenError, *_DAMAGE):
            return tuple(found)
        return tuple(found)


def _said(head: bytes) -> Iterator[tuple[Kind, str]]:
    from mutagen import flac, id3, mp4, oggopus, oggvorbis

    file = io.BytesIO(head)
    reader: Any
    if head.startswith(b"ID3"):
        reader = id3.ID3
        yield from _frames(reader(file))
    elif head.startswith(b"fLaC"):
        reader = flac.FLAC
        yield from _comments(reader(file).tags)
    elif head.startswith(b"OggS"):
        reader = oggopus.OggOpus if b"OpusHead" in head[:64] else oggvorbis.OggVorbis
        yield from _comments(reader(file).tags)
    elif head[4:8] == b"ftyp":
        reader = mp4.MP4
        for name, values in (reader(file).tags or {}).items():
            field = recognise_kind(str(name))
            if field is not None:
                yield from ((field, bytes(value).decode("utf-8", "replace")) for value in values)


def _frames(tags: Any) -> Iterator[tuple[Kind, str]]:
    for frame in tags.values():
        if frame.FrameID == "TSRC":
            yield from ((Kind.ISRC, str(text)) for text in frame.text)
        elif frame.FrameID == "UFID" and frame.owner == "http://musicbrainz.org":
            yield Kind.RECORDING, frame.data.decode("ascii", "replace")
        elif frame.FrameID == "TXXX":
            kind = recognise_kind(frame.desc)
            if kind is not None:
                yield from ((kind, str(text)) for text in frame.text)


def _comments(tags: Any) -> Iterator[tuple[Kind, str]]:
    for name, text in tags or ():
        kind = recognise_kind(name)
        if kind is not None:
            yield kind, str(text)
