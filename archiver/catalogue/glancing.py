"""A glance at the ledger: what `archiver status` asks, with the standard library alone wherever every sum is remembered.

Importing SQLAlchemy takes many times as long as these answers. Whatever is not as expected (PostgreSQL, another revision,
a sum that is not remembered or is older than the last event, a file that cannot be read) is asked of the whole catalogue,
which computes, remembers, migrates, or says what is wrong; so the answers are the same, and right, either way.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from archiver.catalogue.revision import HEAD
from archiver.catalogue.ways import spread_of
from archiver.core.forecasts import StoreForecast
from archiver.core.outcomes import Outcome
from archiver.core.totals import Run, StoreTotals, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta

    from archiver.catalogue.opening import Catalogue
    from archiver.core.coverage import Spread
    from archiver.core.items import ItemId

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds to wait for another process; the whole catalogue waits longer, and says so."""
_SQLITE = "sqlite:///"
_REMEMBERED = "SELECT value FROM memo WHERE name = ? AND last_event = (SELECT coalesce(max(id), 0) FROM event)"


class UnknownError(Exception):
    """A glance does not tell; only the whole catalogue does. It never leaves this module."""


class Glance:
    """Implements `archiver.ports.overview.Overview`. For one thread; nothing is written unless the whole catalogue is asked.

    Args:
        url: Of the catalogue.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._whole: Catalogue | None = None
        self._connection = _opened(url)

    def totals(self) -> Totals:
        """Return what the archive holds, without the tables of crawls; see the port."""
        return self._seen(_totals) or self._asked().totals()

    def backlog(self, store: str, *, interval: timedelta, now: datetime) -> StoreForecast:
        """Return what is held and overdue in a store; see the port."""
        seen = self._seen(partial(_backlog, store=store, interval=interval, now=now))
        return seen or self._asked().backlog(store, interval=interval, now=now)

    def spreads(self) -> Mapping[Spread, int]:
        """Return how many versions are spread in each way; see the port."""
        seen = self._seen(_spreads)
        return self._asked().spreads() if seen is None else seen

    def spread_as(self, spread: Spread) -> Iterator[tuple[ItemId, int]]:
        """Yield the versions that are spread in this way; see the port."""
        return self._asked().spread_as(spread)

    def close(self) -> None:
        """Close what was opened."""
        self._look_away()
        if self._whole is not None:
            self._whole.close()

    def _seen(self, look: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return what a look tells, or None where it does not."""
        if self._connection is not None:
            # What somebody else wrote there may be anything; the whole catalogue says what is wrong with it.
            with suppress(UnknownError, sqlite3.Error, ValueError, TypeError, KeyError, AttributeError):
                return look(self._connection)
        return None

    def _asked(self) -> Catalogue:
        if self._whole is None:
            from archiver.catalogue.opening import open_catalogue  # noqa: PLC0415 - it imports SQLAlchemy

            self._look_away()  # the whole catalogue may have to change the file
            self._whole = open_catalogue(self._url)
        return self._whole

    def _look_away(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _opened(url: str) -> sqlite3.Connection | None:
    """Return a connection that only reads, or None where there is no file of the right revision.

    Not ``mode=ro``: who may only read leaves the two files behind that SQLite keeps beside a database with a journal of
    writes to come, and who may write takes them away.
    """
    file = url.removeprefix(_SQLITE)
    if file == url or "?" in file:
        return None
    try:
        connection = sqlite3.connect(f"file:{quote(file)}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
    except (sqlite3.Error, ValueError):
        return None
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")  # every answer is of one moment
        if connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]:
            return connection
    except (sqlite3.Error, ValueError):
        pass
    connection.close()
    return None


def _remembered(connection: sqlite3.Connection, name: str) -> Any:
    """Return a sum that `archiver.catalogue.remembering` keeps and that is still right."""
    row = connection.execute(_REMEMBERED, (name,)).fetchone()
    if row is None:
        raise UnknownError
    return json.loads(row[0])


def _totals(connection: sqlite3.Connection) -> Totals:
    versions, files, bytes_ = _remembered(connection, "versions")
    stores = tuple(
        StoreTotals(store, copies, size, good, datetime.fromisoformat(oldest) if oldest else None)
        for store, copies, size, good, oldest in _remembered(connection, "stores")
    )
    query = "SELECT outcome, count(*) FROM item WHERE outcome IN ('quarantined', 'failed', 'refused') GROUP BY outcome"
    outcomes = dict(connection.execute(query))
    query = "SELECT id, selection, selection_digest, started_at, ended_at, is_complete, counts FROM run"
    with closing(connection.execute(f"{query} ORDER BY id DESC LIMIT 10")) as rows:
        runs = tuple(_run(*row) for row in rows)
    return Totals(
        items=_remembered(connection, "items"),
        versions=versions,
        files=files,
        bytes=bytes_,
        stores=stores,
        undecided=outcomes.get(Outcome.QUARANTINED.value, 0),
        failed=outcomes.get(Outcome.FAILED.value, 0),
        refused=outcomes.get(Outcome.REFUSED.value, 0),
        last_runs=runs,
    )


def _run(*row: Any) -> Run:
    id_, selection, digest, started_at, ended_at, is_complete, counts = row
    numbers = json.loads(counts)
    return Run(
        id=id_,
        selection=selection,
        selection_digest=digest,
        started_at=_time(started_at),
        ended_at=_time(ended_at) if ended_at is not None else None,
        complete=bool(is_complete),
        counts=tuple((outcome, numbers[outcome.value]) for outcome in Outcome if outcome.value in numbers),
    )


def _backlog(connection: sqlite3.Connection, *, store: str, interval: timedelta, now: datetime) -> StoreForecast:
    copies, bytes_ = _remembered(connection, f"held in {store}")
    late = (now - interval).astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    query = "SELECT count(*), coalesce(sum(bytes), 0) FROM copy WHERE store = ? AND checked_at <= ?"
    ((overdue, overdue_bytes),) = connection.execute(query, (store, late))
    ((oldest,),) = connection.execute("SELECT min(checked_at) FROM copy WHERE store = ?", (store,))
    return StoreForecast(
        store=store,
        copies=copies,
        bytes=bytes_,
        interval_seconds=interval.total_seconds(),
        overdue=overdue,
        overdue_bytes=overdue_bytes,
        oldest_check=_time(oldest) if oldest is not None else None,
    )


def _spreads(connection: sqlite3.Connection) -> dict[Spread, int]:
    counts: dict[Spread, int] = {}
    for way, number in _remembered(connection, "spreads").items():
        spread = spread_of(way)
        counts[spread] = counts.get(spread, 0) + number
    return {spread: number for spread, number in counts.items() if number}


def _time(text: str) -> datetime:
    """Read a time as `archiver.catalogue.schema.Utc` keeps it in SQLite."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
