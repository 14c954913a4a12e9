"""What the delivery bay promises of preference signals, and the ledger of finding them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from archiver.core.items import ItemId
    from archiver.core.preferences import Stated


class PreferenceSource(Protocol):
    """A source that knows what its host states."""

    def stated(self, item: ItemId) -> Stated:
        """Return what the host states about an item: its files for all machines, and the answers read so far.

        Never raises because a host does not answer: that is in `Stated.unread`.
        """
        ...


class Choices(Protocol):
    """Held items chosen by something else than their text. May raise `CatalogueError`."""

    def stating(self, category: str, value: str) -> frozenset[ItemId]:
        """Return the items whose newest version carries this combined preference."""
        ...

    def stored_by(self, selection: str) -> frozenset[ItemId]:
        """Return the items that a harvest of this selection stored."""
        ...
