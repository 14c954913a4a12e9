"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from archiver.core.items import ItemId


class Progress(Protocol):
    """Told from many threads at once; must be quick and must never raise."""

    def announced(self, items: int) -> None:
        """The source says that there are so many items, all told."""
        ...

    def began(self, item: ItemId) -> None:
        """Work on the item begins."""
        ...

    def expects(self, item: ItemId, *, files: int, bytes_: int) -> None:
        """The item was admitted; so many files and bytes (as far as declared) will be captured."""
        ...

    def received(self, item: ItemId, *, bytes_: int) -> None:
        """So many more bytes of the item are staged."""
        ...

    def waits(self, item: ItemId, *, seconds: float, why: str) -> None:
        """The item waits for its source or a store."""
        ...

    def ended(self, item: ItemId, *, outcome: str) -> None:
        """Work on the item ended."""
        ...
