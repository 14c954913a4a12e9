"""Many machines: the same function on the workers of a Dask scheduler that is there already.

Durable state is the archive's own (catalogue and stores). The scheduler knows only what is in hand, so when it dies the
values without an answer are given to the next one under the same address; when a worker dies, to another worker.
Functions must therefore be safe to call twice for one value.

Values travel in groups, each one task, because a task costs the scheduler 2 ms whatever is in it; a worker goes through
a group on threads of its own. No more groups are submitted than keep every worker busy: a scheduler keeps some kilobytes
for each.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from archiver.core.errors import ArchiverError, CannotRunError, InterruptedRunError
from archiver.engines.clusters import Line
from archiver.engines.errands import Errand, close_errand, run_errand, stop_errand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from distributed import Future

    from archiver.engines.clusters import Cluster

T = TypeVar("T")
R = TypeVar("R")

LOOK = 0.5
"""Seconds between two looks at the scheduler and at whether the run is to stop."""
GROUPS_FOR_EACH = 2
"""Groups in hand for each thread of each worker: one that it works on and one that it finds ready."""
TRIES = 3
"""How often a value that was with workers when they died goes to another one, each time after the scheduler's own tries."""
LONGEST_END = 30.0
"""Seconds for what is in hand to end when a run is stopped."""


class DaskEngine:
    """Runs a function on the workers of a cluster; see `archiver.ports.engines.Engine`.

    Args:
        cluster: Where and how.
        opener: Called without arguments once in each worker process; a context manager of the doorways that stand in
            there for those here, and of a function that asks them to stop.
        doorways: Instances of this type stay here when a function travels; those of the worker take their place.
        lost: Makes the result of a value whose workers died again and again.
        stopping: Tells whether the run was asked to stop.

    Raises:
        CannotRunError: There is no scheduler, or it has no worker, for all of the cluster's patience.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        opener: Callable[[], Any],
        doorways: type,
        lost: Callable[[Any, str], Any],
        stopping: Callable[[], bool],
    ) -> None:
        self._cluster = cluster
        self._opener = pickle.dumps(opener)
        self._doorways = doorways
        self._lost = lost
        self._stopping = stopping
        self._token = uuid4().hex
        self._line = Line(cluster, stopping)
        self._line.connect()

    def over(self, function: Callable[[T], R], values: Iterable[T]) -> Iterator[R]:
        """Yield ``function(value)`` for each value, in the order of completion; see the port."""
        errand = Errand(self._token, self._opener, _sent(function, self._doorways), self._cluster.threads)
        source = iter(values)
        hand = _Hand(errand)
        is_exhausted = False
        try:
            while True:
                while not is_exhausted and len(hand.groups) < GROUPS_FOR_EACH * max(self._line.slots(), 1):
                    group = tuple(islice(source, self._cluster.group))
                    is_exhausted = not group
                    if group:
                        self._submit(hand, _Group(group))
                if not hand.groups and is_exhausted:
                    return
                if self._stopping():
                    raise InterruptedRunError("stopped while workers had items in hand")
                yield from self._next(hand)
        finally:
            if hand.groups:
                self._stop(hand)

    def close(self) -> None:
        """Let the workers close what they opened for this run, and go."""
        self._line.everywhere(close_errand, self._token)
        self._line.close()

    def _next(self, hand: _Hand) -> Iterator[Any]:
        """Yield what the next group brought; nothing when there is none yet."""
        try:
            key, future = hand.done.get(timeout=LOOK)
        except Empty:
            self._look_after(hand)
            return
        group = hand.groups.get(key)
        if group is None or group.future is not future:
            return  # of a scheduler that is gone
        if future.status == "finished":
            yield from self._answers(hand, key, group)
        elif future.status == "error":
            del hand.groups[key]
            yield from self._after_error(hand, group)
        else:
            self._look_after(hand)

    def _look_after(self, hand: _Hand) -> None:
        """Give out again what a scheduler has lost: it died and came back, or is no longer heard."""
        if not self._line.is_heard():
            self._line.connect()
            lost = list(hand.groups)
        else:
            lost = [key for key, group in hand.groups.items() if group.is_lost()]
        for key in lost if self._line.is_heard(at_once=True) else ():
            self._submit(hand, hand.groups.pop(key))

    def _answers(self, hand: _Hand, key: str, group: _Group) -> Iterator[Any]:
        answers = self._line.fetched(group.future)
        if answers is None:
            hand.done.put((key, group.future))
            sleep(LOOK)
            self._look_after(hand)
            return
        del hand.groups[key]
        group.future = None
        for answer in answers:
            yield answer.unwrapped()

    def _after_error(self, hand: _Hand, group: _Group) -> Iterator[Any]:
        """Try values again whose workers died, each alone so that one that kills its worker is found; else raise."""
        from distributed.scheduler import KilledWorker  # noqa: PLC0415 - heavy, and needed with this engine only

        error = group.future.exception()
        if isinstance(error, KilledWorker):
            if group.tries < TRIES:
                for value in group.values:
                    self._submit(hand, _Group((value,), group.tries + 1))
                return
            for value in group.values:
                yield self._lost(value, "the worker processes that had it died, again and again")
            return
        if isinstance(error, ArchiverError):
            raise error
        raise CannotRunError(
            f"a worker could not take the work: {type(error).__name__}: {str(error)[:300]}",
            next_command="dask worker …   # with the same archiver and Python as here: see docs/cluster.md",
        ) from error

    def _submit(self, hand: _Hand, group: _Group) -> None:
        key = f"archiver-{uuid4().hex}"
        group.future = self._line.submit(run_errand, hand.errand, group.values, key=key)
        hand.groups[key] = group
        if group.future is not None:
            group.future.add_done_callback(lambda done: hand.done.put((key, done)))

    def _stop(self, hand: _Hand) -> None:
        """Drop what has not begun, and wait for what has, so that nothing goes on behind the caller's back."""
        self._line.cancel([group.future for group in hand.groups.values() if group.future is not None])
        self._line.everywhere(stop_errand, self._token)
        until = monotonic() + LONGEST_END
        while not self._line.everywhere(close_errand, self._token) and monotonic() < until:
            sleep(LOOK)


@dataclass(slots=True)
class _Group:
    """Values that go to a worker together, and the task that has them."""

    values: tuple[Any, ...]
    tries: int = 0
    future: Any = None

    def is_lost(self) -> bool:
        """Tell whether no scheduler works on it: it was never handed over, or was forgotten."""
        return self.future is None or self.future.status in {"cancelled", "lost"}


@dataclass(slots=True)
class _Hand:
    """What is with the workers: groups by key, and those that have ended."""

    errand: Errand
    groups: dict[str, _Group] = field(default_factory=dict)
    done: SimpleQueue[tuple[str, Future]] = field(default_factory=SimpleQueue)


def _sent(function: Callable[..., Any], doorways: type) -> bytes:
    """Return a function as it travels: the doorways it goes through stay here."""

    class Packer(pickle.Pickler):
        def persistent_id(self, obj: Any) -> str | None:
            return "doorways" if isinstance(obj, doorways) else None

    packed = io.BytesIO()
    Packer(packed).dump(function)
    return packed.getvalue()
