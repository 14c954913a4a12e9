"""When hosts may be asked, for all processes that share a catalogue in PostgreSQL.

A turn is reserved by one statement (the generic cell rate algorithm), by the database's own clock: nobody polls, and a
process that dies wastes one turn at most. What a host asked for (429, `Retry-After`) holds for everybody too.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from archiver.catalogue import schema
from archiver.core.errors import SourceUnavailableError
from archiver.core.patience import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from archiver.catalogue.claiming import SharedClaims
    from archiver.ports.clock import Clock

FRESH = 1.0
"""Seconds for which a look at a host's hold is good: every request asks for it."""
LONGEST_HOLD = 86_400.0
"""Seconds. A host that asks for more stops nobody for longer."""

_PACE = schema.pace.c
_NOW = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Float)
_BY = sa.bindparam("by", type_=sa.Float)
_IS_HOST = _PACE.host == sa.bindparam("which")
_HELD = sa.select(_PACE.held_until - _NOW).where(_IS_HOST)
_NEW = insert(schema.pace).on_conflict_do_nothing()
_TURN = (
    schema.pace.update()
    .where(_IS_HOST)
    .values(turn=sa.func.greatest(_PACE.turn, _PACE.held_until, _NOW) + _BY)
    .returning(_PACE.turn - _BY - _NOW)
)
_HOLD = (
    schema.pace.update()
    .where(_IS_HOST)
    .values(held_until=sa.func.greatest(_PACE.held_until, _NOW + _BY))
    .returning(_PACE.held_until - _NOW)
)


class SharedHostTimes:
    """See `archiver.ports.hosts.HostTimes`. Safe for threads.

    Args:
        writes: Opens a transaction.
        clock: For waiting, so that a signal ends it.
    """

    def __init__(self, writes: Callable[[], AbstractContextManager[sa.Connection]], clock: Clock) -> None:
        self._writes = writes
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: dict[str, float] = {}

    def take(self, host: str, *, interval: float) -> None:
        """Wait for the turn of one request; with an interval of 0 only for what the host itself asked for.

        Raises:
            SourceUnavailableError: The host asked to be left alone for longer than anybody waits.
            InterruptedRunError: The run was asked to stop.
        """
        if interval:
            self._wait(host, self._moved(_TURN, host, interval))
        while (held := self._held(host)) > 0:
            self._wait(host, held)

    def hold(self, host: str, *, seconds: float) -> None:
        """Let nobody ask the host for so long; an earlier, longer hold stays."""
        self._moved(_HOLD, host, min(seconds, LONGEST_HOLD))
        with self._lock:
            self._looked.pop(host, None)

    def _held(self, host: str) -> float:
        """Return for how many seconds nobody may ask the host; a good answer holds for a second."""
        with self._lock:
            if self._clock.monotonic() - self._looked.get(host, -FRESH) < FRESH:
                return 0.0
        with self._writes() as connection:
            left = connection.execute(_HELD, {"which": host}).scalar()
        if left is not None and left > 0:
            return float(left)
        with self._lock:
            self._looked[host] = self._clock.monotonic()
        return 0.0

    def _wait(self, host: str, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise SourceUnavailableError(
                f"{host}: asks to be left alone for {seconds:.0f} seconds more", retry_after=seconds, whole_host=True
            )
        if seconds > 0:
            self._clock.wait(seconds)

    def _moved(self, move: sa.Executable, host: str, by: float) -> float:
        """Change a host's row, made where it is new, and return how many seconds are left."""
        values = {"which": host, "by": by}
        with self._writes() as connection:
            seconds = connection.execute(move, values).scalar()
            if seconds is None:
                connection.execute(_NEW, {"host": host, "turn": 0.0, "held_until": 0.0})
                seconds = connection.execute(move, values).scalar_one()
        return float(seconds)


class SharedSlots:
    """So many bodies of a source open at once, over all processes; in the place of `archiver.sources.pacing.Slots`.

    Args:
        claims: Of this process.
        name: Of the source.
        number: At least one.
    """

    def __init__(self, claims: SharedClaims, name: str, number: int) -> None:
        self._claims = claims
        self._name = name
        self._number = number
        self._free: dict[str, threading.Semaphore] = {}

    @contextmanager
    def taken(self, host: str = "") -> Iterator[None]:
        """Hold a slot for the time of the context; waits for one."""
        # No more threads of this process ask the database than could ever be served.
        free = self._free.get(host) or self._free.setdefault(host, threading.Semaphore(self._number))
        with free, self._claims.slot(f"{self._name}\0{host}" if host else self._name, self._number):
            yield
