"""What the settings say of the network, and the polite client for whoever asks on an address's own behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archiver import __version__

if TYPE_CHECKING:
    from archiver.clock import SystemClock
    from archiver.core.patience import Patience
    from archiver.settings.reading import Settings
    from archiver.settings.tables import Source as SourceTable
    from archiver.sources.web.client import Client
    from archiver.staging.host_times import FileHostTimes


def host_times(settings: Settings, clock: SystemClock) -> FileHostTimes:
    """Return when hosts may be asked next, shared by every process that works on this archive."""
    from archiver.staging.host_times import FILE, FileHostTimes

    return FileHostTimes(settings.home / FILE, clock)


def client(settings: Settings, *, clock: SystemClock) -> Client:
    """Return a client that may ask any public host, and what ``[network] allow_private`` names besides."""
    from archiver.sources.web.client import Client, Conduct
    from archiver.sources.web.reach import Reach

    conduct = Conduct(
        program=f"archiver/{__version__}",
        contact=settings.contact,
        reach=Reach(private=tuple(settings.network.allow_private)),
        largest_file=settings.network.largest_file,
    )
    return Client(conduct, clock=clock, times=host_times(settings, clock))


def patience(table: SourceTable) -> Patience:
    """Return how often a source is tried, and how long is waited in between."""
    from archiver.core.patience import Patience

    backoff = table.backoff if table.backoff is not None else (1.0 if is_here(table) else 30.0)
    return Patience(first_wait=backoff, tries=table.tries)


def is_here(table: SourceTable) -> bool:
    """Tell whether a source runs on this machine: then there is no stranger to be polite to."""
    from archiver.sources.http_answers import is_loopback

    return is_loopback(urlsplit(table.endpoint).hostname or "")
