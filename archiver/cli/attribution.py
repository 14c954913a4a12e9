"""``--attribution`` of ``list``, ``search`` and ``show``: what must be printed, for people, programs and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import emit, printable
from archiver.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.attribution import Attribution
    from archiver.core.holdings import Holding
    from archiver.settings.reading import Settings

attribution_option = click.option(
    "--attribution",
    type=click.Choice(["text", "json", "html"]),
    help="What must be printed for each item and file, read from the bags, in this form.",
)


def print_attribution(settings: Settings, holdings: Iterable[Holding], form: str) -> int:
    """Print the credits of holdings and return the exit status; one that cannot be read does not stop the others."""
    from archiver.reports.attribution import as_html, as_text

    reading = _Reading(settings)
    attributions = reading.of(holdings)
    if form == "json":
        for one in attributions:
            emit(one.to_json())
    else:
        for text in as_html(attributions) if form == "html" else as_text(attributions):
            click.echo(printable(text), nl=form != "html")
    return reading.status


class _Reading:
    """Reads the credits of one holding after the other."""

    def __init__(self, settings: Settings) -> None:
        self._stores = wiring.open_stores(settings, tuple(settings.stores))
        self.status = status.DONE

    def of(self, holdings: Iterable[Holding]) -> Iterator[Attribution]:
        from archiver.workflows.attribute import attribution_of

        for held in holdings:
            try:
                yield attribution_of(held, self._stores)
            except StoreError as error:
                status.say(error)
                self.status = status.INCOMPLETE
