"""How much an archive may hold, by its own size on the disk."""

from __future__ import annotations

from dataclasses import dataclass

MOST_AT_ONCE = 16 << 20
"""Bytes that one read may ask for. Real tar headers need some kilobytes."""
SMALLEST_LIMIT = 1 << 30
"""Bytes any archive may unpack to, however small it is."""
HIGHEST_RATIO = 100
"""Times its own size that a large archive may unpack to. Audio hardly shrinks; silence in WAV shrinks a thousandfold."""
MOST_MEMBERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one archive.

    Attributes:
        unpacked: Bytes of all members together, headers included.
        at_once: Bytes of one read.
        members: How many.
    """

    unpacked: int
    at_once: int = MOST_AT_ONCE
    members: int = MOST_MEMBERS


def limits_for(size: int, *, is_compressed: bool) -> Limits:
    """Return the limits for an archive of so many bytes on the disk."""
    return Limits(max(SMALLEST_LIMIT, size * HIGHEST_RATIO) if is_compressed else size)
