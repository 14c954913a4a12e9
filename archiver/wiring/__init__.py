"""The fuse box: settings become concrete adapters here and nowhere else. Heavy rooms are imported when they are used."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archiver import __version__
from archiver.core.errors import LockHeldError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from archiver.catalogue.opening import Catalogue
    from archiver.clock import SystemClock
    from archiver.core.licences.table import LicenceTable
    from archiver.core.patience import Patience
    from archiver.core.selections import Selection
    from archiver.engines.threads import ThreadEngine
    from archiver.ports.engines import Engine
    from archiver.ports.offers import OpenSource
    from archiver.ports.progress import Progress
    from archiver.ports.stores import SweptStore
    from archiver.settings.reading import Settings
    from archiver.settings.tables import Store as StoreTable
    from archiver.sources.internet_archive import InternetArchive
    from archiver.stores.s3_client import S3Location
    from archiver.wiring.sharing import Sharing
    from archiver.workflows.walk import Walk

PROGRAM = f"archiver/{__version__}"
AGENT = f"archiver {__version__}"
PUTS = 16
"""Objects that are put at once in each store, over all items in hand: what waits for a disk or a service waits together."""
AHEAD = 4
"""Items in hand for each job, once those before them wait: one that comes in, and some that wait for their stores."""
SLOW = 2.0
"""Seconds after which an item is taken to wait for a host, a store or an examination, and another one is begun beside it."""
STAGED_AHEAD = 8 << 30
"""Bytes that items beyond the jobs may keep in staging: a store that is slow for a night must not fill a disk."""


def clock() -> SystemClock:
    """Return the system's clock, deaf to signals until its handlers are installed."""
    from archiver.clock import SystemClock

    return SystemClock()


def legal_tools() -> LicenceTable:
    """Return the closed table of legal tools, checked against its digest."""
    from archiver.shelf import licence_table

    return licence_table()


def sample_selections() -> dict[str, str]:
    """Return the selections that ship with the program, their text by name."""
    from archiver.shelf.selections import sample_selections as shipped

    return shipped()


def threads(number: int, name: str, *, most: int | None = None, slow: float | None = None) -> ThreadEngine:
    """Return an engine of so many threads; see there."""
    from archiver.engines.threads import ThreadEngine

    return ThreadEngine(number, name=name, most=most, slow=slow)


def in_hand(jobs: int) -> int:
    """Return how many items are in hand at most. With one job, one item goes after the other whatever it waits for."""
    return jobs if jobs == 1 else min(AHEAD * jobs, jobs + 48)


def directory_store(name: str, root: Path) -> SweptStore:
    """Return a store over a directory, also for reading a bag that lies somewhere."""
    from archiver.stores.directory import DirectoryStore

    return DirectoryStore(name, root)


def open_store(name: str, table: StoreTable, *, home: Path | None = None, puts: Engine | None = None) -> SweptStore:
    """Return the store that the settings describe; nothing is contacted yet.

    Args:
        name: What the settings call it.
        table: What they say of it.
        home: Where a diagnosis of it may be kept.
        puts: For a store that is waited for: puts several objects at once.
    """
    from pathlib import Path

    if not table.url.startswith("s3://"):
        return directory_store(name, Path(table.url))
    from archiver.stores.s3 import S3Store
    from archiver.stores.s3_capabilities import recognise_capabilities
    from archiver.wiring import doctor

    location = s3_location(name, table)
    diagnosis = doctor.saved(home, name, table) if home else None
    doctor.refuse_unproven_lock(name, location, diagnosis)
    server = diagnosis.server if diagnosis else None
    return S3Store(name, location, capabilities=recognise_capabilities(diagnosis), server=server, puts=puts)


