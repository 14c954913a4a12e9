"""``archiver report crawls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, write_reports

if TYPE_CHECKING:
    from pathlib import Path


@example(
    "archiver report crawls\narchiver report crawls --selection netlabels --last 30 --output jsonl\n"
    "archiver report crawls --report crawls.csv --report crawls.json"
)
@click.command("crawls")
@click.option("--selection", default="", metavar="NAME", help="Only those of one selection.")
@click.option("--last", type=click.IntRange(1, 10_000), default=10, show_default=True, help="So many of the latest.")
@report_option(".json or .csv")
@output_option
@pass_front
def report_crawls_command(front: Front, *, selection: str, last: int, files: tuple[Path, ...], output: str) -> int:
    """Say what each crawl met and what became of it: announced, found, described, admitted, stored, refused, failed.

    Every item that was found is accounted for. A crawl that was killed, or is older than this table, has none.
    """
    from archiver.reports import text
    from archiver.reports.crawls import crawl_record, crawls_csv, crawls_json
    from archiver.wiring import reporting

    makers = {".json": crawls_json, ".csv": crawls_csv}
    reporting.checked_forms(files, tuple(makers), command="archiver report crawls")
    with reporting.opened_catalogue(front.settings()) as catalogue:
        runs = tuple(catalogue.runs(selection=selection, limit=last))
    if output == "jsonl":
        for run in runs:
            emit({"crawl": crawl_record(run)})
        emit({"summary": {"crawls": len(runs)}})
    else:
        for run in runs:
            when = f"{run.started_at:%Y-%m-%d %H:%M} UTC"
            table = text.crawl(run.selection, run.crawl) if run.crawl else f"{run.selection}: no table; it did not end"
            click.echo(printable(f"{when}  {table}"))
        if not runs:
            front.say("no crawl yet\n  next: archiver harvest SELECTION")
    write_reports(front, files, makers, runs, output=output)
    return status.DONE
