"""What a source says: items, the files in them and the answers they were read from. Nothing here has been judged.

Everything later in the walk speaks of these values: the licence gate judges a `SourceItem`, a selection chooses among its
files, and catalogue, reports and derivatives know an item by its `ItemId`. So they stand below all of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.core.fixity import Digest
    from archiver.core.licences.evidence import Declaration


@dataclass(frozen=True, slots=True, order=True)
class ItemId:
    """An item's identifier at its source, for example ``internet-archive/some-album``."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source}/{self.name}"


def parse_item_id(text: str, *, default_source: str = "internet-archive") -> ItemId:
    """Read ``source/name``; a name without a source belongs to ``default_source``.

    Raises:
        ValueError: The name or the source is empty.
    """
    source, slash, name = text.partition("/")
    if not slash:
        source, name = default_source, text
    if not source or not name:
        raise ValueError(f"not an item identifier (source/name): {text[:200]!r}")
    return ItemId(source, name)


class FileRole(StrEnum):
    """What a file is to its source."""

    ORIGINAL = "original"
    """Given by the maker; what an archive keeps."""
    DERIVATIVE = "derivative"
    """Made by the source from an original, and made again at will."""
    PROVENANCE = "provenance"
    """The source's own records about the item; they change at any time."""
    OLD_VERSION = "old-version"
    """A superseded original."""


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """A file as its source declares it. Nothing here has been checked.

    Attributes:
        name: The source's own name, literal, with ``/`` between directories.
        role: What it is to the source.
        size: Bytes, or None where the source does not say.
        digests: What the source says of its bytes; empty where it says nothing that can be compared.
        format: The source's word for the format, or empty.
        private: Whether the source says that it hands the file to nobody.
        facts: Further technical statements of the source (length, bitrate, track …), as pairs in the source's order.
        must_match_all: Whether the bytes must give each of the digests; else the strongest one decides.
    """

    name: str
    role: FileRole
    size: int | None = None
    digests: tuple[Digest, ...] = ()
    format: str = ""
    private: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    must_match_all: bool = False


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """One answer of a source, kept as evidence, personal data removed.

    Attributes:
        name: File name below ``metadata/source/``, for example ``metadata.json``.
        content: The redacted bytes.
        received: Digest of the bytes as they were received, before redaction.
        url: Where it was read.
        retrieved_at: When, in UTC.
        redacted: What was removed, as JSON pointers.
    """

    name: str
    content: bytes
    received: Digest
    url: str
    retrieved_at: datetime
    redacted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceItem:
    """An item as its source describes it at one moment.

    Attributes:
        id: Identifier.
        title: As supplied, or empty.
        creators: As supplied, in order; never the uploader's handle.
        url: The page a reader would open.
        declarations: Every licence declaration of the item and its files.
        files: Every file that the source lists.
        answers: The source's answers this was read from.
        access_restricted: The source lends the item or keeps it from the public.
        stream_only: The source offers the item for listening and not for copying.
        updated: The source's own mark of this state (a time or revision); empty where it has none.
        mediatype: The source's word for the kind of item.
        collections: The collections it is in.
        date: As supplied, or empty.
        uploader: What stands for the uploader's address (`uploader_digest`); the address itself is not kept.
        checked: What was proven of it before it was described, for the record; of a bag handed in, that it is valid.
        revision: What makes a state of its own beside files and licence: of a bag handed in, the digest of its tag files.
    """

    id: ItemId
    title: str
    creators: tuple[str, ...]
    url: str
    declarations: tuple[Declaration, ...]
    files: tuple[DeclaredFile, ...]
    answers: tuple[SourceAnswer, ...]
    access_restricted: bool = False
    stream_only: bool = False
    updated: str = ""
    mediatype: str = ""
    collections: tuple[str, ...] = ()
    date: str = ""
    uploader: str = ""
    checked: str = ""
    revision: str = ""
