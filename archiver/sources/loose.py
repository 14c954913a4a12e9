"""Loose files and folders under the names they get in a bag; see `archiver.ports.bags.BagPlace`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.errors import ObjectNotFoundError
from archiver.core.objects import ObjectFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from archiver.ports.stores import Store


@dataclass(frozen=True)
class Piece:
    """One path that was handed in.

    Attributes:
        name: What it is called in the bag, ending in ``/`` for a folder; empty for a folder that is the whole item.
        store: A directory on the disk that it lies in.
        key: The file in that directory; empty for a folder, which is the directory itself.
    """

    name: str
    store: Store
    key: str = ""


@dataclass(frozen=True)
class LoosePlace:
    """Several pieces as one place."""

    pieces: Sequence[Piece]

    @property
    def name(self) -> str:
        """Nothing: there is one such place."""
        return ""

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Yield the files whose name begins with ``prefix``."""
        for piece in self.pieces:
            yield from (facts for facts in _files(piece) if facts.key.startswith(prefix))

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open a file; see the port."""
        piece = next(
            (one for one in self.pieces if key == one.name or (not one.key and key.startswith(one.name))), None
        )
        if piece is None:
            raise ObjectNotFoundError(f"{key[:200]!r} was not handed in")
        return piece.store.read(piece.key or key.removeprefix(piece.name))


def _files(piece: Piece) -> Iterator[ObjectFacts]:
    if piece.key:
        yield ObjectFacts(piece.name, piece.store.stat(piece.key).size)
    else:
        yield from (ObjectFacts(piece.name + facts.key, facts.size) for facts in piece.store.list(""))
