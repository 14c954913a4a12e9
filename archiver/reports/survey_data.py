"""A survey for programs: JSON and CSV, in pieces. Keys and columns are promises (docs/reports.md)."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from archiver.core.surveys import AGES
from archiver.reports.records import event, finding, shortfall, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archiver.core.audits import AuditReport
    from archiver.core.surveys import CopyLine, Forecast, Survey

COLUMNS = (
    "item", "version", "title", "licence", "files", "bytes", "store", "key", "status", "grade", "checked_at", "due_at",
    "overdue_days",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def survey_json(survey: Survey, audit: AuditReport | None = None) -> Iterator[str]:
    """Yield one JSON document; `copies` comes last and is written row by row."""
    head = json.dumps({**summary(survey), **_run(audit)}, indent=1)
    yield head[: head.rindex("\n}")] + ',\n "copies": ['
    for number, line in enumerate(survey.lines):
        yield ("," if number else "") + "\n  " + json.dumps(copy_line(line))
    yield "\n ]\n}\n"


def _run(audit: AuditReport | None) -> dict[str, Any]:
    """Return what the audit found that was just made; for a report alone, nothing was looked for."""
    if audit is None:
        return {"audit": None, "findings": [], "repairs": []}
    did = audit.summary
    return {
        "audit": {
            "started_at": timestamp(audit.started_at),
            "ended_at": timestamp(audit.ended_at),
            "grade": audit.plan.grade.label,
            "copies": did.copies,
            "good": did.good,
            "damaged": did.damaged,
            "unanswered": did.unanswered,
            "objects": did.objects,
            "bytes": did.bytes,
            "requests": did.requests,
            "seconds": round(did.seconds, 3),
            "left": did.left,
            "budget_ended": did.budget_ended,
            "confidence": did.confidence,
            "sampled_from": did.sampled_from,
        },
        "findings": [finding(one)["finding"] for checked in audit.checked for one in checked.findings],
        "unanswered": [
            {"store": checked.store, "where": f"{checked.key}/{where}", "why": why}
            for checked in audit.checked
            for where, why in checked.unanswered
        ],
        "repairs": [
            {
                "item": str(one.item),
                "store": one.store,
                "path": one.path,
                "outcome": one.outcome.value,
                "source": one.source,
                "digest": one.digest,
                "detail": one.detail,
                "at": timestamp(one.at),
            }
            for one in audit.repairs
        ],
    }


def summary(survey: Survey) -> dict[str, Any]:
    """Return everything but the list of copies."""
    return {
        "report": "audit",
        "at": timestamp(survey.at),
        "organisation": survey.organisation,
        "program": survey.program,
        "verdict": survey.verdict.value,
        "items": survey.items,
        "files": survey.files,
        "bytes": survey.bytes,
        "copies_total": len(survey.lines),
        "copies_not_good": survey.unproven,
        "copies_overdue": survey.overdue,
        "items_with_too_few_copies": survey.thin,
        "items_without_good_copy": survey.lost,
        "wanted_copies": survey.wanted_copies,
        "shortfalls": [shortfall(one) for one in survey.shortfalls],
        "grades": {
            grade.label: {name: counts[place] for place, (name, _) in enumerate(AGES)}
            for grade, counts in survey.grades
        },
        "stores": [_forecast(one) for one in survey.forecasts],
        "licences": [{"licence": name, "items": items, "bytes": bytes_} for name, items, bytes_ in survey.licences],
        "sources": [{"source": name, "items": items, "bytes": bytes_} for name, items, bytes_ in survey.sources],
        "sizes": dict(survey.sizes),
        "growth": [{"month": month, "items": items, "bytes": bytes_} for month, items, bytes_ in survey.growth],
        "checks": [
            {"day": one.day.isoformat(), "store": one.store, "outcome": one.outcome.value, "checks": one.number}
            for one in survey.checks
        ],
        "incidents": [
            {
                "item": str(one.event.item),
                "event": event(one.event),
                "mended": event(one.mended) if one.mended else None,
            }
            for one in survey.incidents
        ],
    }


def _forecast(one: Forecast) -> dict[str, Any]:
    return {
        "store": one.plan.name,
        "kind": one.plan.kind,
        "location": one.plan.location,
        "provider": one.plan.provider,
        "medium": one.plan.medium,
        "threat": one.plan.threat,
        "interval_days": one.plan.every / timedelta(days=1),
        "copies": one.copies,
        "bytes": one.bytes,
        "good": one.good,
        "overdue": one.overdue,
        "oldest_check": timestamp(one.oldest) if one.oldest else None,
        "due_in_30_days": one.due_in_30,
        "checks_needed_per_day": round(one.needed, 3),
        "checks_done_per_day": round(one.done, 3),
        "clear_in_days": None if one.clear_in is None else round(one.clear_in, 1),
    }


def copy_line(line: CopyLine) -> dict[str, Any]:
    """Return one copy; the keys are `COLUMNS`."""
    held, copy = line.holding, line.copy
    values = (
        str(held.item), held.version, held.title, held.licence, held.files, held.bytes, copy.store, copy.key,
        copy.status.value, copy.grade.label, timestamp(copy.checked_at), timestamp(line.due_at), line.overdue_by.days,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def survey_csv(survey: Survey) -> Iterator[str]:
    """Yield RFC 4180 lines, one for each copy. What a spreadsheet would run as a formula gets an apostrophe before it."""
    yield csv_line(COLUMNS)
    for line in survey.lines:
        yield csv_line([*copy_line(line).values()])


def csv_line(values: Sequence[object]) -> str:
    """Return one line of CSV that no spreadsheet runs."""
    out = io.StringIO()
    csv.writer(out).writerow(
        [f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in values]
    )
    return out.getvalue().replace("\0", "\ufffd").encode("utf-8", "replace").decode()
