"""What the collection is made of: text, JSON, CSV and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archiver.core.coverage import in_words
from archiver.core.intervals import human_size
from archiver.reports import overview
from archiver.reports.pages import shown
from archiver.reports.plain_page import Heading, plain_page
from archiver.reports.survey_data import csv_line, summary
from archiver.reports.survey_page import short_steps
from archiver.reports.survey_sections import collection_sections, ranking, short_section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.surveys import Survey

NAMED = 10
"""Versions of each shortfall that are named for people; the machine output names all."""
KEYS = (
    "at",
    "organisation",
    "program",
    "items",
    "files",
    "bytes",
    "copies_total",
    "shortfalls",
    "licences",
    "sources",
    "sizes",
    "growth",
)


def collection_record(survey: Survey, formats: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Return the collection; keys are promises (docs/reports.md)."""
    numbers = summary(survey)
    return {
        "report": "collection",
        **{key: numbers[key] for key in KEYS},
        "formats": [{"ending": name, "files": files, "bytes": bytes_} for name, (files, bytes_) in formats.items()],
        "stores": [
            {"store": one["store"], "copies": one["copies"], "bytes": one["bytes"]} for one in numbers["stores"]
        ],
    }


def collection_json(survey: Survey, formats: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Yield one JSON document."""
    yield json.dumps(collection_record(survey, formats), indent=1) + "\n"


def collection_csv(survey: Survey, formats: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Yield lines ``what,name,number,bytes``."""
    yield csv_line(("what", "name", "number", "bytes"))
    for what, entries in (("licence", survey.licences), ("source", survey.sources), ("held at end of", survey.growth)):
        for name, items, bytes_ in entries:
            yield csv_line((what, name, items, bytes_))
    for name, (files, bytes_) in formats.items():
        yield csv_line(("ending", name, files, bytes_))
    for one in survey.shortfalls:
        yield csv_line(("too few copies", in_words(one.lacks), one.number, ""))
    for name, number in survey.sizes:
        yield csv_line(("size of an item", name, number, ""))


def collection_lines(survey: Survey, formats: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Yield lines for a terminal."""
    yield f"{survey.items:,} items, {survey.files:,} files, {human_size(survey.bytes)}, {len(survey.lines):,} copies"
    for title, entries in (("licences", survey.licences), ("sources", survey.sources)):
        yield f"{title}:"
        for name, items, bytes_ in entries:
            yield f"  {items:>9,}  {human_size(bytes_):>10}  {name}"
    yield "formats, by the ending of the name:"
    for name, (files, bytes_) in formats.items():
        yield f"  {files:>9,}  {human_size(bytes_):>10}  {name}"
    yield "sizes:"
    for name, number in survey.sizes:
        yield f"  {number:>9,}  {name}"
    yield from short_lines(survey)


def short_lines(survey: Survey) -> Iterator[str]:
    """Yield what falls short of the settings, the first versions named."""
    for one in survey.shortfalls:
        yield from overview.shortfalls((replace(one, versions=one.versions[:NAMED]),))


def collection_page(survey: Survey, formats: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    """Yield the page in pieces."""
    kinds = tuple((name, files, bytes_) for name, (files, bytes_) in formats.items())
    sections = [
        short_section(survey),
        *collection_sections(survey),
        ranking("formats", "Formats", "Ending", kinds, "Files by the ending of their names.", unit="files"),
        ranking("sources", "Sources", "Source", survey.sources, "Where the items come from."),
    ]
    heading = Heading(
        title="The collection",
        sign="♪" if survey.items else "○",
        verdict=f"{survey.items:,} items are held" if survey.items else "The archive holds nothing yet",
        mood="good" if survey.items else "empty",
        steps=short_steps(survey),
        facts=[
            (f"{survey.items:,}", "items", f"{len(survey.lines):,} copies"),
            (f"{survey.files:,}", "files", f"{len(formats):,} kinds of name"),
            (human_size(survey.bytes), "size", "one copy counted"),
            (f"{len(survey.licences):,}", "licences", shown(survey.licences[0][0]) if survey.licences else ""),
        ],
    )
    yield from plain_page(heading, [one for one in sections if one is not None], made=survey)
