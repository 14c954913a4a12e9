"""`metadata/technical.json`: what is known of each file's format.

Each statement names who makes it. What the source declared stands under ``declared``, what examining the bytes found under
``examined``, and neither is mixed with the other. `docs/technical-metadata.md` maps it to the standards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.records import format_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.examinations import Examination
    from archiver.core.packages import CapturedFile

PATH = "metadata/technical.json"
VERSION = 2


def technical_record(files: Iterable[CapturedFile], examined: Mapping[str, Examination]) -> bytes:
    """Return the record as JSON in UTF-8, with one entry for each payload file in the order given.

    The same bytes examined by the same tools give the same record: no time and nothing of a machine is in it.

    Args:
        files: Captured, in payload order.
        examined: What examining found, by path below ``data/``; files that were not examined are not in it.
    """
    entries = []
    for file in files:
        path = str(file.path)
        entry = {
            "path": f"data/{path}",
            "bytes": file.staged.size,
            "declared": {"by": "source", "format": file.declared.format, **_without_format(file)},
        }
        if path in examined:
            found = examined[path].to_json()
            del found["file"]
            entry["examined"] = found
        entries.append(entry)
    return format_record({"version": VERSION, "files": entries}, is_ascii=True)


def _without_format(file: CapturedFile) -> dict[str, str]:
    return {label: value for label, value in file.declared.facts if label not in {"by", "format"}}
