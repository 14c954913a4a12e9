"""What the ledger promises: an index of the bags, and a log that only grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from archiver.core.crawls import Crawl
    from archiver.core.events import Event
    from archiver.core.holdings import HeldFile, Holding
    from archiver.core.items import ItemId
    from archiver.core.outcomes import ItemOutcome, Outcome
    from archiver.core.totals import Run, Totals


class Holdings(Protocol):
    """Answers about what is held. Every method may raise `CatalogueError`."""

    def latest(self, item: ItemId) -> Holding | None:
        """Return the newest version of the item, or None when it is not held or withdrawn."""
        ...

    def versions(self, item: ItemId) -> tuple[Holding, ...]:
        """Return every version of the item, oldest first; empty when it is not held."""
        ...

    def holdings(self, *, text: str = "") -> Iterator[Holding]:
        """Yield the newest version of each item that is not withdrawn, in the order of identifiers; memory does not grow with their number.

        Args:
            text: Only items whose identifier, title or licence contains this, without regard to case.
        """
        ...

    def files(self, item: ItemId, version: int) -> Iterator[HeldFile]:
        """Yield the payload files of one version in the order of their paths."""
        ...

    def events(self, item: ItemId) -> Iterator[Event]:
        """Yield what happened to the item, oldest first."""
        ...

    def totals(self) -> Totals:
        """Return what the archive holds and how the last runs went."""
        ...


class Ledger(Protocol):
    """Takes down what happened. Each call is one transaction, durable when it returns, or nothing happened.

    Every method may raise `CatalogueError` and `CatalogueLockedError`.
    """

    def begin(self, *, selection: str, selection_digest: str, at: datetime) -> Run:
        """Open a run."""
        ...

    def ingested(self, holding: Holding, files: Iterable[HeldFile], events: Iterable[Event], *, decision: str) -> None:
        """Take down an AIP with its copies, files, events and the decision that admitted it.

        Taking down the same AIP again (same item and version) replaces its copies and adds nothing else: a run that
        was killed behind the deposit repeats this call.
        """
        ...

    def answered(self, run: Run, outcome: ItemOutcome, *, at: datetime) -> None:
        """Take down how an item ended, with its reasons and its decision; the latest one counts.

        The run's selection remembers the item at once, as by `archiver.ports.sightings.Sightings.met`.
        """
        ...

    def appended(self, events: Iterable[Event]) -> None:
        """Append events about objects already taken down; none needs no transaction."""
        ...

    def end(
        self, run: Run, *, at: datetime, complete: bool, counts: dict[Outcome, int], crawl: Crawl | None = None
    ) -> None:
        """Close a run."""
        ...
