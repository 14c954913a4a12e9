"""What the clock promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Time and waiting, so that tests need neither."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            InterruptedRunError: The run was asked to stop; raised at once, also when it was asked before.
        """
        ...

    def stopping(self) -> bool:
        """Tell whether the run was asked to stop."""
        ...
