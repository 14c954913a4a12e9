"""`metadata/technical.json`: what is known of each file's format.

Each statement names who makes it. Today that is the source alone; what our own examination finds is added beside it,
under its own name, and never mixed with what was only declared.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.packages import CapturedFile

VERSION = 1


def technical_record(files: Iterable[CapturedFile]) -> bytes:
    """Return the record as JSON in UTF-8, with one entry for each payload file in the order given."""
    entries = [
        {
            "path": f"data/{file.path}",
            "bytes": file.staged.size,
            "declared": {"by": "source", "format": file.declared.format, **_without_format(file)},
        }
        for file in files
    ]
    return (json.dumps({"version": VERSION, "files": entries}, indent=1) + "\n").encode()


def _without_format(file: CapturedFile) -> dict[str, str]:
    return {label: value for label, value in file.declared.facts if label not in {"by", "format"}}
