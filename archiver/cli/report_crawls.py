"""``archiver report crawls``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.holdings import Run


@example(
    "archiver report crawls\narchiver report crawls --selection netlabels --last 30 --output jsonl\n"
    "archiver report crawls --report crawls.csv --report crawls.json"
)
@click.command("crawls")
@click.option("--selection", default="", metavar="NAME", help="Only those of one selection.")
@click.option("--last", type=click.IntRange(1, 10_000), default=10, show_default=True, help="So many of the latest.")
@click.option(
    "--report", "files", multiple=True, metavar="FILE", type=click.Path(path_type=Path), help="Write it into FILE (.json, .csv)."
)  # fmt: skip
@output_option
@pass_front
def report_crawls_command(front: Front, *, selection: str, last: int, files: tuple[Path, ...], output: str) -> int:
    """Say what each crawl met and what became of it: announced, found, described, admitted, stored, refused, failed.

    Every item that was found is accounted for. A crawl that was killed, or is older than this table, has none.
    """
    from archiver.reports import text
    from archiver.wiring import reporting

    reporting.checked_forms(files, (".json", ".csv"), command="archiver report crawls")
    with reporting.opened_catalogue(front.settings()) as catalogue:
        runs = tuple(catalogue.runs(selection=selection, limit=last))
    records = [_record(run) for run in runs]
    for file in files:
        reporting.write_whole(file, _json(records) if file.suffix == ".json" else _csv(records))
    if output == "jsonl":
        for record in records:
            emit({"crawl": record})
        emit({"summary": {"crawls": len(records)}})
        return status.DONE
    for run in runs:
        when = f"{run.started_at:%Y-%m-%d %H:%M} UTC"
        table = text.crawl(run.selection, run.crawl) if run.crawl else f"{run.selection}: no table; it did not end"
        click.echo(printable(f"{when}  {table}"))
    if not runs:
        front.say("no crawl yet\n  next: archiver harvest SELECTION")
    return status.DONE


def _record(run: Run) -> dict[str, Any]:
    ended = run.ended_at.isoformat(timespec="seconds") if run.ended_at else None
    started = run.started_at.isoformat(timespec="seconds")
    lead = {"run": run.id, "selection": run.selection, "started_at": started, "ended_at": ended}
    return {**lead, **(run.crawl.to_json() if run.crawl else {})}


def _json(records: Iterable[dict[str, Any]]) -> str:
    return json.dumps({"crawls": list(records)}, indent=1, ensure_ascii=False) + "\n"


def _csv(records: Iterable[dict[str, Any]]) -> str:
    columns = (
        *("run", "selection", "started_at", "ended_at", "announced", "found", "recognised", "described", "admitted"),
        *("stored", "unchanged", "refused", "quarantined", "failed", "gone", "whole", "reasons"),
    )
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for record in records:
        reasons = record.get("reasons", {})
        said = "; ".join(f"{outcome} {code} {n}" for outcome, codes in reasons.items() for code, n in codes.items())
        # A selection's name is a file's name: a spreadsheet must not take it for a formula.
        name = str(record["selection"])
        safe = f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
        writer.writerow({**record, "selection": safe, "reasons": said})
    return text.getvalue()
