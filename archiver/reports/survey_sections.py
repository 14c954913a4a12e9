"""The sections of a survey between its verdict and its rows: title, sentence, picture, and the numbers as a table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from archiver.core.coverage import in_words
from archiver.core.events import EventOutcome
from archiver.core.intervals import human_size
from archiver.core.surveys import AGES
from archiver.reports.charts import Series, lying_bars, stacked_bars
from archiver.reports.pages import counted, moment, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archiver.core.audits import AuditReport
    from archiver.core.surveys import Activity, Forecast, Survey

NAMED = 3
"""Versions named as examples of each."""
TOP = 12
"""Bars of a ranking; the table has every row."""


def short_section(survey: Survey) -> dict[str, Any] | None:
    """Return a section that says what falls short of the settings, or None where nothing does."""
    if not survey.shortfalls:
        return None
    rows = [
        [
            f"{one.number:,}",
            shown(in_words(one.lacks)),
            shown(", ".join(f"{item} v{version}" for item, version in one.versions[:NAMED])),
            shown(one.next),
        ]
        for one in survey.shortfalls
    ]
    return {
        "id": "short",
        "is_wide": True,
        "is_words": True,
        "title": "Too few copies",
        "text": "Versions that fall short of the copies, places, providers or media that the settings ask for.",
        "picture": None,
        "head": ["Versions", "Has", "For example", "Next"],
        "rows": rows,
    }


def sections(survey: Survey) -> list[dict[str, Any]]:
    """Return the sections between verdict and rows: title, sentence, picture, and the numbers as a table."""
    makers = (short_section, _by_grade, _over_time, _growth, _backlog, _licences, _sizes)
    return [section for maker in makers if (section := maker(survey)) is not None]


def _by_grade(survey: Survey) -> dict[str, Any] | None:
    grades = [(grade, counts) for grade, counts in survey.grades if sum(counts)]
    rows = [[grade.label, *(f"{count:,}" for count in counts), f"{sum(counts):,}"] for grade, counts in grades]
    if survey.unproven:
        rows.append(["not good", *("" for _ in AGES), f"{survey.unproven:,}"])
    picture = lying_bars(
        [grade.label for grade, _ in grades],
        [Series(name, tuple(counts[place] for _, counts in grades)) for place, (name, _) in enumerate(AGES)],
        unit="copies",
        words="Good copies by grade of evidence and age of the last check: "
        + "; ".join(f"{grade.label} {sum(counts):,}" for grade, counts in grades),
    )
    return {
        "id": "grades",
        "is_wide": True,
        "title": "Copies by grade and age of evidence",
        "text": "How much the last check of each copy proved, and how long ago. Grades are never mixed: "
        "listed < size < provider (the store computed a digest) < read (every byte was read) < decode.",
        "picture": picture if grades else None,
        "head": ["Grade", *(name for name, _ in AGES), "All"],
        "rows": rows,
    }


def _over_time(survey: Survey) -> dict[str, Any] | None:
    if not survey.checks:
        return None
    labels, good, bad = checks_by_period(survey.checks)
    return {
        "id": "checks",
        "title": "Checks over time",
        "text": "Fixity checks taken down in the log of events.",
        "picture": stacked_bars(
            labels,
            [Series("passed", tuple(good)), Series("not passed", tuple(bad))],
            unit="checks",
            words=f"Checks from {labels[0]} to {labels[-1]}: {sum(good):,} passed, {sum(bad):,} not passed",
        ),
        "head": ["Period", "Passed", "Not passed"],
        "rows": [[label, f"{one:,}", f"{two:,}"] for label, one, two in zip(labels, good, bad, strict=True)],
    }


def checks_by_period(checks: Sequence[Activity]) -> tuple[list[str], list[int], list[int]]:
    """Return periods, checks that passed and checks that did not: days where all lies within 31 days, else months."""
    first, last = min(check.day for check in checks), max(check.day for check in checks)
    if (last - first).days <= 31:
        labels = [f"{first + timedelta(days=n):%Y-%m-%d}" for n in range((last - first).days + 1)]
    else:
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        labels = [f"{month // 12:04}-{month % 12 + 1:02}" for month in months]
    good, bad = dict.fromkeys(labels, 0), dict.fromkeys(labels, 0)
    for check in checks:
        counts = good if check.outcome is EventOutcome.SUCCESS else bad
        counts[check.day.isoformat()[: len(labels[0])]] += check.number
    return labels, [*good.values()], [*bad.values()]


def _backlog(survey: Survey) -> dict[str, Any] | None:
    forecasts = survey.forecasts
    return {
        "id": "backlog",
        "is_wide": True,
        "title": "Stores and their backlog",
        "text": "Whether checks keep up with the interval of each store, at the pace of the last 30 days.",
        "picture": lying_bars(
            [one.plan.name for one in forecasts],
            [
                Series("overdue", tuple(one.overdue for one in forecasts)),
                Series("due within 30 days", tuple(one.due_in_30 for one in forecasts)),
            ],
            unit="copies",
            words="Copies overdue and due within 30 days: "
            + "; ".join(f"{one.plan.name} {one.overdue:,} and {one.due_in_30:,}" for one in forecasts),
        )
        if forecasts
        else None,
        "head": [
            "Store",
            "Where",
            "Copies",
            "Good",
            "Size",
            "Interval",
            "Oldest check",
            "Overdue",
            "Needed a day",
            "Done a day",
            "Forecast",
        ],
        "rows": [
            [
                shown(one.plan.name),
                shown(", ".join(filter(None, (one.plan.kind, one.plan.location, one.plan.provider, one.plan.medium)))),
                f"{one.copies:,}",
                f"{one.good:,}",
                human_size(one.bytes),
                f"{one.plan.every.total_seconds() / 86400:g} days",
                f"{one.oldest:%Y-%m-%d}" if one.oldest else "none",
                f"{one.overdue:,}",
                f"{one.needed:,.1f}",
                f"{one.done:,.1f}",
                forecast_words(one),
            ]
            for one in forecasts
        ],
    }


def forecast_words(one: Forecast) -> str:
    """Say whether a store's backlog clears."""
    if not one.copies:
        return "nothing held"
    if not one.overdue:
        return "in time" if one.done >= one.needed else "in time now; the pace is below what is needed"
    if one.clear_in is None:
        return "never clears at this pace"
    return f"clear in {counted(max(round(one.clear_in), 1), 'day', 'days')}"


