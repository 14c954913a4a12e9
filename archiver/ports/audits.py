"""What the ledger promises to audits and repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

    from archiver.core.audits import CheckedCopy, DueCopy, Repair
    from archiver.core.events import Event
    from archiver.core.fixity import Grade
    from archiver.core.forecasts import StoreForecast
    from archiver.core.items import ItemId


class AuditLedger(Protocol):
    """Chooses copies and takes down what their checks found. Every method may raise `CatalogueError`."""

    def due(self, store: str, *, grade: Grade, until: datetime) -> Iterator[DueCopy]:
        """Yield the copies of a store whose last check is no later than ``until``, the oldest first, page by page.

        A copy that is checked while this goes on does not come again. With a grade below `read` the last check at any
        grade counts, else the last one that read every byte.
        """
        ...

    def fresh(self, store: str, *, since: datetime, until: datetime) -> Iterator[DueCopy]:
        """Yield the copies written after ``since`` and never audited, the newest first; not those written after ``until``."""
        ...

    def copies(self, item: ItemId) -> tuple[DueCopy, ...]:
        """Return every copy of every version of an item, in the order of versions and stores."""
        ...

    def damaged(self) -> Iterator[DueCopy]:
        """Yield every copy that is not good, in the order of items."""
        ...

    def checked(
        self, copy: DueCopy, result: CheckedCopy, events: Iterable[Event], repairs: Iterable[Repair] = ()
    ) -> None:
        """Take down a check with its events, and the repairs that led to it, in one transaction."""
        ...

    def backlog(self, store: str, *, interval: timedelta, grade: Grade, now: datetime) -> StoreForecast:
        """Return what is held and overdue in a store."""
        ...
