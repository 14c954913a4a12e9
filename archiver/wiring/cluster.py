"""The circuit of many machines: which engine walks the items, and what opens in a worker process."""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from archiver import __version__, wiring
from archiver.core.errors import ObjectNotFoundError, SettingsError, StoreRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archiver.clock import SystemClock
    from archiver.core.audits import CheckedCopy, DueCopy
    from archiver.core.fixity import Grade
    from archiver.core.items import ItemId
    from archiver.core.outcomes import ItemOutcome
    from archiver.core.selections import Selection
    from archiver.engines.clusters import Cluster
    from archiver.engines.dask import DaskEngine
    from archiver.ports.stores import Store
    from archiver.settings.reading import Settings
    from archiver.workflows.audit import Rounds
    from archiver.workflows.recognise import Candidate
    from archiver.workflows.walk import Walk

THREADS = "threads"
DASK = "dask"
MARKS = "archive/cluster/"
"""Where in a store the driver leaves a mark by which a worker knows that its directory is the same one."""


@dataclass(frozen=True, slots=True)
class Driver:
    """What a worker process must share with whoever sends it work.

    Attributes:
        version: Of the program.
        python: Of the interpreter: values travel as its own objects.
        began_at: When the run began.
        marks: Key and content of the mark in each directory store, by its name.
    """

    version: str
    python: tuple[int, int]
    began_at: datetime
    marks: Mapping[str, tuple[str, bytes]]


def refuse_unfit(settings: Settings, engine: str) -> None:
    """Refuse a cluster that cannot work, before anything is opened.

    Raises:
        SettingsError: The catalogue is a file, no scheduler is named, or the engine is not installed.
    """
    if engine == THREADS:
        return
    if not settings.catalogue_url.startswith("postgresql"):
        raise SettingsError(
            "engine dask needs a catalogue that many machines can reach, expected [catalogue] url = postgresql+psycopg://…, "
            "actual an SQLite file",
            next_command='export ARCHIVER_CATALOGUE__URL="postgresql+psycopg://USER@HOST/DATABASE"   # see docs/cluster.md',
        )
    if not settings.engine.scheduler:
        raise SettingsError(
            "engine dask needs the address of a scheduler: [engine] scheduler is empty",
            next_command='export ARCHIVER_ENGINE__SCHEDULER="tcp://HOST:8786"   # see docs/cluster.md',
        )
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise SettingsError(
            "engine dask needs a library that is not installed: distributed",
            next_command='pip install "archiver[cluster,postgresql]"',
        )


@contextmanager
def harvest_engine(settings: Settings, selection: Selection, walk: Walk, *, jobs: int) -> Iterator[Walk]:
    """Give a walk the workers of a cluster to walk its items."""
    with _marked(walk.vault) as driver:
        opener = partial(walk_there, settings, selection, jobs, driver)
        engine = _engine(settings, opener, type(walk), lost_item, walk.clock.stopping, jobs)
        try:
            yield replace(walk, items=engine)
        finally:
            engine.close()


@contextmanager
def opened_rounds(settings: Settings, *, clock: SystemClock, jobs: int, engine: str, grade: Grade) -> Iterator[Rounds]:
    """Open everything an audit goes through, with the engine that checks its copies."""
    from archiver.core.fixity import Grade as Grades
    from archiver.wiring import audits

    decodes = grade is Grades.DECODE
    with audits.opened_rounds(settings, clock=clock, jobs=jobs, decodes=decodes) as rounds:
        if engine == THREADS:
            yield rounds
            return
        with _marked(rounds.vault) as driver:
            opener = partial(rounds_there, settings, jobs, driver, decodes=decodes)
            copies = _engine(settings, opener, type(rounds), partial(lost_copy, grade=grade), clock.stopping, jobs)
            try:
                yield replace(rounds, copies=copies)
            finally:
                copies.close()


def _engine(
    settings: Settings,
    opener: Callable[[], Any],
    doorways: type,
    lost: Callable[[Any, str], Any],
    stopping: Callable[[], bool],
    jobs: int,
) -> DaskEngine:
    from archiver.engines.dask import DaskEngine

    return DaskEngine(_cluster(settings, jobs), opener=opener, doorways=doorways, lost=lost, stopping=stopping)


def _cluster(settings: Settings, jobs: int) -> Cluster:
    from archiver.core.intervals import parse_duration
    from archiver.engines.clusters import Cluster

    table = settings.engine
    return Cluster(
        scheduler=table.scheduler,
        threads=jobs,
        group=table.items_per_task or jobs,
        patience=parse_duration(table.patience).total_seconds(),
        authority=table.tls_authority,
        certificate=table.tls_certificate,
        key=table.tls_key,
    )


