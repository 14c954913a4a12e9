"""The circuit of `archiver enrich`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver import wiring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.catalogue.opening import Catalogue
    from archiver.clock import SystemClock
    from archiver.ports.enrichments import Encyclopedia, IdentifierReader
    from archiver.ports.stores import Store
    from archiver.settings.reading import Settings


@dataclass(frozen=True, slots=True)
class Library:
    """What an enrichment reads, asks and writes to; ``encyclopedia`` is None where nobody is to be asked."""

    catalogue: Catalogue
    stores: Mapping[str, Store]
    tags: IdentifierReader
    encyclopedia: Encyclopedia | None


@contextmanager
def opened_library(settings: Settings, *, clock: SystemClock, asks: bool) -> Iterator[Library]:
    """Open the catalogue, the stores and, where it is asked, MusicBrainz."""
    from archiver.audio.identifiers import TagIdentifiers
    from archiver.core.patience import Patience
    from archiver.ports.offers import Surroundings
    from archiver.sources.musicbrainz import MusicBrainz
    from archiver.wiring.network import host_times

    table = settings.musicbrainz
    with ExitStack() as stack:
        catalogue = wiring.open_catalogue(settings)
        stack.callback(catalogue.close)
        encyclopedia = None
        if asks:
            around = Surroundings(
                name="musicbrainz",
                endpoint=table.endpoint.rstrip("/"),
                contact=settings.contact,
                clock=clock,
                requests_per_second=table.requests_per_second,
                timeout=table.timeout,
                program=wiring.PROGRAM,
                patience=Patience(first_wait=table.backoff, tries=table.tries),
                times=host_times(settings, clock),
                private=tuple(settings.network.allow_private),
            )
            encyclopedia = MusicBrainz(around)
            stack.callback(encyclopedia.close)
        stores = wiring.open_stores(settings, tuple(settings.stores))
        yield Library(catalogue, stores, TagIdentifiers(), encyclopedia)