def s3_location(name: str, table: StoreTable) -> S3Location:
    """Return where a bucket is.

    Raises:
        SettingsError: A value cannot be.
    """
    from archiver.core.intervals import parse_duration
    from archiver.stores.s3_client import Addressing, Checksums, S3Location

    parts = urlsplit(table.url)
    try:
        return S3Location(
            bucket=parts.netloc,
            prefix=parts.path.strip("/"),
            endpoint=table.endpoint,
            region=table.region,
            addressing=Addressing(table.addressing),
            ca_bundle=table.ca_bundle,
            verify=table.verify,
            checksums=Checksums(table.checksums),
            storage_class=table.storage_class,
            profile=table.profile,
            read_timeout=table.timeout,
            attempts=table.attempts,
            retain_seconds=parse_duration(table.retain).total_seconds() if table.object_lock else 0.0,
        )
    except ValueError as error:
        raise SettingsError(f"stores.{name}: {error}") from error


def open_stores(
    settings: Settings, names: Sequence[str], *, puts: Mapping[str, Engine] | None = None
) -> Mapping[str, SweptStore]:
    """Return stores by name, in the order of the names; see `open_store`."""
    return {
        name: open_store(name, settings.stores[name], home=settings.home, puts=(puts or {}).get(name)) for name in names
    }


def open_catalogue(settings: Settings) -> Catalogue:
    """Open the catalogue, making or migrating it where that is needed."""
    from archiver.catalogue.opening import open_catalogue as opened

    return opened(settings.catalogue_url)


def open_source(
    settings: Settings, name: str, *, clock: SystemClock, jobs: int, sharing: Sharing | None = None
) -> tuple[OpenSource, Patience, int]:
    """Return a source, how patiently files of it are tried, and how many may come in at once."""
    from archiver.settings.registered import INTERNET_ARCHIVE, LIBRIVOX
    from archiver.wiring import network, sources

    if name == INTERNET_ARCHIVE:
        return _internet_archive(settings, name, clock=clock, jobs=jobs, sharing=sharing)
    if name == LIBRIVOX:
        archive, patience, downloads = _internet_archive(
            settings, INTERNET_ARCHIVE, clock=clock, jobs=jobs, sharing=sharing
        )
        return sources.open_librivox(settings, archive, clock=clock), patience, downloads
    table = settings.sources.get(name)
    if table is None:
        raise SettingsError(f"there is no source {name!r}", next_command="archiver source list")
    source = sources.open_offered(settings, name, clock=clock, sharing=sharing)
    return source, network.patience(table), table.downloads or sources.capabilities(name).downloads


def _internet_archive(
    settings: Settings, name: str, *, clock: SystemClock, jobs: int, sharing: Sharing | None
) -> tuple[InternetArchive, Patience, int]:
    from archiver.sources.ia_wire import Manners
    from archiver.sources.internet_archive import InternetArchive
    from archiver.wiring import network

    table = settings.sources[name]
    is_here = network.is_here(table)
    downloads = table.downloads or (jobs if is_here else 2)
    default_rate = 0.0 if is_here else 1.0
    manners = Manners(
        endpoint=table.endpoint.rstrip("/"),
        program=PROGRAM,
        contact=settings.contact,
        requests_per_second=default_rate if table.requests_per_second is None else table.requests_per_second,
        downloads=downloads,
        timeout=table.timeout,
        config_file=table.config_file,
        private=tuple(settings.network.allow_private),
        largest_file=settings.network.largest_file,
    )
    patience = network.patience(table)
    times = (sharing.times if sharing else None) or network.host_times(settings, clock)
    # Bodies of a source on this machine are nobody's burden, unless somebody said so.
    slots = sharing.slots(name, downloads) if sharing and (table.downloads or not is_here) else None
    archive = InternetArchive(name, manners, patience=patience, clock=clock, times=times, slots=slots)
    return archive, patience, downloads