@contextmanager
def _marked(vault: Mapping[str, Store]) -> Iterator[Driver]:
    """Leave a mark in each directory store for the time of the run."""
    from archiver.core.fixity import digest_of
    from archiver.stores.directory import DirectoryStore

    marks: dict[str, tuple[str, bytes]] = {}
    try:
        for name, store in vault.items():
            if isinstance(store, DirectoryStore):
                token = uuid4().hex
                marks[name] = (MARKS + token, token.encode())
                store.put(MARKS + token, token.encode(), sha256=digest_of(token.encode()))
        yield Driver(__version__, sys.version_info[:2], datetime.now(UTC), marks)
    finally:
        for name, (key, _) in marks.items():
            vault[name].delete(key)


@contextmanager
def walk_there(
    settings: Settings, selection: Selection, jobs: int, driver: Driver
) -> Iterator[tuple[Walk, Callable[[], None]]]:
    """Open, in a worker process, what a harvest walks through."""
    _refuse_stranger(driver)
    clock = wiring.clock()
    staging = settings.engine.staging or str(settings.staging)
    here = replace(settings, staging=type(settings.staging)(staging))
    with wiring.opened_walk(here, selection, clock=clock, progress=_Silence(), jobs=jobs) as walk:
        _refuse_other_directories(walk.vault, driver)
        yield replace(walk, since=driver.began_at), clock.stop


@contextmanager
def rounds_there(
    settings: Settings, jobs: int, driver: Driver, *, decodes: bool
) -> Iterator[tuple[Rounds, Callable[[], None]]]:
    """Open, in a worker process, what an audit goes through."""
    from archiver.wiring import audits

    _refuse_stranger(driver)
    clock = wiring.clock()
    with audits.opened_rounds(settings, clock=clock, jobs=jobs, decodes=decodes) as rounds:
        _refuse_other_directories(rounds.vault, driver)
        yield rounds, clock.stop


def _refuse_stranger(driver: Driver) -> None:
    here = (__version__, sys.version_info[:2])
    if here != (driver.version, driver.python):
        raise SettingsError(
            f"the worker on {socket.gethostname()} is another program: expected archiver {driver.version} on Python "
            f"{'.'.join(map(str, driver.python))}, actual archiver {here[0]} on Python {'.'.join(map(str, here[1]))}",
            next_command=f"pip install archiver=={driver.version}   # on that machine",
        )


def _refuse_other_directories(vault: Mapping[str, Store], driver: Driver) -> None:
    """Refuse a directory that only has the same name: copies would lie on a worker's own disk, and nobody would know."""
    for name, (key, content) in driver.marks.items():
        try:
            with vault[name].read(key) as chunks:
                is_same = b"".join(chunks) == content
        except ObjectNotFoundError:
            is_same = False
        if not is_same:
            raise StoreRefusedError(
                f"store {name!r} is a directory, and on {socket.gethostname()} it is another one: expected the mark {key}, "
                "actual none; nothing was written there",
                next_command="mount the same file system on every machine, or use an s3:// store   # see docs/cluster.md",
            )


def lost_item(candidate: Candidate, why: str) -> ItemOutcome:
    """Return the outcome of an item whose worker processes died."""
    from archiver.core.outcomes import ItemOutcome, Outcome

    item = candidate.item
    return ItemOutcome(item, Outcome.FAILED, ("WORKER_LOST",), f"{item}: {why}", transient=True)


def lost_copy(copy: DueCopy, why: str, *, grade: Grade) -> tuple[DueCopy, CheckedCopy]:
    """Return the check of a copy whose worker processes died: there is no verdict."""
    from archiver.core.audits import CheckedCopy, CheckOutcome

    now = datetime.now(UTC)
    key = copy.prefix.rstrip("/")
    return copy, CheckedCopy(
        item=copy.item,
        version=copy.version,
        store=copy.store,
        key=key,
        grade=grade,
        outcome=CheckOutcome.UNANSWERED,
        started_at=now,
        ended_at=now,
        objects=0,
        bytes=0,
        requests=0,
        unanswered=((key, why),),
        last_checked_at=copy.checked_at,
    )


class _Silence:
    """Shows nothing: nobody watches a worker. See `archiver.ports.progress.Progress`."""

    def announced(self, items: int) -> None:
        """See the port."""

    def began(self, item: ItemId) -> None:
        """See the port."""

    def expects(self, item: ItemId, *, files: int, bytes_: int) -> None:
        """See the port."""

    def received(self, item: ItemId, *, bytes_: int) -> None:
        """See the port."""

    def waits(self, item: ItemId, *, seconds: float, why: str) -> None:
        """See the port."""

    def ended(self, item: ItemId, *, outcome: str) -> None:
        """See the port."""
