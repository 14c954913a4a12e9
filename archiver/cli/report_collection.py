"""``archiver report collection``."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable


@example("archiver report collection\narchiver report collection --report collection.html")
@click.command("collection")
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
    for file in files:
        reporting.write_whole(file, makers[file.suffix.lower()](survey, formats))
    return status.DONE
