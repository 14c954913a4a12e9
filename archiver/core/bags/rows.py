"""Rows of a bag that is too large for memory: what is said of one path comes together when rows are put in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

There = tuple[str, int, int]
"""Path in the bag, bytes, and where a reader finds it; of two members of one name the lower place is the first."""
Row = tuple[Any, ...]
"""Numbers and texts, compared from the left."""
InOrder = Callable[[Iterable[Row]], Iterable[Row]]
"""Returns rows in order, on the disk where they are many."""
