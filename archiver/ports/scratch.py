"""Room for what may be too large for memory: needed for a while, and gone when the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = tuple[Any, ...]
"""Numbers, texts, bytes and tuples of these."""


class Scratch(Protocol):
    """Holds little in memory and the rest elsewhere. Not for several threads."""

    def held(self, chunks: Iterable[bytes]) -> BinaryIO:
        """Keep bytes and return them as a file that can be read again and again."""
        ...

    def kept(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Keep rows and return them, to be iterated over again and again, as they came."""
        ...

    def in_order(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield rows in their order, equal ones too."""
        ...
