"""What is held under which licence: text, JSON and CSV."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archiver.reports.survey_data import csv_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.licence_survey import LicenceSurvey


def licence_lines(survey: LicenceSurvey) -> Iterator[str]:
    """Yield lines for a terminal."""
    groups = (("tool", survey.tools), ("use", survey.uses), ("policy would admit", survey.policies))
    for title, amounts in groups:
        yield f"by {title}"
        for key, amount in amounts.items():
            yield f"  {amount.items:>9} items {amount.files:>9} files {amount.bytes:>16} bytes  {key}"
    if survey.policy:
        yield f"under {survey.policy} {survey.excluded.items} of {survey.total.items} held items would not be admitted:"
        yield from (f"  {item}  {licence}" for item, licence in survey.named)
        yield "nothing is deleted: a policy decides what comes in"


def licence_json(survey: LicenceSurvey) -> Iterator[str]:
    """Yield one JSON document."""
    record = {
        **survey.to_json(),
        "not_admitted": [{"item": item, "licence": licence} for item, licence in survey.named],
    }
    yield json.dumps(record, indent=1) + "\n"


def licence_csv(survey: LicenceSurvey) -> Iterator[str]:
    """Yield lines ``by,key,items,files,bytes``."""
    yield csv_line(("by", "key", "items", "files", "bytes"))
    for by, amounts in (("tool", survey.tools), ("use", survey.uses), ("policy", survey.policies)):
        for key, one in amounts.items():
            yield csv_line((by, key, one.items, one.files, one.bytes))
    if survey.policy:
        one = survey.excluded
        yield csv_line(("not admitted", survey.policy, one.items, one.files, one.bytes))
