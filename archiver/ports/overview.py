"""What the ledger promises to who asks how the archive is, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from archiver.core.coverage import Spread
    from archiver.core.forecasts import StoreForecast
    from archiver.core.items import ItemId
    from archiver.core.totals import Totals


class Overview(Protocol):
    """Answers as `Holdings`, `AuditLedger` and `Coverage` do. Every method may raise `CatalogueError`."""

    def totals(self) -> Totals:
        """Return what the archive holds and how the last runs went; whether with the tables of their crawls is left open."""
        ...

    def backlog(self, store: str, *, interval: timedelta, now: datetime) -> StoreForecast:
        """Return what is held in a store, and how many copies nobody has read for longer than the interval."""
        ...

    def spreads(self) -> Mapping[Spread, int]:
        """Return how many versions are spread in each way."""
        ...

    def spread_as(self, spread: Spread) -> Iterator[tuple[ItemId, int]]:
        """Yield the versions that are spread in exactly this way, in the order of items and versions."""
        ...
