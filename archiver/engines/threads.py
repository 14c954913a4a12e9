"""Threads of this process. Harvesting is waiting, and hashing releases the interpreter's lock: threads are enough here."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from archiver.core.errors import ArchiverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


class ThreadEngine:
    """Runs a function on threads; see `archiver.ports.engines.Engine`.

    Several calls of `over` may run at once and share the threads. A function that itself waits for this engine would wait
    for ever when every thread does so: give nested work an engine of its own.

    Args:
        threads: How many values one call of `over` has in hand; at least one.
        name: For thread names in a traceback.
        most: Threads in all, for several calls at once or for values that take long; as many as ``threads`` unless given.
            They are started when they are needed.
        slow: Seconds. A value that takes longer waits for somebody: another one is begun beside it, up to ``most``. So what
            is quick has ``threads`` threads and no more, and what is stuck does not stall it. None for never.
    """

    def __init__(self, threads: int, *, name: str, most: int | None = None, slow: float | None = None) -> None:
        if threads < 1:
            raise ValueError(f"an engine needs at least one thread, not {threads}")
        self._threads = threads
        self._most = max(threads, most or 0)
        self._slow = slow
        self._pool = ThreadPoolExecutor(self._most, thread_name_prefix=name)

    def over(self, function: Callable[[T], R], values: Iterable[T]) -> Iterator[R]:
        """Yield ``function(value)`` for each value, in the order of completion; see the port."""
        pending: dict[Future[R], float] = {}
        drawn = _Drawn(values)
        try:
            while True:
                while self._is_free(pending) and (one := drawn.one()):
                    pending[self._pool.submit(function, *one)] = monotonic()
                if not pending:
                    break
                done, _ = wait(pending, None if drawn.is_over else self._patience(pending), FIRST_COMPLETED)
                for future in done:
                    del pending[future]
                    yield future.result()
        finally:
            # Also when the caller stops early or a value fails: what has not begun is dropped, what has is waited for.
            for future in pending:
                future.cancel()
            wait(pending)
        if drawn.error is not None:
            raise drawn.error

    def close(self) -> None:
        """Wait for the work in hand and let the threads go."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _is_free(self, pending: dict[Future[R], float]) -> bool:
        if len(pending) < self._threads:
            return True
        return len(pending) < self._most and self._quick(pending) < self._threads

    def _quick(self, pending: dict[Future[R], float]) -> int:
        """Count what has not been in hand for long."""
        if self._slow is None:
            return len(pending)
        since = monotonic() - self._slow
        return sum(began > since for began in pending.values())

    def _patience(self, pending: dict[Future[R], float]) -> float | None:
        """Return for how long to wait until the next value is found to be slow."""
        if self._slow is None or len(pending) >= self._most:
            return None
        until = min((began for began in pending.values() if began > monotonic() - self._slow), default=None)
        return None if until is None else max(until + self._slow - monotonic(), 0.001)


class _Drawn(Generic[T]):
    """Values drawn one by one; the error that ended them is kept until what was drawn before was answered."""

    def __init__(self, values: Iterable[T]) -> None:
        self._values = iter(values)
        self.is_over = False
        self.error: ArchiverError | None = None

    def one(self) -> tuple[T, ...]:
        """Return the next value, or nothing at the end."""
        if not self.is_over:
            try:
                return (next(self._values),)
            except StopIteration:
                self.is_over = True
            except ArchiverError as error:
                self.is_over, self.error = True, error
        return ()
