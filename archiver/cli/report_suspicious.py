"""``archiver report suspicious``."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable


@example(
    "archiver report suspicious\narchiver derive --all --loudness && archiver report suspicious --report listen.html"
)
@click.command("suspicious")
@click.option(
    "--report",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it into FILE, which ends in .html, .json or .csv; may be given several times.",
)
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
    from archiver.wiring.derivation import surveyed, suspicion_report

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
    if not files:
        return status.DONE
    survey = surveyed(settings)
    for file in files:
        reporting.write_whole(file, makers[file.suffix.lower()](report, survey))
        if output == "text":
            front.say(f"wrote {file}")
    return status.DONE
