"""A survey for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.intervals import human_size
from archiver.reports.survey_page import VERDICTS, next_steps
from archiver.reports.survey_sections import forecast_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.surveys import Survey


def survey_lines(survey: Survey) -> Iterator[str]:
    """Yield the verdict, what to do now, and a line for each store."""
    yield f"{VERDICTS[survey.verdict][1]}."
    yield f"{survey.items:,} items, {survey.files:,} files, {human_size(survey.bytes)}, {len(survey.lines):,} copies"
    for grade, counts in survey.grades:
        if sum(counts):
            yield f"  {grade.label}: {sum(counts):,} copies good"
    for one in survey.forecasts:
        yield (
            f"  {one.plan.name}: {one.copies:,} copies, {one.good:,} good, {one.overdue:,} overdue; {forecast_words(one)}"
        )
    if survey.incidents:
        yield f"  incidents: {len(survey.incidents):,} failed checks on record, {survey.open_incidents:,} open"
    for sentence, command in next_steps(survey):
        yield f"{sentence}\n  next: {command}"
