"""The values that walk through the house: from what a source declares to what a store holds.

    SourceItem ── appraise ──> AdmittedItem ── capture ──> Sip ── pack ──> Aip ── deposit ──> stored

`AdmittedItem` lives in `archiver.core.gate`, because only the licence gate makes one. SIP and AIP are OAIS packages
(ISO 14721).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from archiver.core.fixity import Algorithm, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.core.bags.paths import PayloadPath, TagPath
    from archiver.core.embedded import EmbeddedTags
    from archiver.core.examinations import Examination
    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.licences.evidence import Declaration
    from archiver.core.objects import StagedFile
    from archiver.core.preferences import Stated


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


@dataclass(frozen=True, slots=True)
class Recalled:
    """From where bytes were taken that the archive held already.

    Attributes:
        store: Name of the store.
        version: Of the item, whose bag has them.
        path: In that bag.
    """

    store: str
    version: int
    path: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A held copy that should have had the bytes and did not give them.

    Attributes:
        place: Where.
        why: For people.
        is_damage: Whether the copy is damaged; else it was out of reach.
    """

    place: Recalled
    why: str
    is_damage: bool


@dataclass(frozen=True, slots=True)
class CapturedFile:
    """Bytes that are here and match what was declared. Only the capture step makes one.

    Attributes:
        declared: What the source said.
        path: Where it goes below ``data/``.
        staged: Where it is now, with its size and SHA-256.
        sha512: Computed in the same pass.
        verified_by: The source's digest that the bytes were compared with, or None where it declared none
            (``digest_origin: first-fetch``).
        captured_at: When the last byte was durable, in UTC.
        recalled: The held copy that the bytes were taken from, or None where the source gave them.
        passed_over: Held copies that should have had them.
    """

    declared: DeclaredFile
    path: PayloadPath
    staged: StagedFile
    sha512: Digest
    verified_by: Digest | None
    captured_at: datetime
    recalled: Recalled | None = None
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True)
class Sip:
    """A submission information package: an admitted item with every chosen file captured, in payload order.

    Attributes:
        admitted: What the gate let in.
        files: Captured, in payload order.
        tags: What each file says of itself, in the same order; empty before they were read.
        stated: Every preference signal, or None before they were gathered.
        examined: What examining found, by path below ``data/``; empty before, and for files that are no audio.
    """

    admitted: AdmittedItem
    files: tuple[CapturedFile, ...]
    tags: tuple[EmbeddedTags, ...] = ()
    stated: Stated | None = None
    examined: Mapping[str, Examination] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """One payload file of an AIP: its place in the bag, where its bytes are now, and its two digests."""

    path: PayloadPath
    staged: StagedFile
    sha512: Digest


@dataclass(frozen=True, slots=True)
class Aip:
    """An archival information package: a complete bag that stands in staging, ready to be deposited.

    Attributes:
        item: Whose bag this is.
        version: Counted from 1; a new state of an item is a new version.
        prefix: The bag's place in every store, ending in ``/``.
        payload: In manifest order.
        tag_files: Every tag file in the order in which it is written; the tag manifests are last.
        licence_url: Canonical URL of the licence it was admitted under.
        title: For lists.
        state: Digest of the source state this bag holds (`archiver.core.states`).
    """

    item: ItemId
    version: int
    prefix: str
    payload: tuple[PayloadFile, ...]
    tag_files: tuple[tuple[TagPath, bytes], ...]
    licence_url: str
    title: str
    state: Digest

    @property
    def bytes(self) -> int:
        """Payload bytes."""
        return sum(file.staged.size for file in self.payload)

    @property
    def tag_manifest(self) -> Digest:
        """SHA-512 of the last tag file, the tag manifest on which all other fixity of the bag hangs."""
        return digest_of(self.tag_files[-1][1], Algorithm.SHA512)
