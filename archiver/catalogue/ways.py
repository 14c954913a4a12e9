"""Where the copies of a version are, as one text."""

from __future__ import annotations

from archiver.core.coverage import Spread


def spread_of(way: str) -> Spread:
    """Read a way: names of stores with ``+`` before each where the copy is good and ``!`` where it is not, and commas between."""
    parts = [part for part in way.split(",") if part]
    return Spread(
        frozenset(part[1:] for part in parts if part[0] == "+"), frozenset(part[1:] for part in parts if part[0] == "!")
    )
