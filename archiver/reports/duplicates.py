"""Recordings that the archive has more than once: text, JSON, CSV and a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.core.sounds import Sameness
from archiver.reports.pages import shown
from archiver.reports.plain_page import Heading, plain_page
from archiver.reports.survey_data import csv_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.sounds import DuplicateGroup, DuplicateReport, Placed
    from archiver.core.surveys import Survey

SHOWN = 5000
"""Rows of the page; the other forms have all of them."""
WORDS = {
    Sameness.PACKETS: "the same encoded sound",
    Sameness.SAMPLES: "the same lossless sound",
    Sameness.ALIKE: "sounds alike",
}


def duplicate_record(group: DuplicateGroup) -> dict[str, Any]:
    """Return one group; keys are promises (docs/duplicates.md)."""
    return {
        "sameness": group.sameness.value,
        "key": group.key,
        "licences": sorted({one.licence for one in group.members}),
        "recordings": [
            {
                "item": str(one.item),
                "version": one.version,
                "path": one.sound.path,
                "codec": one.sound.codec,
                "seconds": one.sound.seconds,
                "licence": one.licence,
                "verdict": one.sound.verdict.value,
            }
            for one in group.members
        ],
    }


def duplicate_summary(report: DuplicateReport) -> dict[str, Any]:
    """Return the numbers."""
    counts = {kind.value: sum(group.sameness is kind for group in report.groups) for kind in Sameness}
    return {
        "recordings": report.recordings,
        "fingerprints": report.fingerprints,
        "groups": len(report.groups),
        **counts,
    }


def duplicate_json(report: DuplicateReport, made: Survey) -> Iterator[str]:
    """Yield one JSON document."""
    record = {
        "report": "duplicates",
        "at": made.at.isoformat(),
        "organisation": made.organisation,
        "program": made.program,
        **duplicate_summary(report),
        "duplicates": [duplicate_record(group) for group in report.groups],
    }
    yield json.dumps(record, indent=1) + "\n"


def duplicate_csv(report: DuplicateReport, made: Survey) -> Iterator[str]:  # noqa: ARG001 - one signature for every form
    """Yield lines ``group,sameness,key,item,version,path,codec,seconds,licence``."""
    yield csv_line(("group", "sameness", "key", "item", "version", "path", "codec", "seconds", "licence"))
    for number, group in enumerate(report.groups, start=1):
        for one in group.members:
            sound = one.sound
            what = (str(one.item), one.version, sound.path, sound.codec, sound.seconds, one.licence)
            yield csv_line((number, group.sameness.value, group.key, *what))


def duplicate_lines(report: DuplicateReport) -> Iterator[str]:
    """Yield lines for a terminal."""
    for group in report.groups:
        agreement = f" (agreement {group.key})" if group.sameness is Sameness.ALIKE else ""
        warning = "" if len({one.licence for one in group.members}) == 1 else "  UNDER DIFFERENT LICENCES"
        yield f"{WORDS[group.sameness]}{agreement}{warning}"
        yield from (f"    {_line(one)}" for one in group.members)
    yield f"{len(report.groups):,} groups among {report.recordings:,} recordings; {report.fingerprints:,} have a fingerprint"


def _line(one: Placed) -> str:
    seconds = f", {one.sound.seconds:.1f} s" if one.sound.seconds is not None else ""
    return f"{one.item} v{one.version}  {one.sound.path}  {one.sound.codec}{seconds}  {one.licence}"


def duplicate_page(report: DuplicateReport, made: Survey) -> Iterator[str]:
    """Yield the page in pieces."""
    rows = [
        [
            str(number),
            WORDS[group.sameness],
            shown(str(one.item)),
            shown(one.sound.path),
            one.sound.codec,
            shown(one.licence),
        ]
        for number, group in enumerate(report.groups, start=1)
        for one in group.members
    ]
    summary = duplicate_summary(report)
    section = {
        "id": "duplicates",
        "is_wide": True,
        "is_words": True,
        "title": "Recordings that are the same",
        "text": "Nothing is deleted: each item is kept as its source published it."
        + (f" The first {SHOWN:,} of {len(rows):,} recordings." if len(rows) > SHOWN else ""),
        "picture": None,
        "head": ["Group", "In what", "Item", "File", "Codec", "Licence"],
        "rows": rows[:SHOWN],
    }
    heading = Heading(
        title="Duplicates",
        sign="◑" if report.groups else "✓" if report.recordings else "○",
        verdict=f"{len(report.groups):,} recordings are held more than once"
        if report.groups
        else ("No recording is held twice" if report.recordings else "No recording has been examined yet"),
        mood="thin" if report.groups else "good" if report.recordings else "empty",
        steps=[],
        facts=[
            (f"{summary['packets']:,}", "same encoded sound", "other tags"),
            (f"{summary['samples']:,}", "same lossless sound", "other container or codec"),
            (f"{summary['alike']:,}", "sound alike", "by fingerprint"),
            (f"{report.recordings:,}", "examined", "recordings"),
        ],
    )
    yield from plain_page(heading, [section] if rows else [], made=made)
