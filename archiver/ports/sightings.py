"""What the ledger remembers of earlier crawls, so that an unchanged collection costs few requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from archiver.core.crawls import Sighting, Window
    from archiver.core.items import ItemId
    from archiver.core.outcomes import ItemOutcome
    from archiver.core.totals import Run


class Sightings(Protocol):
    """Every method may raise `CatalogueError`; each call that writes is one transaction."""

    def sighted(self, selection: str, items: Sequence[ItemId]) -> Mapping[ItemId, Sighting]:
        """Return what is remembered of items; those never met by the selection are missing."""
        ...

    def met(self, run: Run, outcomes: Iterable[ItemOutcome], *, at: datetime) -> None:
        """Remember how items ended in a run, each with its mark; one that was recognised keeps when it was described."""
        ...

    def unmet(self, run: Run) -> Iterator[ItemId]:
        """Yield the held items that the run's selection met before and not in this run; those forgotten are left out."""
        ...

    def window(self, selection: str) -> Window | None:
        """Return what a selection has seen to its end, or None."""
        ...

    def moved(self, selection: str, window: Window) -> None:
        """Let the selection's window be this one."""
        ...

    def forget(self, run: Run, items: Iterable[ItemId]) -> None:
        """Remember no more of items: the selection does not find them any longer."""
        ...
