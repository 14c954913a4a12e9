"""What the ledger says of past crawls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.totals import Run


class Crawls(Protocol):
    """Every method may raise `CatalogueError`."""

    def runs(self, *, selection: str = "", limit: int) -> Iterator[Run]:
        """Yield the latest runs, newest first; those of one selection where it is named."""
        ...
