"""How fast a host may be asked: one pace for all threads, and a hold that the host itself asked for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archiver.core.errors import SourceUnavailableError
from archiver.core.patience import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.ports.clock import Clock

_STEP = 0.2
"""Seconds between two looks at a signal while waiting for a free download."""


class MemoryHostTimes:
    """See `archiver.ports.hosts.HostTimes`; for the threads of this process alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def take(self, host: str, *, interval: float) -> None:
        """Wait for the turn of one request."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                left = self._next.get(host, 0.0) - now
                if left <= 0:
                    self._next[host] = now + interval
                    return
            refuse_long_wait(host, left)
            self._clock.wait(left)

    def hold(self, host: str, *, seconds: float) -> None:
        """Let nobody ask the host for so long."""
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), self._clock.monotonic() + seconds)


def refuse_long_wait(host: str, seconds: float) -> None:
    """Refuse to wait for a host that asked for more time than a run has.

    Raises:
        SourceUnavailableError: It did.
    """
    if seconds > LONGEST_WAIT:
        raise SourceUnavailableError(
            f"{host}: asked to be left alone for {seconds:.0f} seconds more; not asked before",
            retry_after=seconds,
            whole_host=True,
        )


class Slots:
    """So many bodies open at once, and no more; see `archiver.ports.hosts.Slots`.

    Args:
        number: At least one.
        clock: A signal ends the waiting.
    """

    def __init__(self, number: int, clock: Clock) -> None:
        self._number = number
        self._free: dict[str, threading.Semaphore] = {}
        self._clock = clock

    @contextmanager
    def taken(self, host: str = "") -> Iterator[None]:
        """Hold a slot for the time of the context."""
        free = self._free.get(host) or self._free.setdefault(host, threading.Semaphore(self._number))
        while not free.acquire(timeout=_STEP):
            self._clock.wait(0)
        try:
            yield
        finally:
            free.release()
