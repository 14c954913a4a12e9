"""What the hall table promises: files on the local disk that survive a crash, or are visibly unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.objects import StagedFile


class Incoming(Protocol):
    """A file that is being received. It becomes a `StagedFile` by `commit` and in no other way."""

    @property
    def offset(self) -> int:
        """Bytes that are here, those of an earlier, interrupted run included; they have been hashed."""
        ...

    @property
    def validator(self) -> str:
        """The entity tag that the bytes here belong to, or empty."""
        ...

    def begin(self, *, validator: str) -> None:
        """Drop every byte and start over with the state of the file that ``validator`` names."""
        ...

    def write(self, chunk: bytes) -> None:
        """Append bytes, hashing them in passing.

        Raises:
            StagingFullError: No space left, or no permission; what is here stays.
        """
        ...

    def digests(self) -> tuple[Digest, ...]:
        """Return the digests of the bytes here, one for each algorithm asked for."""
        ...

    def commit(self) -> StagedFile:
        """Make the bytes durable under their final name and return them: fsync, rename, fsync of the directory."""
        ...


class Staging(Protocol):
    """Where items wait between the source and the stores."""

    def receive(
        self, item: ItemId, name: str, *, state: Digest, algorithms: tuple[str, ...]
    ) -> AbstractContextManager[Incoming]:
        """Open the place for one file of an item.

        Leaving the context without `Incoming.commit` keeps the bytes for a later resume. A file that was committed
        by an earlier run under the same state is opened at its full length, so that `commit` returns it at once.

        Args:
            item: Whose file.
            name: The source's name for it; any text, never used as a path.
            state: The state of the item (`archiver.core.states`); bytes of another state are dropped first.
            algorithms: Which digests to compute, by their manifest names.

        Raises:
            StagingFullError: The directory cannot be written.
        """
        ...

    def keep(self, item: ItemId, name: str, content: bytes) -> None:
        """Keep a small record of the item durably under ``name``, replacing an earlier one atomically."""
        ...

    def kept(self, item: ItemId, name: str) -> bytes | None:
        """Return a record kept earlier, whole, or None."""
        ...

    def discard(self, item: ItemId) -> None:
        """Remove everything of the item."""
        ...

    def items(self) -> Iterator[ItemId]:
        """Yield the items that something is here of."""
        ...
