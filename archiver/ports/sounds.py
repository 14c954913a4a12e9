"""What the ledger knows of recordings apart from their tags and containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.sounds import DuplicateGroup, Placed


class Sounds(Protocol):
    """Answers about recordings of the newest version of each item that is not withdrawn. May raise `CatalogueError`."""

    def same_sounds(self) -> Iterator[DuplicateGroup]:
        """Yield recordings that are exactly the same: lossless ones by their samples, others by their packets.

        No recording is in two groups; memory does not grow with their number.
        """
        ...

    def fingerprinted(self) -> Iterator[Placed]:
        """Yield recordings that have an acoustic fingerprint."""
        ...

    def sound_counts(self) -> tuple[int, int]:
        """Return how many recordings were examined, and how many of them have a fingerprint."""
        ...

    def examined_items(self) -> int:
        """Return in how many items at least one recording was examined: identified from its bytes, and decoded."""
        ...
