"""``archiver report duplicates``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, write_reports

if TYPE_CHECKING:
    from pathlib import Path


@example(
    "archiver report duplicates\narchiver report duplicates --exact --report duplicates.html --report duplicates.csv"
)
@click.command("duplicates")
@click.option("--exact", is_flag=True, help="Leave out what only sounds alike.")
@report_option(".html, .json or .csv")
@output_option
@pass_front
def report_duplicates_command(front: Front, *, exact: bool, files: tuple[Path, ...], output: str) -> int:
    """Name recordings that are held more than once, across items and containers, whatever their tags say.

    Lossless ones are compared by their samples, others by their encoded packets; where fingerprints were taken, also what
    sounds alike. Nothing is deleted.
    """
    from archiver.reports.duplicates import (
        duplicate_csv,
        duplicate_json,
        duplicate_lines,
        duplicate_page,
        duplicate_record,
        duplicate_summary,
    )
    from archiver.wiring import reporting
    from archiver.wiring.duplicates import duplicate_report

    makers = {".html": duplicate_page, ".json": duplicate_json, ".csv": duplicate_csv}
    reporting.checked_forms(files, tuple(makers), command="archiver report duplicates")
    settings = front.settings()
    report = duplicate_report(settings, is_exact=exact)
    if output == "jsonl":
        for group in report.groups:
            emit({"duplicate": duplicate_record(group)})
        emit({"summary": duplicate_summary(report)})
    else:
        for line in duplicate_lines(report):
            front.say(printable(line))
    if files:
        write_reports(front, files, makers, report, reporting.surveyed(settings), output=output)
    return status.DONE
