"""``archiver status``."""

from __future__ import annotations

import click

from archiver import wiring
from archiver.cli.front import Front, emit, example, pass_front, printable


@example("archiver status\narchiver status --output prometheus > /var/lib/node_exporter/archiver.prom")
@click.command("status")
@click.option(
    "--output",
    type=click.Choice(["text", "jsonl", "prometheus"]),
    default="text",
    show_default=True,
    help="For people, as JSON, or for Prometheus.",
)
@pass_front
def status_command(front: Front, *, output: str) -> None:
    """Show holdings, copies in each store, quarantine and the last runs."""
    from archiver.reports import records, text

    catalogue = wiring.open_catalogue(front.settings())
    try:
        totals = catalogue.totals()
    finally:
        catalogue.close()
    if output == "jsonl":
        emit(records.totals(totals))
    else:
        for line in text.prometheus(totals) if output == "prometheus" else text.totals(totals):
            click.echo(printable(line))
