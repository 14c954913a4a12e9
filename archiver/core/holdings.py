"""What the archive holds, as the catalogue answers it: an index of what the bags say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.core.fixity import Digest, Grade
    from archiver.core.items import ItemId
    from archiver.core.sounds import Sound


class CopyStatus(StrEnum):
    """What the last check of a copy found."""

    GOOD = "good"
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Copy:
    """One AIP in one store.

    Attributes:
        store: Name of the store.
        key: The bag's place in the store, without a final ``/``.
        status: What the last check found.
        grade: How much the last check proved.
        checked_at: When that was, in UTC.
    """

    store: str
    key: str
    status: CopyStatus
    grade: Grade
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class HeldFile:
    """One payload file of an AIP.

    Attributes:
        path: Path inside the bag, beginning with ``data/``, not percent-encoded.
        size: Bytes.
        sha256: Stored digest.
        sha512: Stored digest.
    """

    path: str
    size: int
    sha256: Digest
    sha512: Digest


@dataclass(frozen=True, slots=True)
class SeenBytes:
    """Bytes that the archive has seen before.

    Attributes:
        sha256: Of the bytes.
        item: Whose they are, or were.
        licence: Canonical URL of the licence they are held under; empty where they were withdrawn.
        path: Path inside that item's bag; empty where they were withdrawn.
        withdrawn: Whether they were taken down.
    """

    sha256: Digest
    item: ItemId
    licence: str
    path: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """One version of an item in the archive.

    Attributes:
        item: Identifier.
        version: Counted from 1.
        prefix: The bag's place in every store, ending in ``/``.
        title: As supplied by the source.
        licence: Canonical URL.
        state: Digest of the source state that the bag holds.
        updated: The source's own mark of that state, or empty.
        files: Number of payload files.
        bytes: Payload bytes.
        tag_manifest: SHA-512 of ``tagmanifest-sha512.txt``: the root of the bag's fixity, kept outside the bag.
        ingested_at: When the last store confirmed, in UTC.
        copies: Ordered by store name.
        preferences: Combined preference signals, category and answer; taken down at ingest, not read back.
        sounds: What examining found of each recording; taken down at ingest, not read back.
    """

    item: ItemId
    version: int
    prefix: str
    title: str
    licence: str
    state: Digest
    updated: str
    files: int
    bytes: int
    tag_manifest: Digest
    ingested_at: datetime
    copies: tuple[Copy, ...]
    preferences: tuple[tuple[str, str], ...] = ()
    sounds: tuple[Sound, ...] = ()
