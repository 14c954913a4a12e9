"""What is promised where several processes or machines work on one archive: each item is in one hand at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from archiver.core.fixity import Digest
    from archiver.core.holdings import SeenBytes
    from archiver.core.items import ItemId


class Claims(Protocol):
    """Keeps an item for one holder. A holder that dies lets go by dying: there is no time to wait out."""

    def held(self, item: ItemId) -> AbstractContextManager[None]:
        """Keep an item to oneself for the time of the context; waits while somebody else has it.

        Raises:
            InterruptedRunError: The run was asked to stop while it waited.
            CatalogueError: The catalogue cannot be asked.
        """
        ...

    def is_anybody_here(self) -> bool:
        """Tell whether another process holds any item now."""
        ...


class BytesInHand(Protocol):
    """Recordings of items that are being walked now: the holdings do not know them yet."""

    def claim(self, digests: Iterable[Digest], item: ItemId, licence: str) -> tuple[SeenBytes, ...]:
        """Claim bytes for an item, and return those that another item claims already."""
        ...

    def release(self, item: ItemId) -> None:
        """Let go of an item's claims: it is in the catalogue now, or it never will be."""
        ...
