"""What the ledger promises to takedowns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from archiver.core.events import Event
    from archiver.core.items import ItemId
    from archiver.core.withdrawals import Withdrawal


class Withdrawals(Protocol):
    """Takedowns. Every write is one transaction; every method may raise `CatalogueError`."""

    def withdrawn(self, item: ItemId) -> Withdrawal | None:
        """Return the takedown that keeps an item dark, or None when it has none."""
        ...

    def withdraw(self, withdrawal: Withdrawal, events: Iterable[Event]) -> None:
        """Make an item dark and block the content of all its versions."""
        ...

    def restore(self, item: ItemId, *, at: datetime, by: str, events: Iterable[Event]) -> None:
        """End the takedown of an item and lift the block on its content."""
        ...

    def to_delete(self, *, at: datetime) -> Iterator[Withdrawal]:
        """Yield the takedowns whose bytes may be deleted by now and have not been."""
        ...

    def deleted(self, item: ItemId, *, at: datetime, events: Iterable[Event]) -> None:
        """Take down that no store holds the item any more; its versions and events stay known."""
        ...
