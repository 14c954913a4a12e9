"""``archiver report ndsa``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, write_reports

if TYPE_CHECKING:
    from pathlib import Path


@example("archiver report ndsa\narchiver report ndsa --report ndsa.html")
@click.command("ndsa")
@report_option(".html or .json")
@output_option
@pass_front
def report_ndsa_command(front: Front, *, files: tuple[Path, ...], output: str) -> int:
    """Compute the level of the NDSA Levels of Digital Preservation 2.0 reached in each of the five areas.

    From facts: stores and where they stand, copies, checks, intervals, repairs, the log. What no program can see counts
    when it is declared in the settings, and is shown as declared.
    """
    from archiver.reports.ndsa import ndsa_json, ndsa_lines, ndsa_page, ndsa_record
    from archiver.wiring import reporting

    makers = {".html": ndsa_page, ".json": ndsa_json}
    reporting.checked_forms(files, tuple(makers), command="archiver report ndsa")
    assessment, survey = reporting.assessed(front.settings())
    if output == "jsonl":
        emit(ndsa_record(assessment, survey))
    else:
        for line in ndsa_lines(assessment, survey):
            front.say(printable(line))
    write_reports(front, files, makers, assessment, survey, output=output)
    return status.DONE
