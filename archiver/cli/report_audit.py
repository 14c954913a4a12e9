"""``archiver report audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, say_written

if TYPE_CHECKING:
    from pathlib import Path


@example("archiver report audit\narchiver report audit --report audit.html --report audit.csv")
@click.command("audit")
@report_option(".html, .json, .csv or .xml (PREMIS events)")
@output_option
@pass_front
def report_audit_command(front: Front, *, files: tuple[Path, ...], output: str) -> int:
    """Say how well every copy is proven: grades, ages, damage and its repair, backlog.

    Exit status 1 when copies are damaged, missing or overdue, or items have too few good copies.
    """
    from archiver.core.surveys import Verdict
    from archiver.reports.survey_data import summary
    from archiver.reports.survey_text import survey_lines
    from archiver.wiring import reporting

    reporting.checked_forms(files)
    settings = front.settings()
    with reporting.opened_catalogue(settings) as catalogue:
        taken = reporting.taken_survey(settings, catalogue)
    if output == "jsonl":
        emit({"summary": summary(taken)})
    else:
        for line in survey_lines(taken):
            front.say(printable(line))
    if files:
        reporting.write_audit_reports(settings, files)
        say_written(front, files, output=output)
    return status.DONE if taken.verdict in {Verdict.GOOD, Verdict.EMPTY} else status.FINDINGS
