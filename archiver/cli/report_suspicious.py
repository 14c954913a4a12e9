"""``archiver report suspicious``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, write_reports

if TYPE_CHECKING:
    from pathlib import Path


@example(
    "archiver report suspicious\narchiver derive --all --loudness && archiver report suspicious --report listen.html"
)
@click.command("suspicious")
@report_option(".html, .json or .csv")
@output_option
@pass_front
def report_suspicious_command(front: Front, *, files: tuple[Path, ...], output: str) -> int:
    """Name recordings that somebody should listen to, from what the catalogue knows.

    Silent or mostly so, clipped, with a dead channel, of a preview's length, a web page or no sound at all, and whatever
    examining them found. `archiver derive --loudness` measures them.
    """
    from archiver.reports.suspicions import (
        suspicion_csv,
        suspicion_json,
        suspicion_lines,
        suspicion_page,
        suspicion_summary,
    )
    from archiver.wiring import reporting
    from archiver.wiring.suspicions import suspicion_report

    makers = {".html": suspicion_page, ".json": suspicion_json, ".csv": suspicion_csv}
    reporting.checked_forms(files, tuple(makers), command="archiver report suspicious")
    settings = front.settings()
    report = suspicion_report(settings)
    if output == "jsonl":
        for one in report.suspicions:
            emit({"suspicion": one.to_json()})
        emit({"summary": suspicion_summary(report)})
    else:
        for line in suspicion_lines(report):
            front.say(printable(line))
    if files:
        write_reports(front, files, makers, report, reporting.surveyed(settings), output=output)
    return status.DONE
