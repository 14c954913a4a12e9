"""``archiver status``."""

from __future__ import annotations

import click

from archiver.cli.front import Front, emit, example, pass_front, printable

NAMED = 10
"""Versions of each shortfall that are named for people; the machine output names all."""


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
    """Show holdings, copies in each store, what has too few copies, overdue checks, quarantine and the last runs."""
    from archiver.reports import overview, records
    from archiver.wiring import monitoring, reporting

    settings = front.settings()
    if output == "prometheus":
        click.echo(monitoring.metrics_now(settings), nl=False)
        return
    with reporting.opened_glance(settings) as catalogue:
        totals = catalogue.totals()
        backlogs = monitoring.backlogs(settings, catalogue)
        short = reporting.fallen_short(settings, catalogue, named=None if output == "jsonl" else NAMED)
    runs = monitoring.last_runs(settings)
    if output == "jsonl":
        emit(
            {
                **records.totals(totals),
                **records.watched(backlogs, runs),
                "shortfalls": [records.shortfall(one) for one in short],
            }
        )
    else:
        for line in (*overview.totals(totals), *overview.shortfalls(short), *overview.watched(backlogs, runs)):
            click.echo(printable(line))
