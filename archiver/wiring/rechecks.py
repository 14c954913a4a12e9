"""The circuit of `archiver licence recheck`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from archiver import wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.clock import SystemClock
    from archiver.settings.reading import Settings
    from archiver.workflows.recheck import Round


@contextmanager
def opened_round(settings: Settings, source: str, *, clock: SystemClock) -> Iterator[Round]:
    """Open what a round of rechecks of one source walks through, and close it at the end."""
    from archiver.core.events import Agent
    from archiver.wiring.sources import capabilities
    from archiver.workflows.recheck import Round

    with ExitStack() as stack:
        place, _, _ = wiring.open_source(settings, source, clock=clock, jobs=1)
        stack.callback(place.close)
        catalogue = wiring.open_catalogue(settings)
        stack.callback(catalogue.close)
        yield Round(
            source=place,
            held=catalogue,
            ledger=catalogue,
            vault=wiring.open_stores(settings, tuple(settings.stores)),
            table=wiring.legal_tools(),
            clock=clock,
            agent=Agent(wiring.AGENT),
            forgets=capabilities(source).forgets,
        )
