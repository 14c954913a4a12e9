"""Objects in a store: what is handed over, what is known of one, and what a put has proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.core.fixity import Digest, Grade


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file of ours on the local disk, durable, whole and never written to again.

    Attributes:
        path: Where it is; staging owns it and removes it.
        size: Bytes.
        sha256: What its bytes were when they were written.
    """

    path: Path
    size: int
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Offer:
    """An object on its way into a store.

    Attributes:
        key: Where it is to be.
        content: The bytes, or a staged file, which is read at most once and left where it is.
        sha256: The digest of the content; the store receives it with the bytes where it can check it.
        adopt: Whether the store may take the staged file itself (a hard link) instead of a copy. At most one store may be
            given a file so: two copies must not share one place on the disk.
    """

    key: str
    content: bytes | StagedFile
    sha256: Digest
    adopt: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.size


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What a store says of one object without sending it.

    Attributes:
        key: The object's key, relative to the store's prefix.
        size: Bytes.
        sha256: The digest that the store itself computed over the whole object, or None where it keeps none.
        place: Where it is in an archive, so that a reader need not look for its name; 0 in a store.
    """

    key: str
    size: int
    sha256: Digest | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a store has proven about an object just put.

    Attributes:
        key: The object's key, relative to the store's prefix.
        grade: `Grade.PROVIDER` where the store is proven to check the digest it was sent and answered with the same
            one; `Grade.READ` where every byte was read back from it and is right; `Grade.SIZE` otherwise: the caller must
            read the object back.
        existed: Whether the same bytes were already there, so that nothing was written.
        adopted: Whether the store took the staged file itself; no other store may be given the same file so.
    """

    key: str
    grade: Grade
    existed: bool = False
    adopted: bool = False


class StrangerKind(StrEnum):
    """What may lie beside objects and is none."""

    LINK = "link"
    """A symbolic link, or a hard link in an archive: its bytes may lie anywhere, and change without the bag."""
    SHARED = "shared"
    """A plain file with a second name on the disk, through which it may be changed; it is an object all the same."""
    SPECIAL = "special"
    """A device, a pipe, a socket, or a member of an archive that stands for no plain file."""
    UNNAMEABLE = "unnameable"
    """A name that is not UTF-8."""
    UNREADABLE = "unreadable"
    """A directory that cannot be looked into: nobody knows what is in it."""
    UNSAFE = "unsafe"
    """A name that would leave its directory on some system."""
    DAMAGED = "damaged"
    """A place from which an archive cannot be read any more."""
    EXCESSIVE = "excessive"
    """An archive that unpacks to far more than it could honestly hold."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something in a place for objects that is no object, and is never read.

    Attributes:
        kind: What it is.
        path: Where; bytes that are not UTF-8 are shown escaped.
        detail: For people.
    """

    kind: StrangerKind
    path: str
    detail: str = ""