@contextmanager
def opened_walk(
    settings: Settings,
    selection: Selection,
    *,
    clock: SystemClock,
    progress: Progress,
    jobs: int,
    opened: tuple[OpenSource, Patience, int] | None = None,
) -> Iterator[Walk]:
    """Open everything that a harvest of one selection walks through, and close it at the end.

    Args:
        settings: Of the archive.
        selection: What is harvested.
        clock: For time and signals.
        progress: Is told how it goes.
        jobs: Items walked at once.
        opened: A source that is open already, in place of the one that the selection names.
    """
    from archiver.core.events import Agent
    from archiver.engines.bounds import Bounds
    from archiver.shelf.profiles import PROFILE_IDENTIFIER
    from archiver.staging.disk import DiskStaging
    from archiver.wiring.listening import opened_examining
    from archiver.wiring.reviews import gatehouse
    from archiver.wiring.sharing import opened_sharing
    from archiver.wiring.sources import by_window, capabilities, preferences_of
    from archiver.workflows.pack import Imprint
    from archiver.workflows.walk import Walk

    with ExitStack() as stack:
        catalogue = open_catalogue(settings)
        stack.callback(catalogue.close)
        shared = stack.enter_context(opened_sharing(catalogue, clock))
        source, patience, downloads = opened or open_source(
            settings, selection.source, clock=clock, jobs=jobs, sharing=shared
        )
        stack.callback(source.close)
        most = in_hand(jobs)
        items = threads(jobs, "item", most=most, slow=SLOW)
        # Every item in hand has threads of its own to wait in: those of one host must not be in the way of another's.
        transfers = threads(downloads, "transfer", most=downloads * most)
        puts = {name: threads(PUTS, f"put-{name}") for name in settings.stores}
        for engine in (items, transfers, *puts.values()):
            stack.callback(engine.close)
        vault = open_stores(settings, tuple(settings.stores), puts=puts)
        yield Walk(
            source=source,
            staging=DiskStaging(settings.staging),
            stores={name: vault[name] for name in selection.stores},
            vault=vault,
            holdings=catalogue,
            ledger=catalogue,
            withdrawals=catalogue,
            items=items,
            transfers=transfers,
            clock=clock,
            progress=progress,
            table=legal_tools(),
            patience=patience,
            imprint=Imprint(Agent(AGENT), settings.organisation, settings.contact, PROFILE_IDENTIFIER),
            gatehouse=gatehouse(settings, catalogue, shared),
            preferences=preferences_of(source),
            sightings=catalogue,
            by_window=opened is None and by_window(selection.source),
            forgets=opened is not None or capabilities(selection.source).forgets,
            examining=stack.enter_context(opened_examining(settings)),
            claims=shared.claims,
            stages=Bounds(jobs, each=downloads, volume=STAGED_AHEAD, slow=SLOW, clock=clock),
            puts=puts,
            share=downloads,
        )


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Keep every other run away from this archive.

    Raises:
        LockHeldError: Another run holds the lock; nothing was changed.
    """
    import filelock

    path = settings.home / "archiver.lock"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise LockHeldError(
            f"another run works on this archive{_holder(path)}; nothing was changed", next_command="archiver status"
        ) from error
    except OSError as error:
        raise SettingsError(
            f"the archive's home cannot be written: {error.filename or settings.home}: {error.strerror}",
            next_command="archiver --home DIR …",
        ) from error
    try:
        since = clock().now().isoformat(timespec="seconds")
        command = " ".join(sys.argv)[:300]
        _holder_file(path).write_text(f"process {os.getpid()}, since {since}: {command}\n", "utf-8", "replace")
        yield
    finally:
        _holder_file(path).unlink(missing_ok=True)
        lock.release()


def _holder_file(path: Path) -> Path:
    return path.with_name(path.name + ".holder")


def _holder(path: Path) -> str:
    try:
        return f" ({_holder_file(path).read_text('utf-8', 'replace').strip()})"
    except OSError:
        return ""


@contextmanager
def demo_source() -> Iterator[str]:
    """Serve the demo's collection on loopback while the context is open; return the endpoint."""
    from archiver.rehearsal.double import ArchiveDouble
    from archiver.rehearsal.sample_audio import demo_collection

    with ArchiveDouble(demo_collection()) as double:
        yield double.url
