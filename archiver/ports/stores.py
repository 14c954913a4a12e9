"""What the vault promises: objects under keys, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from archiver.core.fixity import Digest
    from archiver.core.objects import ObjectFacts, Offer, Receipt, StagedFile


class Store(Protocol):
    """A place that keeps objects under keys.

    A key is relative, uses ``/`` between its parts and may hold any Unicode text but NUL and the parts ``.``, ``..`` and
    the empty part; a store refuses other keys with `ValueError`. Every method may raise `StoreUnavailableError` (try
    again later) and `StoreRefusedError` (somebody must act).
    """

    @property
    def name(self) -> str:
        """The name the settings give this store."""
        ...

    def put(self, key: str, content: bytes | StagedFile, *, sha256: Digest, adopt: bool = False) -> Receipt:
        """Store ``content`` under ``key`` and return once it is durable.

        Putting the same bytes again under the same key is allowed and does nothing. The store never replaces an object.

        Args:
            key: Where.
            content: See `Offer`.
            sha256: See `Offer`.
            adopt: See `Offer`.

        Raises:
            ObjectConflictError: Other bytes are already under ``key``; they are left.
            ObjectDamagedError: The store received other bytes than were sent; nothing is visible under ``key``.
            StoreUnavailableError: Nothing is visible under ``key``, or the whole object is; putting again is safe.
        """
        ...

    def put_all(self, offers: Iterable[Offer]) -> Iterator[Receipt]:
        """Store objects, in an order of the store's own, and yield the receipt of each once it is durable.

        For many small objects: how many of them go on together, whether one after the other or in several threads, is for
        the store to know. To each applies what `put` promises. Of the objects without a receipt some may be there when this
        raises; putting them again is safe.

        Args:
            offers: Each under a key of its own; taken as far ahead as the store works on them.

        Raises:
            ObjectConflictError: As for `put`.
            ObjectDamagedError: As for `put`.
            StoreUnavailableError: As for `put`.
        """
        ...

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open the object and return its bytes in order, in chunks of at most 1 MiB, consumed once.

        Raises:
            ObjectNotFoundError: There is no such object.
            StoreUnavailableError: The store broke off; also between chunks.
            ObjectDamagedError: The store itself says that the object cannot be read (an I/O error of the disk).
        """
        ...

    def stat(self, key: str) -> ObjectFacts:
        """Return what the store says of the object.

        Raises:
            ObjectNotFoundError: There is no such object.
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Yield the objects whose key begins with ``prefix``, in no promised order, without digests.

        ``prefix`` is empty or ends in ``/``. Unfinished writes are not listed.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the object; an absent one is no error. Returns once the removal is durable."""
        ...


class SweptStore(Store, Protocol):
    """A store that a run of this archive writes to: what earlier runs left unfinished is removed ahead of it."""

    def sweep(self) -> int:
        """Remove what unfinished writes of earlier runs left (temporary files, multipart uploads); return how many.

        The caller holds the archive's lock, so nobody else is writing.
        """
        ...
