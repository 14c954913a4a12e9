"""What an engine promises: the same function over many values, here or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs a function over values, several at once. Knows nothing of what the work is."""

    def over(self, function: Callable[[T], R], values: Iterable[T]) -> Iterator[R]:
        """Yield ``function(value)`` for each value, in the order of completion.

        At most a bounded number of values is taken from ``values`` ahead of the results, so that memory does not grow
        with their number. An exception of the function ends the iteration, after work in hand has finished; one of
        ``values`` ends it after the results of what was taken before.
        """
        ...
