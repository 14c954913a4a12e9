"""Threads of this process. Harvesting is waiting, and hashing releases the interpreter's lock: threads are enough here."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


class ThreadEngine:
    """Runs a function on a fixed number of threads; see `archiver.ports.engines.Engine`.

    Several calls of `over` may run at once and share the threads. A function that itself waits for this engine would wait
    for ever when every thread does so: give nested work an engine of its own.

    Args:
        threads: How many; at least one. They are started when they are needed.
        name: For thread names in a traceback.
    """

    def __init__(self, threads: int, *, name: str) -> None:
        if threads < 1:
            raise ValueError(f"an engine needs at least one thread, not {threads}")
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def over(self, function: Callable[[T], R], values: Iterable[T]) -> Iterator[R]:
        """Yield ``function(value)`` for each value, in the order of completion; see the port."""
        pending: set[Future[R]] = set()
        source = iter(values)
        exhausted = False
        try:
            while True:
                while not exhausted and len(pending) < self._threads:
                    try:
                        value = next(source)
                    except StopIteration:
                        exhausted = True
                    else:
                        pending.add(self._pool.submit(function, value))
                if not pending:
                    return
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            # Also when the caller stops early or a value fails: what has not begun is dropped, what has is waited for.
            for future in pending:
                future.cancel()
            wait(pending)

    def close(self) -> None:
        """Wait for the work in hand and let the threads go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
