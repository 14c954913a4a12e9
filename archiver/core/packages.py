"""The packages that walk through the house: from what was captured of an admitted item to what a store holds.

    SourceItem ── appraise ──> AdmittedItem ── capture ──> Sip ── pack ──> Aip ── deposit ──> stored

`SourceItem` lives in `archiver.core.items`, with all that a source says, and `AdmittedItem` in `archiver.core.gate`,
because only the licence gate makes one. SIP and AIP are OAIS packages (ISO 14721).
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    from archiver.core.items import DeclaredFile, ItemId
    from archiver.core.objects import StagedFile
    from archiver.core.preferences import Stated


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
