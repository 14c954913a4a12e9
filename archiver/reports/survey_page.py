"""A survey as one HTML page that needs nothing else: no network, no other file.

What comes from outside (titles, names, keys) goes through the template's escaping, or into JSON that the script puts into
the page as text. The page's own policy (CSP) lets its one script run and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from archiver.core.coverage import in_words
from archiver.core.events import EventOutcome
from archiver.core.holdings import CopyStatus
from archiver.core.intervals import human_size
from archiver.core.surveys import AGES, Verdict
from archiver.reports.charts import Series, lying_bars, stacked_bars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import jinja2

    from archiver.core.audits import AuditReport
    from archiver.core.surveys import Activity, Forecast, Survey

LONGEST = 120
"""Characters of a text from outside that are shown; the machine output has the whole."""
STILL = 50
"""Rows that stand in the page itself, for a reader without scripts."""
STEPS = 5
"""Ways to fall short that are named at the top."""
NAMED = 3
"""Versions named as examples of each."""
TOP = 12
"""Bars of a ranking; the table has every row."""

VERDICTS = {
    Verdict.EMPTY: ("○", "The archive holds nothing yet"),
    Verdict.GOOD: ("✓", "Every copy is good, and every check is in time"),
    Verdict.OVERDUE: ("◷", "Every copy was good when it was last checked, but checks are overdue"),
    Verdict.THIN: ("◑", "Nothing is damaged, but some items have too few copies, or too few places for them"),
    Verdict.DAMAGED: ("✕", "Some copies are damaged or missing"),
}
"""A sign and a sentence; neither depends on a colour."""


def survey_page(survey: Survey, audit: AuditReport | None = None) -> Iterator[str]:
    """Yield the page in pieces.

    Args:
        survey: What it shows.
        audit: The one that was just made, or None for a report from the catalogue alone.
    """
    yield from rendered(
        survey=survey,
        title="Archive report",
        verdict=VERDICTS[survey.verdict],
        mood=survey.verdict.value,
        steps=next_steps(survey),
        calm="Nothing needs to be done now." if survey.items else "",
        facts=_facts(survey),
        tables=[*_audit_tables(audit), *_tables(survey)],
        sections=[*_this_audit(audit), *_sections(survey)],
    )


def rendered(**values: Any) -> Iterator[str]:
    """Yield a page in pieces from what its template asks for."""
    style, script = _asset("report.css"), _asset("report.js")
    template = _environment().get_template("report.html.j2")
    yield from template.generate(
        style=style,
        script=script,
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        still=STILL,
        **values,
    )


def shown(text: str) -> str:
    """Return a text from outside as it can be shown: what steers direction or a terminal is written out, the rest cut."""
    cut = text[:LONGEST]
    plain = "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else f"⟨{ord(char):04X}⟩"
        for char in cut
    )
    return plain if len(text) <= LONGEST else f"{plain}… ({len(text):,} characters)"


def next_steps(survey: Survey) -> list[tuple[str, str]]:
    """Return what to do now: a sentence and a command each."""
    steps = []
    if survey.unproven:
        steps.append(
            (f"{_counted(survey.unproven, 'copy is', 'copies are')} damaged or missing", "archiver repair --dry-run")
        )
    if survey.lost:
        steps.append((f"{_counted(survey.lost, 'item has', 'items have')} no good copy left", "archiver repair"))
    if survey.overdue:
        steps.append(
            (f"{_counted(survey.overdue, 'copy is', 'copies are')} overdue for a check", "archiver audit --due")
        )
    if survey.shortfalls:
        steps += short_steps(survey)
    elif survey.thin:
        fewer = f"fewer than {survey.wanted_copies} good copies"
        steps.append((f"{_counted(survey.thin, 'item has', 'items have')} {fewer}", "archiver replicate --to NAME"))
    return steps


def short_steps(survey: Survey) -> list[tuple[str, str]]:
    """Return what to do where versions fall short of the settings."""
    return [
        (f"{_counted(one.number, 'version has', 'versions have')} too few: {in_words(one.lacks)}", one.next)
        for one in survey.shortfalls[:STEPS]
    ]


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


def _facts(survey: Survey) -> list[tuple[str, str, str]]:
    copies = len(survey.lines)
    good = copies - survey.unproven
    return [
        (f"{survey.items:,}", "items", f"{survey.files:,} files, {human_size(survey.bytes)}"),
        (f"{good:,} of {copies:,}", "copies good", "when they were last checked"),
        (f"{survey.overdue:,}", "checks overdue", "by the interval of their store"),
        (f"{survey.open_incidents:,}", "open incidents", f"{len(survey.incidents):,} failed checks on record"),
    ]


def _sections(survey: Survey) -> list[dict[str, Any]]:
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
    return f"clear in {_counted(max(round(one.clear_in), 1), 'day', 'days')}"


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
            [_short_licence(name) for name, _, _ in top],
            [Series(unit, tuple(items for _, items, _ in top))],
            unit=unit,
            words=f"{title} by {unit}: " + "; ".join(f"{_short_licence(name)} {items:,}" for name, items, _ in top),
        ),
        "head": [column, unit.capitalize(), "Size"],
        "rows": [[shown(name), f"{items:,}", human_size(bytes_)] for name, items, bytes_ in entries],
    }


def _short_licence(url: str) -> str:
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


def _this_audit(audit: AuditReport | None) -> Iterator[dict[str, Any]]:
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
        "text": f"From {_moment(audit.started_at)} to {_moment(audit.ended_at)} UTC, at grade {audit.plan.grade.label}.",
        "picture": None,
        "head": ["What", "Number"],
        "rows": rows,
    }


def _audit_tables(audit: AuditReport | None) -> Iterator[dict[str, Any]]:
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
    yield _table("findings", "Findings of this audit", "What this run found, and what to do.", columns, rows)
    if audit.repairs:
        kinds = ("Item", "Store", "File", "Outcome", "From", "What")
        rows = [
            [shown(text) for text in (str(one.item), one.store, one.path, one.outcome.value, one.source, one.detail)]
            for one in audit.repairs
        ]
        yield _table(
            "repairs",
            "Repairs of this audit",
            "What was put right, and what could not be.",
            [(name, "text") for name in kinds],
            rows,
        )


def _tables(survey: Survey) -> Iterator[dict[str, Any]]:
    """Yield the tables that can be sorted and filtered."""
    if survey.shortfalls:
        yield _table(
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
    yield _table(
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
                _moment(one.event.at),
                shown(str(one.event.item)),
                shown(one.event.store),
                shown(one.event.path) or "whole bag",
                shown(one.event.detail),
                "✓ put right" if one.mended else "✕ open",
                _moment(one.mended.at) if one.mended else "",
            ]
            for one in survey.incidents
        ],
    )
    yield _table(
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
                _moment(line.copy.checked_at),
                f"{line.due_at:%Y-%m-%d}",
                line.holding.files,
                line.holding.bytes,
                _short_licence(line.holding.licence),
            ]
            for line in survey.lines
        ],
    )


def _table(id_: str, title: str, text: str, columns: list[tuple[str, str]], rows: list[list[Any]]) -> dict[str, Any]:
    data = {"columns": [{"name": name, "kind": kind} for name, kind in columns], "rows": rows}
    return {
        "id": id_,
        "title": title,
        "text": text,
        "columns": columns,
        "rows": rows[:STILL],
        "number": len(rows),
        "json": _script_json(data),
    }


def _script_json(value: Any) -> str:
    """Return JSON that no HTML parser takes for anything else."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        text = text.replace(char, escape)
    return text.replace("\u2029", "\\u2029")


def _state(status: CopyStatus, *, is_overdue: bool) -> str:
    if status is not CopyStatus.GOOD:
        return f"✕ {status.value}"
    return "◷ good, overdue" if is_overdue else "✓ good"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _csp_hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@cache
def _asset(name: str) -> str:
    return (resources.files("archiver.reports") / "page" / name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - only a page needs it

    loader = jinja2.FunctionLoader(_asset)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
