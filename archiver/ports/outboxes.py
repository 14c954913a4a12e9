"""What the outbox promises: a place on the local disk where a DIP appears, each file of it whole and proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from archiver.core.dips import Part


class Outbox(Protocol):
    """Takes the parts of one DIP, one after the other."""

    def has(self, part: Part) -> bool:
        """Tell whether an earlier, interrupted run handed this part out already; its bytes are read to know."""
        ...

    def take(self, part: Part, attempts: Iterable[Callable[[], Iterable[bytes]]]) -> None:
        """Write a part from the first attempt whose bytes are the promised ones; only then does it get its name.

        Args:
            part: Which one, and what its bytes must be.
            attempts: Ways to read it, tried in order; each may raise `StoreError`.

        Raises:
            ObjectConflictError: Another file has the name already; it is left.
            ObjectDamagedError: No attempt gave the promised bytes; nothing of this part is visible.
            StagingFullError: The directory cannot be written.
        """
        ...

    def finish(self) -> str:
        """Make what was handed out durable, and return where it is."""
        ...
