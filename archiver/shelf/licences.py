"""The table of legal tools, checked against its digest before it decides anything."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from archiver.core.errors import CannotRunError
from archiver.core.licences.extension import ExtensionRegistry
from archiver.core.licences.table import LicenceTable, parse_table

OFFICIAL_SHA256 = "c71503b59eb26b6fd5a5a2827daa5a2e66169dd41feccb4a40aafbff4560061b"
"""Of `data/official.csv`: Creative Commons' own table of 2026-01-09 (creativecommons/quantifying, commit 077393b) with the
permissions of creativecommons/cc-legal-tools-app, commit ad03b3e."""


PROVENANCE = (
    "Creative Commons' own table config/cc-legal-tools.csv, copy of 2026-01-09 in creativecommons/quantifying, commit 077393b;"
    " permissions by the rules of creativecommons/cc-legal-tools-app, commit ad03b3e; one SPDX identifier"
    " (CC-BY-NC-3.0-IGO) added from SPDX 3.29"
)
"""Where the table is from."""

EXTENSION_SHA256 = "d94696dda0bac15b245e03e54d6152f9469726326c80f6ea035efb51c5c258be"
"""Of `data/extension.csv`: the Free Art License, after SPDX (LAL-1.2, LAL-1.3) and the Open Definition's list."""


@cache
def licence_table() -> LicenceTable:
    """Return the closed table.

    Raises:
        CannotRunError: The file is not the one that was checked; the gate decides nothing with another.
    """
    content = (resources.files("archiver.shelf") / "data" / "official.csv").read_bytes()
    table = checked_table(content, OFFICIAL_SHA256)
    extension = (resources.files("archiver.shelf") / "data" / "extension.csv").read_bytes()
    _check(extension, EXTENSION_SHA256)
    return LicenceTable(table.tools, table.sha256, ExtensionRegistry(extension.decode("utf-8")))


def official_text() -> str:
    """Return the text of the closed table."""
    return (resources.files("archiver.shelf") / "data" / "official.csv").read_bytes().decode("utf-8")


def licence_schema() -> bytes:
    """Return the JSON Schema of ``metadata/licence.json``."""
    return (resources.files("archiver.shelf") / "data" / "schemas" / "licence-1.json").read_bytes()


def checked_table(content: bytes, sha256: str) -> LicenceTable:
    """Return the table of a file whose digest is known.

    Raises:
        CannotRunError: It is another file.
    """
    _check(content, sha256)
    return parse_table(content.decode("utf-8"))


def _check(content: bytes, sha256: str) -> None:
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise CannotRunError(
            f"the table of legal tools is not the one that was checked: expected SHA-256 {sha256}, actual {actual}",
            next_command="pip install --force-reinstall archiver",
        )
