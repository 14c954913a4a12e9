"""What each crawl met and what became of it: JSON and CSV."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.reports.survey_data import csv_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archiver.core.totals import Run

COLUMNS = (
    *("run", "selection", "started_at", "ended_at", "announced", "found", "recognised", "described", "admitted"),
    *("stored", "unchanged", "refused", "quarantined", "failed", "gone", "whole", "reasons"),
)


def crawl_record(run: Run) -> dict[str, Any]:
    """Return one crawl; keys are promises (docs/machine-output.md)."""
    ended = run.ended_at.isoformat(timespec="seconds") if run.ended_at else None
    started = run.started_at.isoformat(timespec="seconds")
    lead = {"run": run.id, "selection": run.selection, "started_at": started, "ended_at": ended}
    return {**lead, **(run.crawl.to_json() if run.crawl else {})}


def crawls_json(runs: Sequence[Run]) -> Iterator[str]:
    """Yield one JSON document."""
    yield json.dumps({"crawls": list(map(crawl_record, runs))}, indent=1, ensure_ascii=False) + "\n"


def crawls_csv(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a line for each crawl, `COLUMNS` first."""
    yield csv_line(COLUMNS)
    for record in map(crawl_record, runs):
        reasons = record.get("reasons", {})
        said = "; ".join(f"{outcome} {code} {n}" for outcome, codes in reasons.items() for code, n in codes.items())
        known = {**record, "reasons": said}
        yield csv_line([known.get(column, "") for column in COLUMNS])
