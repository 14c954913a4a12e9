"""What making derivatives asks of the listening room and of the local disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archiver.core.derivatives import Made, Order
    from archiver.core.fixity import Digest
    from archiver.core.objects import StagedFile
    from archiver.core.suspicions import Measured


class Deriver(Protocol):
    """Makes derivatives. May be asked from several threads at once."""

    def derive(self, source: StagedFile, order: Order) -> Made:
        """Make what is ordered of one file; the same bytes and the same order give the same bytes again.

        Never raises for what is in the file: a decoder that dies or takes too long leaves that file's kinds unmade. The
        products lie beside the source, on the bench; whoever empties the bench removes them.
        """
        ...

    def close(self) -> None:
        """End the processes that decode."""
        ...


class Meter(Protocol):
    """Measures loudness. May be asked from several threads at once."""

    def measure(self, path: Path, *, name: str) -> Measured:
        """Decode a file and say how loud it is, or why nobody can; never raises for what is in it. Nothing is left behind.

        Args:
            path: Where the bytes are.
            name: What the file is called in the answer.
        """
        ...

    def close(self) -> None:
        """End the processes that decode."""
        ...


class Bench(Protocol):
    """A place on the local disk for one file at a time: nothing on it is kept for longer than it is worked upon."""

    def brought(self, chunks: Iterator[bytes], *, size: int, sha256: Digest) -> AbstractContextManager[StagedFile]:
        """Bring bytes in, hashing them in passing; leaving the context removes them and everything made beside them.

        Raises:
            ObjectDamagedError: They are not the promised ones; nothing of them is left.
            StagingFullError: The bench cannot be written.
            StoreError: Reading them broke off.
        """
        ...

    def clear(self) -> None:
        """Remove what a run left that was killed. The caller holds the archive's lock: nobody else is at work."""
        ...

    def keep(self, name: str, content: bytes) -> None:
        """Keep a small record durably, replacing an earlier one atomically."""
        ...

    def kept(self, name: str) -> bytes | None:
        """Return a record kept earlier, whole, or None."""
        ...

    def drop(self, name: str) -> None:
        """Remove a record; an absent one is no error."""
        ...
