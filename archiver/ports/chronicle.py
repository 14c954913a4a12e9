"""What the ledger promises to reports: events added up, and the ones that matter, over all items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from archiver.core.events import Event, EventType
    from archiver.core.surveys import Activity


class Chronicle(Protocol):
    """Answers about what happened to everything. Every method may raise `CatalogueError`."""

    def activity(self) -> Iterator[Activity]:
        """Yield events counted by day, type, outcome and store, oldest day first; of fixity checks those of whole copies."""
        ...

    def happened(self, *, since: datetime | None = None) -> Iterator[Event]:
        """Yield every event, in the order in which they were taken down; memory does not grow with their number."""
        ...

    def failures(self, *, limit: int) -> Iterator[Event]:
        """Yield events that did not succeed, newest first."""
        ...

    def items_with(self) -> Mapping[EventType, int]:
        """Return to how many held items each type of event has happened with success."""
        ...

    def agents(self) -> Mapping[str, int]:
        """Return how many events each agent is named in, as ``kind: name``."""
        ...

    def extensions(self) -> Mapping[str, tuple[int, int]]:
        """Return files and bytes by the lower-case ending of their names, over the newest version of each item."""
        ...
