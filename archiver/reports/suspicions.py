"""Recordings that somebody should listen to: text, JSON, CSV and a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.reports.pages import shown
from archiver.reports.plain_page import Heading, plain_page
from archiver.reports.survey_data import csv_line
from archiver.reports.survey_sections import ranking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.surveys import Survey
    from archiver.core.suspicions import SuspicionReport

SHOWN = 5000
"""Rows of the page; the other forms have all of them."""


def suspicion_summary(report: SuspicionReport) -> dict[str, Any]:
    """Return the numbers; keys are promises (docs/loudness.md)."""
    return {
        "recordings": report.recordings,
        "measured": report.measured,
        "examined": report.examined,
        "suspicious": report.suspicious,
        "codes": dict(report.codes),
    }


def suspicion_json(report: SuspicionReport, made: Survey) -> Iterator[str]:
    """Yield one JSON document."""
    record = {
        "report": "suspicious",
        "at": made.at.isoformat(),
        "organisation": made.organisation,
        "program": made.program,
        **suspicion_summary(report),
        "suspicions": [one.to_json() for one in report.suspicions],
    }
    yield json.dumps(record, indent=1) + "\n"


def suspicion_csv(report: SuspicionReport, made: Survey) -> Iterator[str]:  # noqa: ARG001 - one signature for every form
    """Yield lines ``item,version,path,code,detail``."""
    yield csv_line(("item", "version", "path", "code", "detail"))
    for one in report.suspicions:
        yield csv_line((str(one.item), one.version, one.path, one.code, one.detail))


def suspicion_lines(report: SuspicionReport) -> Iterator[str]:
    """Yield lines for a terminal."""
    for one in report.suspicions:
        yield f"{one.code}  {one.item} v{one.version}  {one.path}"
        yield f"    {one.detail}"
    yield (
        f"{report.suspicious:,} of {report.recordings:,} known recordings are suspicious; "
        f"{report.measured:,} are measured, {report.examined:,} examined"
    )
    for code, count in report.codes:
        yield f"  {count:>9,}  {code}"
    if report.measured < report.recordings or not report.recordings:
        yield "  next: archiver derive --all --loudness"


def suspicion_page(report: SuspicionReport, made: Survey) -> Iterator[str]:
    """Yield the page in pieces."""
    rows = [[shown(str(one.item)), shown(one.path), one.code, shown(one.detail)] for one in report.suspicions[:SHOWN]]
    kinds = tuple((code, count, 0) for code, count in report.codes)
    sections = [
        ranking("codes", "Kinds", "Code", kinds, "How many recordings show each sign.", unit="recordings"),
        {
            "id": "suspicious",
            "is_wide": True,
            "is_words": True,
            "title": "Recordings to listen to",
            "text": "The bytes are those that the source gave; what is suspicious may be meant so."
            + (f" The first {SHOWN:,} of {len(report.suspicions):,}." if len(report.suspicions) > SHOWN else ""),
            "picture": None,
            "head": ["Item", "File", "Sign", "Measured"],
            "rows": rows,
        },
    ]
    heading = Heading(
        title="Suspicious recordings",
        sign="◑" if report.suspicions else "✓" if report.recordings else "○",
        verdict=f"{report.suspicious:,} of {report.recordings:,} recordings should be listened to"
        if report.suspicions
        else ("Nothing is suspicious" if report.recordings else "Nothing has been measured yet"),
        mood="thin" if report.suspicions else "good" if report.recordings else "empty",
        steps=[("Measure what nobody has measured", "archiver derive --all --loudness")]
        if report.measured < report.recordings or not report.recordings
        else [],
        facts=[
            (f"{report.suspicious:,}", "suspicious", "recordings"),
            (f"{report.recordings:,}", "known", "recordings"),
            (f"{report.measured:,}", "measured", "loudness, peaks, silence"),
            (f"{report.examined:,}", "examined", "decoded and compared"),
        ],
    )
    yield from plain_page(heading, [one for one in sections if one is not None and one["rows"]], made=made)
