"""What the ledger promises to those who write it down beside the bags, and make it again from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.holdings import HeldFile, Holding
    from archiver.core.snapshots import Shard


class SnapshotLedger(Protocol):
    """The whole catalogue, stretch by stretch. Every method may raise `CatalogueError`."""

    def shards(self, *, after: int) -> Iterator[Shard]:
        """Yield what happened after the event of this number, in stretches that fit into memory."""
        ...

    def recalled(self, shard: Shard) -> None:
        """Take a stretch down again: its events are appended, its AIPs and takedowns stand as it says."""
        ...

    def found(self, holding: Holding, files: Iterable[HeldFile], *, decision: str) -> None:
        """Take down a bag that was found in a store; for one that is known already only its files."""
        ...

    def is_empty(self) -> bool:
        """Tell whether the catalogue knows nothing."""
        ...
