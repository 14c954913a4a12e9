"""What is promised about asking hosts: one turn after another, for every thread and process of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class HostTimes(Protocol):
    """When each host may be asked next."""

    def take(self, host: str, *, interval: float) -> None:
        """Wait for the turn of one request.

        Args:
            host: Host and port as in an address, lower case.
            interval: Seconds that the next request of anybody must come later; 0 for no limit.

        Raises:
            SourceUnavailableError: The host asked to be left alone for longer than anybody waits; says until when.
            InterruptedRunError: The run was asked to stop.
        """
        ...

    def hold(self, host: str, *, seconds: float) -> None:
        """Let nobody ask the host for so long, also in later runs; an earlier, longer hold stays."""
        ...


class Slots(Protocol):
    """So many bodies of a source open at once, for everybody who asks that source."""

    def taken(self, host: str = "") -> AbstractContextManager[None]:
        """Hold a slot for the time of the context; waits for one.

        Args:
            host: Whose, where a source's files lie on many hosts: so many bodies are open for each of them.
        """
        ...
