"""Smaller reports as one page: a heading, a verdict, sections with tables. The same style and rules as the large one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.reports.pages import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands at the top.

    Attributes:
        title: Of the report.
        sign: One character that means the verdict.
        verdict: One sentence.
        mood: ``good``, ``thin`` or ``empty``: the colour of the mark.
        steps: What to do now: a sentence and a command each.
        facts: Number, name and note of each key figure.
    """

    title: str
    sign: str
    verdict: str
    mood: str
    steps: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str, str]]


def plain_page(heading: Heading, sections: Sequence[dict[str, Any]], *, made: Any) -> Iterator[str]:
    """Yield the page in pieces; `made` is the survey it comes from (organisation, moment, program)."""
    yield from rendered(
        survey=made,
        title=heading.title,
        verdict=(heading.sign, heading.verdict),
        mood=heading.mood,
        steps=heading.steps,
        calm="",
        facts=heading.facts,
        tables=[],
        sections=sections,
    )
