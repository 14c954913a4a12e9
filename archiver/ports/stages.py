"""What bounds the stages of a walk, so that one slow place fills its own line and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager


class Stages(Protocol):
    """Keeps what several items do at once within bounds. Waiting ends with `InterruptedRunError` when the run is to stop."""

    def staged(self, bytes_: int) -> AbstractContextManager[None]:
        """Keep room in staging for the time of the context: from before an item's first byte until every store has it."""
        ...

    def capturing(self, host: str) -> AbstractContextManager[None]:
        """Be one of the items whose files come in from a host; empty for a source that is one host."""
        ...

    def in_turn(self, stores: Iterable[str]) -> Iterator[str]:
        """Yield each store once, in their order, but for one that other items have been on for long: it comes last.

        An item is on a store until the next one is asked for, or the iteration ends.
        """
        ...
