"""What the ledger promises to who asks where everything lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.coverage import Spread
    from archiver.core.items import ItemId


class Coverage(Protocol):
    """Answers in which stores versions lie; withdrawn items are left out. Every method may raise `CatalogueError`."""

    def spreads(self) -> Mapping[Spread, int]:
        """Return how many versions are spread in each way."""
        ...

    def spread_as(self, spread: Spread) -> Iterator[tuple[ItemId, int]]:
        """Yield the versions that are spread in exactly this way, in the order of items and versions, page by page."""
        ...
