"""A stretch of a file, read piece by piece: a tag is walked without being loaded, however large its author made it."""

from __future__ import annotations

import os
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_AT_ONCE = 1 << 20
"""Bytes; nobody may ask for more in one piece."""


class DamagedTagError(Exception):
    """A tag does not keep to its own format. It never leaves this room: a damaged tag is no tag, and is noted."""


class TooManyPiecesError(DamagedTagError):
    """A file makes its reader ask for more pieces than any honest tag has."""


class Patience:
    """How many pieces of one file are read, all told: no structure of a hostile file keeps its reader busy for ever."""

    def __init__(self, pieces: int = 300_000) -> None:
        self._pieces = pieces

    def take(self) -> None:
        """Count a piece.

        Raises:
            TooManyPiecesError: There were too many.
        """
        self._pieces -= 1
        if self._pieces < 0:
            raise TooManyPiecesError("more pieces than any honest tag has")


class Span:
    """Bytes of an open file, not necessarily in one place.

    Args:
        descriptor: Of the open file.
        extents: Offset in the file and length of each part, in order.
        patience: Shared by every stretch of the file.
    """

    def __init__(self, descriptor: int, extents: Sequence[tuple[int, int]], patience: Patience) -> None:
        self._descriptor = descriptor
        self._patience = patience
        self._extents = extents
        self._ends = list(accumulate(length for _, length in extents))
        self.size = self._ends[-1] if self._ends else 0

    def at(self, offset: int, length: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            DamagedTagError: They are not all inside, or are more than `MOST_AT_ONCE`.
        """
        self._patience.take()
        if length < 0 or offset < 0 or length > MOST_AT_ONCE or offset + length > self.size:
            raise DamagedTagError(f"{length} bytes at {offset} are not inside {self.size}")
        content = b"".join(os.pread(self._descriptor, part, place) for place, part in self._places(offset, length))
        if len(content) != length:
            raise DamagedTagError(f"the file ends inside {length} bytes at {offset}")
        return content

    def peek(self, offset: int, length: int) -> bytes:
        """Return as many of the bytes as are inside."""
        inside = min(length, self.size - offset) if 0 <= offset < self.size else 0
        return self.at(offset, inside) if inside else b""

    def part(self, offset: int, length: int) -> Span:
        """Return a stretch of this one.

        Raises:
            DamagedTagError: It is not inside.
        """
        if length < 0 or offset < 0 or offset + length > self.size:
            raise DamagedTagError(f"{length} bytes at {offset} are not inside {self.size}")
        return Span(self._descriptor, list(self._places(offset, length)), self._patience)

    def rest(self, offset: int) -> Span:
        """Return everything from an offset on."""
        return self.part(offset, self.size - offset)

    def joined(self, parts: Sequence[tuple[int, int]]) -> Span:
        """Return several stretches of this one as one.

        Raises:
            DamagedTagError: One is not inside.
        """
        if any(offset + length > self.size for offset, length in parts):
            raise DamagedTagError(f"a part is not inside {self.size} bytes")
        places = [place for part in parts for place in self._places(*part)]
        return Span(self._descriptor, places, self._patience)

    def _places(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        index = bisect_right(self._ends, offset)
        while length > 0:
            place, whole = self._extents[index]
            skipped = offset - (self._ends[index] - whole)
            part = min(length, whole - skipped)
            yield place + skipped, part
            offset, length, index = offset + part, length - part, index + 1
