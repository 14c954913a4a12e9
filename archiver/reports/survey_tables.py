"""The tables of a survey: every row, to be sorted and filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.core.coverage import in_words
from archiver.core.holdings import CopyStatus
from archiver.reports.pages import moment, shown, table
from archiver.reports.survey_sections import short_licence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.audits import AuditReport
    from archiver.core.surveys import Survey


def audit_tables(audit: AuditReport | None) -> Iterator[dict[str, Any]]:
    """Yield what the run found and put right, where there was something."""
    if audit is None:
        return
    names = ("Finding", "Where", "Store", "Expected", "Actual")
    rows = [
        [
            *(shown(text) for text in (one.code.value, one.where, one.store, one.expected, one.actual)),
            shown(one.next),
        ]
        for checked in audit.checked
        for one in checked.findings
    ]
    rows += [
        [
            shown(text)
            for text in ("NO_ANSWER", f"{checked.key}/{where}", checked.store, "", why, "archiver audit --due")
        ]
        for checked in audit.checked
        for where, why in checked.unanswered
    ]
    columns = [*((name, "text") for name in names), ("Next", "code")]
    yield table("findings", "Findings of this audit", "What this run found, and what to do.", columns, rows)
    if audit.repairs:
        kinds = ("Item", "Store", "File", "Outcome", "From", "What")
        rows = [
            [shown(text) for text in (str(one.item), one.store, one.path, one.outcome.value, one.source, one.detail)]
            for one in audit.repairs
        ]
        yield table(
            "repairs",
            "Repairs of this audit",
            "What was put right, and what could not be.",
            [(name, "text") for name in kinds],
            rows,
        )


def tables(survey: Survey) -> Iterator[dict[str, Any]]:
    """Yield the tables that can be sorted and filtered."""
    if survey.shortfalls:
        yield table(
            "short-versions",
            "Versions with too few copies",
            "Every version that falls short of what the settings ask for, and by what.",
            [("Item", "text"), ("Version", "number"), ("Has", "text"), ("Next", "code")],
            [
                [shown(str(item)), version, shown(in_words(one.lacks)), shown(one.next)]
                for one in survey.shortfalls
                for item, version in one.versions
            ],
        )
    yield table(
        "incidents",
        "Damage and its repair",
        "Every failed check on record, and the success that followed for the same object.",
        [
            ("When", "brief"),
            ("Item", "text"),
            ("Store", "text"),
            ("File", "text"),
            ("What", "text"),
            ("Now", "brief"),
            ("Put right", "brief"),
        ],
        [
            [
                moment(one.event.at),
                shown(str(one.event.item)),
                shown(one.event.store),
                shown(one.event.path) or "whole bag",
                shown(one.event.detail),
                "✓ put right" if one.mended else "✕ open",
                moment(one.mended.at) if one.mended else "",
            ]
            for one in survey.incidents
        ],
    )
    yield table(
        "copies",
        "Every copy",
        "One row for each copy of each item; the newest version.",
        [
            ("Item", "text"),
            ("Title", "text"),
            ("Store", "text"),
            ("State", "brief"),
            ("Grade", "brief"),
            ("Checked", "brief"),
            ("Due", "brief"),
            ("Files", "number"),
            ("Bytes", "number"),
            ("Licence", "text"),
        ],
        [
            [
                shown(str(line.holding.item)),
                shown(line.holding.title),
                shown(line.copy.store),
                _state(line.copy.status, is_overdue=bool(line.overdue_by)),
                line.copy.grade.label,
                moment(line.copy.checked_at),
                f"{line.due_at:%Y-%m-%d}",
                line.holding.files,
                line.holding.bytes,
                short_licence(line.holding.licence),
            ]
            for line in survey.lines
        ],
    )


def _state(status: CopyStatus, *, is_overdue: bool) -> str:
    if status is not CopyStatus.GOOD:
        return f"✕ {status.value}"
    return "◷ good, overdue" if is_overdue else "✓ good"