def collection_sections(survey: Survey) -> list[dict[str, Any]]:
    """Return the sections about what is held."""
    return [section for maker in (_licences, _growth, _sizes) if (section := maker(survey)) is not None]


def _licences(survey: Survey) -> dict[str, Any] | None:
    return ranking("licences", "Licences", "Licence", survey.licences, "Under which legal tool each item is kept.")


def ranking(
    id_: str, title: str, column: str, entries: Sequence[tuple[str, int, int]], text: str, *, unit: str = "items"
) -> dict[str, Any] | None:
    """Return a section that ranks names by a number, or None where there is none."""
    if not entries:
        return None
    top = entries[:TOP]
    return {
        "id": id_,
        "title": title,
        "text": text,
        "picture": lying_bars(
            [short_licence(name) for name, _, _ in top],
            [Series(unit, tuple(items for _, items, _ in top))],
            unit=unit,
            words=f"{title} by {unit}: " + "; ".join(f"{short_licence(name)} {items:,}" for name, items, _ in top),
        ),
        "head": [column, unit.capitalize(), "Size"],
        "rows": [[shown(name), f"{items:,}", human_size(bytes_)] for name, items, bytes_ in entries],
    }


def short_licence(url: str) -> str:
    """Return a licence as a chart names it: what follows the host of Creative Commons, or all of it."""
    return shown(url.partition("creativecommons.org/")[2].rstrip("/") or url)


def _sizes(survey: Survey) -> dict[str, Any] | None:
    if not survey.items:
        return None
    return {
        "id": "sizes",
        "title": "Sizes",
        "text": "Payload bytes of an item, one copy counted.",
        "picture": lying_bars(
            [name for name, _ in survey.sizes],
            [Series("items", tuple(number for _, number in survey.sizes))],
            unit="items",
            words="Items by size: " + "; ".join(f"{name} {number:,}" for name, number in survey.sizes),
        ),
        "head": ["Size of an item", "Items"],
        "rows": [[name, f"{number:,}"] for name, number in survey.sizes],
    }


def _growth(survey: Survey) -> dict[str, Any] | None:
    if not survey.growth:
        return None
    return {
        "id": "growth",
        "title": "Growth",
        "text": "What was held at the end of each month, the newest version of each item.",
        "picture": stacked_bars(
            [month for month, _, _ in survey.growth],
            [Series("items", tuple(items for _, items, _ in survey.growth))],
            unit="items",
            words=f"Items held: {survey.growth[0][1]:,} at the end of {survey.growth[0][0]}, "
            f"{survey.growth[-1][1]:,} in {survey.growth[-1][0]}",
        ),
        "head": ["Month", "Items", "Size"],
        "rows": [[month, f"{items:,}", human_size(bytes_)] for month, items, bytes_ in survey.growth],
    }


def this_audit(audit: AuditReport | None) -> Iterator[dict[str, Any]]:
    """Yield what the run did, where there was one."""
    if audit is None:
        return
    did = audit.summary
    rows = [
        ["Copies checked", f"{did.copies:,}"],
        ["Good", f"{did.good:,}"],
        ["Damaged", f"{did.damaged:,}"],
        ["Without an answer", f"{did.unanswered:,}"],
        ["Objects looked at", f"{did.objects:,}"],
        ["Read from stores", human_size(did.bytes)],
        ["Requests", f"{did.requests:,}"],
        ["Seconds", f"{did.seconds:,.1f}"],
        ["Left over by the budget", f"{did.left:,}"],
    ]
    if did.budget_ended:
        rows.append(["Ended by", did.budget_ended])
    if did.confidence is not None:
        rows.append(
            ["Sample", f"of {did.sampled_from:,}; with 95 % confidence fewer than {did.confidence:.2%} are damaged"]
        )
    yield {
        "id": "audit",
        "is_wide": True,
        "title": "This audit",
        "text": f"From {moment(audit.started_at)} to {moment(audit.ended_at)} UTC, at grade {audit.plan.grade.label}.",
        "picture": None,
        "head": ["What", "Number"],
        "rows": rows,
    }
