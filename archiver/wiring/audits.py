"""The circuits of audits, repairs and what follows from them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from archiver import wiring

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from archiver.catalogue.opening import Catalogue
    from archiver.clock import SystemClock
    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.objects import StagedFile
    from archiver.settings.reading import Settings
    from archiver.staging.disk import DiskStaging
    from archiver.workflows.audit import Rounds
    from archiver.workflows.listen import Listening
    from archiver.workflows.repair import Bench


def intervals(settings: Settings, names: Sequence[str] = ()) -> dict[str, timedelta]:
    """Return how long a check of each store holds."""
    from archiver.core.intervals import parse_duration

    return {name: parse_duration(settings.stores[name].audit_every) for name in names or settings.stores}


@contextmanager
def opened_rounds(settings: Settings, *, clock: SystemClock, jobs: int, decodes: bool = False) -> Iterator[Rounds]:
    """Open everything an audit goes through, and close it at the end.

    Args:
        settings: Of the archive.
        clock: For dates and limits.
        jobs: Files read at once.
        decodes: Whether audio is decoded as well, in as many processes.
    """
    from archiver.core.audits import Prices
    from archiver.core.events import Agent
    from archiver.workflows.audit import Rounds

    with ExitStack() as stack:
        catalogue = wiring.open_catalogue(settings)
        stack.callback(catalogue.close)
        copies, files = wiring.threads(jobs, "copy"), wiring.threads(jobs, "file")
        stack.callback(copies.close)
        stack.callback(files.close)
        listening = stack.enter_context(_opened_listening(settings, jobs)) if decodes else None
        yield Rounds(
            vault=wiring.open_stores(settings, tuple(settings.stores)),
            holdings=catalogue,
            ledger=catalogue,
            copies=copies,
            files=files,
            clock=clock,
            agent=Agent(wiring.AGENT),
            prices={name: Prices(table.price_request, table.price_gigabyte) for name, table in settings.stores.items()},
            listening=listening,
        )


@contextmanager
def _opened_listening(settings: Settings, jobs: int) -> Iterator[Listening]:
    from archiver.staging.disk import DiskStaging
    from archiver.wiring.listening import examiner
    from archiver.workflows.listen import Listening

    room = examiner(jobs)
    try:
        yield Listening(room, DiskStaging(settings.staging))
    finally:
        room.close()


@contextmanager
def opened_bench(settings: Settings, rounds: Rounds) -> Iterator[Bench]:
    """Open what a repair needs besides the doorways of an audit."""
    from archiver.staging.disk import DiskStaging
    from archiver.workflows.repair import Bench

    catalogue = wiring.open_catalogue(settings)
    try:
        yield Bench(
            rounds=rounds,
            events=catalogue,
            staging=DiskStaging(settings.staging),
            origins=_Origins(settings, wiring.clock()),
            keeps_damaged=settings.audit.keep_damaged,
        )
    finally:
        catalogue.close()


def keepsakes(settings: Settings, *, refuses: bool = False) -> dict[str, int]:
    """Write what the catalogue has learned beside the bags of every store; return how many parts each store took.

    Args:
        settings: Of the archive.
        refuses: Whether a catalogue that cannot be opened is an error here; else whoever ended with it has said so.
    """
    from archiver.core.errors import CatalogueError
    from archiver.workflows.keepsake import write_keepsakes

    try:
        catalogue = wiring.open_catalogue(settings)
    except CatalogueError:
        if refuses:
            raise
        return {}
    try:
        return write_keepsakes(catalogue, wiring.open_stores(settings, tuple(settings.stores)))
    finally:
        catalogue.close()


class _Origins:
    """Brings single files from their sources; see `archiver.ports.origins.Origins`."""

    def __init__(self, settings: Settings, clock: SystemClock) -> None:
        self._settings = settings
        self._clock = clock

    def bring(self, item: ItemId, path: str, *, sha256: Digest, state: Digest) -> StagedFile:
        """See the port."""
        from archiver.core.errors import SourceError
        from archiver.staging.disk import DiskStaging
        from archiver.workflows.fetch_again import fetch_again

        if item.source not in self._settings.sources:
            raise SourceError(f"no source {item.source!r} in the settings")
        source, patience, _ = wiring.open_source(self._settings, item.source, clock=self._clock, jobs=1)
        engine = wiring.threads(1, "again")
        try:
            return fetch_again(
                item,
                path,
                sha256=sha256,
                state=state,
                source=source,
                staging=DiskStaging(self._settings.staging),
                transfers=engine,
                clock=self._clock,
                patience=patience,
                table=wiring.legal_tools(),
            )
        finally:
            engine.close()
            source.close()


def staging_of(settings: Settings) -> DiskStaging:
    """Return the staging directory."""
    from archiver.staging.disk import DiskStaging

    return DiskStaging(settings.staging)


def staging_at(directory: Path) -> DiskStaging:
    """Return a staging directory of its own."""
    from archiver.staging.disk import DiskStaging

    return DiskStaging(directory)


@contextmanager
def opened_keeping(settings: Settings) -> Iterator[Catalogue]:
    """Open the catalogue, and write beside the bags what it has learned meanwhile. The caller holds the archive's lock."""
    catalogue = wiring.open_catalogue(settings)
    try:
        yield catalogue
    finally:
        catalogue.close()
    keepsakes(settings)
