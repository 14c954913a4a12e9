"""``archiver report collection``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, write_reports

if TYPE_CHECKING:
    from pathlib import Path


@example("archiver report collection\narchiver report collection --report collection.html")
@click.command("collection")
@report_option(".html, .json or .csv")
@output_option
@pass_front
def report_collection_command(front: Front, *, files: tuple[Path, ...], output: str) -> int:
    """Say what the collection is made of: licences, sizes, formats, sources, growth."""
    from archiver.reports.collection import (
        collection_csv,
        collection_json,
        collection_lines,
        collection_page,
        collection_record,
    )
    from archiver.wiring import reporting

    makers = {".html": collection_page, ".json": collection_json, ".csv": collection_csv}
    reporting.checked_forms(files, tuple(makers), command="archiver report collection")
    survey, formats = reporting.collected(front.settings())
    if output == "jsonl":
        emit(collection_record(survey, formats))
    else:
        for line in collection_lines(survey, formats):
            front.say(printable(line))
    write_reports(front, files, makers, survey, formats, output=output)
    return status.DONE
