"""What the ledger promises of measured recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.items import ItemId
    from archiver.core.suspicions import Measured, Recording


class Measurements(Protocol):
    """What is known of the sound of held recordings. May raise `CatalogueError`."""

    def measured(self, item: ItemId, version: int, found: Iterable[Measured]) -> None:
        """Take down what measuring the files of one version came to, in place of what was known; in one transaction."""
        ...

    def recordings(self) -> Iterator[tuple[Recording, ...]]:
        """Yield the recordings of the newest version of each item that is not withdrawn, item by item, by path.

        An item of which nothing was measured or examined is left out. Memory does not grow with the number of items.
        """
        ...
