"""The NDSA assessment as text, JSON and a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.core.ndsa import LEVELS, Area
from archiver.reports.collection import short_lines
from archiver.reports.pages import shown
from archiver.reports.plain_page import Heading, plain_page
from archiver.reports.records import shortfall, timestamp
from archiver.reports.survey_page import short_steps
from archiver.reports.survey_sections import short_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.ndsa import Assessment, Criterion
    from archiver.core.surveys import Survey


def ndsa_record(assessment: Assessment, survey: Survey) -> dict[str, Any]:
    """Return the assessment; keys are promises (docs/reports.md)."""
    return {
        "report": "ndsa",
        "matrix": "NDSA Levels of Digital Preservation 2.0 (2019)",
        "at": timestamp(survey.at),
        "organisation": survey.organisation,
        "shortfalls": [shortfall(one) for one in survey.shortfalls],
        "levels": {area.value: assessment.level(area) for area in Area},
        "criteria": [
            {
                "id": one.id,
                "area": one.area.value,
                "level": one.level,
                "demand": one.demand,
                "met": one.is_met,
                "declared": one.is_declared,
                "evidence": one.evidence,
                "gap": one.gap,
            }
            for one in assessment.criteria
        ],
    }


def ndsa_json(assessment: Assessment, survey: Survey) -> Iterator[str]:
    """Yield one JSON document."""
    yield json.dumps(ndsa_record(assessment, survey), indent=1) + "\n"


def ndsa_lines(assessment: Assessment, survey: Survey) -> Iterator[str]:
    """Yield the level of each area, and what is missing for the next one."""
    for area in Area:
        level = assessment.level(area)
        yield f"{area.value:<10} level {LEVELS[level]}"
        for one in _next_gaps(assessment, area):
            yield f"    missing for level {one.level}: {one.demand} ({one.id})\n        {one.evidence}\n        next: {one.gap}"
    yield from short_lines(survey)


def _next_gaps(assessment: Assessment, area: Area) -> list[Criterion]:
    wanted = assessment.level(area) + 1
    return [one for one in assessment.criteria if one.area is area and one.level == wanted and not one.is_met]


def ndsa_page(assessment: Assessment, survey: Survey) -> Iterator[str]:
    """Yield the page in pieces."""
    levels = {area: assessment.level(area) for area in Area}
    lowest = min(levels.values())
    gaps = [one for area in Area for one in _next_gaps(assessment, area)]
    heading = Heading(
        title="NDSA levels of preservation",
        sign="✓" if lowest >= 3 else "◑",
        verdict=f"Level {lowest} or better in every area" if lowest else "Level 1 is not reached in every area",
        mood="good" if lowest >= 3 else "thin",
        steps=[*short_steps(survey), *((f"{one.area.value}: {one.demand}", one.gap) for one in gaps[:6])],
        facts=[(f"{level} of 4", area.value, LEVELS[level].lstrip("01234 ")) for area, level in levels.items()],
    )
    sections = [
        {
            "id": area.name.lower(),
            "is_wide": True,
            "is_words": True,
            "title": f"{area.value}: level {levels[area]}",
            "text": "A level is reached when everything asked for it and for the levels below is met.",
            "picture": None,
            "head": ["Level", "Asked", "Met", "Evidence", "Gap", "Criterion"],
            "rows": [
                [
                    str(one.level),
                    one.demand,
                    ("✓ declared" if one.is_declared else "✓ met") if one.is_met else "✕ not met",
                    shown(one.evidence),
                    shown(one.gap),
                    one.id,
                ]
                for one in assessment.criteria
                if one.area is area
            ],
        }
        for area in Area
    ]
    short = short_section(survey)
    yield from plain_page(heading, [*([short] if short else []), *sections], made=survey)
