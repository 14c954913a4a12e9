"""Where somebody else's bag may lie: what the reading side of `verify` needs, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from archiver.core.objects import ObjectFacts, Stranger

    Reader = Callable[[ObjectFacts], Iterable[bytes]]
    """Returns the bytes of an object in order, in chunks of at most 1 MiB; raises `StoreError` at once, or between chunks."""


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


class BagArchive(Protocol):
    """Objects that are surveyed in one go and then read in any order: a plain tar, a zip."""

    @property
    def name(self) -> str:
        """The name that findings give it."""
        ...

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield everything there, without its bytes; nothing is remembered.

        What an archive holds twice under one name is yielded twice, and damage is a stranger: it is never raised.
        """
        ...

    def reader(self) -> AbstractContextManager[Reader]:
        """Open what several objects are read through, for one thread."""
        ...


class BagTree(Protocol):
    """A directory that holds one bag, or many."""

    @property
    def name(self) -> str:
        """The name that findings give it."""
        ...

    def survey(self, prefix: str) -> Iterator[ObjectFacts | Stranger]:
        """Yield everything below a prefix, without its bytes; see `BagArchive.survey`."""
        ...

    def reader(self) -> AbstractContextManager[Reader]:
        """Open what several objects are read through, for one thread."""
        ...

    def has_file(self, path: str) -> bool:
        """Tell whether there is a plain file."""
        ...

    def has_directory(self, path: str) -> bool:
        """Tell whether there is a directory, be it empty."""
        ...


class BagStream(Protocol):
    """An archive that can only be read from its beginning to its end, each time anew."""

    @property
    def name(self) -> str:
        """The name that findings give it."""
        ...

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield every member in order, without its bytes; see `BagArchive.survey`."""
        ...

    def contents(self, wanted: Iterable[ObjectFacts]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield objects with their bytes, which must be consumed before the next.

        Args:
            wanted: Which ones, in the order of the survey; consumed as far as the archive is read.

        Raises:
            StoreError: The archive cannot be read on; objects yielded before hold.
        """
        ...
