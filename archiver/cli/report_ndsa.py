"""``archiver report ndsa``."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable


@example("archiver report ndsa\narchiver report ndsa --report ndsa.html")
@click.command("ndsa")
@click.option(
    "--report",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it into FILE, which ends in .html or .json; may be given several times.",
)
@output_option
@pass_front
def report_ndsa_command(front: Front, *, files: tuple[Path, ...], output: str) -> int:
    """Compute the level of the NDSA Levels of Digital Preservation 2.0 reached in each of the five areas.

    From facts: stores and where they stand, copies, checks, intervals, repairs, the log. What no program can see counts
    when it is declared in the settings, and is shown as declared.
    """
    from archiver.reports.ndsa import ndsa_json, ndsa_lines, ndsa_page, ndsa_record
    from archiver.wiring import reporting

    reporting.checked_forms(files, (".html", ".json"), command="archiver report ndsa")
    assessment, survey = reporting.assessed(front.settings())
    if output == "jsonl":
        emit(ndsa_record(assessment, survey))
    else:
        for line in ndsa_lines(assessment, survey):
            front.say(printable(line))
    for file in files:
        make = ndsa_page if file.suffix.lower() == ".html" else ndsa_json
        reporting.write_whole(file, make(assessment, survey))
    return status.DONE
