"""A survey as one HTML page (`pages`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.coverage import in_words
from archiver.core.intervals import human_size
from archiver.core.surveys import Verdict
from archiver.reports.pages import counted, rendered
from archiver.reports.survey_sections import sections, this_audit
from archiver.reports.survey_tables import audit_tables, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.audits import AuditReport
    from archiver.core.surveys import Survey

STEPS = 5
"""Ways to fall short that are named at the top."""

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
        tables=[*audit_tables(audit), *tables(survey)],
        sections=[*this_audit(audit), *sections(survey)],
    )


def _facts(survey: Survey) -> list[tuple[str, str, str]]:
    copies = len(survey.lines)
    good = copies - survey.unproven
    return [
        (f"{survey.items:,}", "items", f"{survey.files:,} files, {human_size(survey.bytes)}"),
        (f"{good:,} of {copies:,}", "copies good", "when they were last checked"),
        (f"{survey.overdue:,}", "checks overdue", "by the interval of their store"),
        (f"{survey.open_incidents:,}", "open incidents", f"{len(survey.incidents):,} failed checks on record"),
    ]


def next_steps(survey: Survey) -> list[tuple[str, str]]:
    """Return what to do now: a sentence and a command each."""
    steps = []
    if survey.unproven:
        steps.append(
            (f"{counted(survey.unproven, 'copy is', 'copies are')} damaged or missing", "archiver repair --dry-run")
        )
    if survey.lost:
        steps.append((f"{counted(survey.lost, 'item has', 'items have')} no good copy left", "archiver repair"))
    if survey.overdue:
        steps.append(
            (f"{counted(survey.overdue, 'copy is', 'copies are')} overdue for a check", "archiver audit --due")
        )
    if survey.shortfalls:
        steps += short_steps(survey)
    elif survey.thin:
        fewer = f"fewer than {survey.wanted_copies} good copies"
        steps.append((f"{counted(survey.thin, 'item has', 'items have')} {fewer}", "archiver replicate --to NAME"))
    return steps


def short_steps(survey: Survey) -> list[tuple[str, str]]:
    """Return what to do where versions fall short of the settings."""
    return [
        (f"{counted(one.number, 'version has', 'versions have')} too few: {in_words(one.lacks)}", one.next)
        for one in survey.shortfalls[:STEPS]
    ]
