"""Where somebody else's bag may lie: what the reading side of `verify` needs, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

    from archiver.core.objects import ObjectFacts, Stranger


class BagPlace(Protocol):
    """Objects under keys that can be read in any order, by several threads at once. Every store is one."""

    @property
    def name(self) -> str:
        """The name that findings give it; empty for a place that has none."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Yield the objects whose key begins with ``prefix``, in no promised order."""
        ...

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open an object and return its bytes in order, in chunks of at most 1 MiB, consumed once.

        Raises:
            StoreError: It cannot be read.
        """
        ...


class BagStream(Protocol):
    """An archive that can only be read from its beginning to its end, each time anew."""

    @property
    def name(self) -> str:
        """The name that findings give it."""
        ...

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield every member in order, without its bytes. Never raises for what the archive holds: damage is a stranger."""
        ...

    def contents(self, keys: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield each named object with its bytes, in the archive's own order; bytes must be consumed before the next.

        Raises:
            StoreError: The archive cannot be read on; objects yielded before hold.
        """
        ...
