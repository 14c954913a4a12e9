"""Bounds of what the threads of this process do at once; see `archiver.ports.stages.Stages`."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.ports.clock import Clock

LOOK = 0.5
"""Seconds between two looks at a signal while waiting."""


class Bounds:
    """See `archiver.ports.stages.Stages`. Safe for threads.

    Args:
        items: That come in at once from a source that is one host; so many are staged whatever their size.
        each: That come in at once from each host, where a source is many.
        volume: Bytes that items beyond those may keep in staging, as far as sizes are declared.
        slow: Seconds of one item on a store after which others go to another store first.
        clock: A signal ends the waiting.
    """

    def __init__(self, items: int, *, each: int, volume: int, slow: float, clock: Clock) -> None:
        self._items = items
        self._each = each
        self._volume = volume
        self._slow = slow
        self._clock = clock
        self._changed = threading.Condition()
        self._staged = 0
        self._bytes = 0
        self._hosts: Counter[str] = Counter()
        self._on_store: dict[str, list[float]] = {}

    @contextmanager
    def staged(self, bytes_: int) -> Iterator[None]:
        """Keep room in staging; see the port."""

        def is_free() -> bool:
            return self._staged < self._items or self._bytes + bytes_ <= self._volume

        with self._changed:
            self._wait(is_free)
            self._staged += 1
            self._bytes += bytes_
        try:
            yield
        finally:
            with self._changed:
                self._staged -= 1
                self._bytes -= bytes_
                self._changed.notify_all()

    @contextmanager
    def capturing(self, host: str) -> Iterator[None]:
        """Be one of the items that come in; see the port."""
        most = self._each if host else self._items
        with self._changed:
            self._wait(lambda: self._hosts[host] < most)
            self._hosts[host] += 1
        try:
            yield
        finally:
            with self._changed:
                self._hosts[host] -= 1
                if not self._hosts[host]:
                    del self._hosts[host]
                self._changed.notify_all()

    def in_turn(self, stores: Iterable[str]) -> Iterator[str]:
        """Yield each store once, one that is stuck last; see the port."""
        left = list(stores)
        while left:
            began = monotonic()
            with self._changed:
                store = min(left, key=lambda name: self._stuck(name, began))
                self._on_store.setdefault(store, []).append(began)
            left.remove(store)
            try:
                yield store
            finally:
                with self._changed:
                    self._on_store[store].remove(began)

    def _stuck(self, store: str, now: float) -> float:
        """Return for how long an item has been on a store, or nothing where that is no longer than usual."""
        longest = now - min(self._on_store.get(store, ()), default=now)
        return longest if longest > self._slow else 0.0

    def _wait(self, is_free: Callable[[], bool]) -> None:
        while not self._changed.wait_for(is_free, LOOK):
            self._clock.wait(0)
