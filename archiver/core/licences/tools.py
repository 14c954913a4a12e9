"""One legal tool, such as a licence in one version for one jurisdiction, and how a table of them is read."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

HOST = "creativecommons.org"


@dataclass(frozen=True, slots=True)
class Tool:
    """One legal tool, as Creative Commons manages it.

    Attributes:
        url: Canonical URL.
        unit: For example ``by-nc-sa``.
        version: For example ``3.0``.
        jurisdiction: Code of the port, or empty for the unported, generic or international text.
        spdx: SPDX identifier, or empty.
        commercial: ``true``, ``false`` or ``partial``; only ``true`` allows.
        derivatives: The same.
        verbatim_sharing: ``yes``, ``noncommercial``, ``no`` or ``developing-nations-only``.
        instrument: ``licence``, ``waiver-with-fallback-licence``, ``label-only`` or ``dedication-or-certification``.
        status: ``current``, ``older-version`` or ``retired``.
        identifier: For example ``CC BY-SA 3.0 US``.
        title: The official title, in the language of the port.
    """

    url: str
    unit: str
    version: str
    jurisdiction: str
    spdx: str
    commercial: str
    derivatives: str
    verbatim_sharing: str
    instrument: str
    status: str
    identifier: str
    title: str

    @property
    def lets_anyone_copy(self) -> bool:
        """Tell whether anyone, anywhere, may share the whole work at least non-commercially."""
        return self.verbatim_sharing in {"yes", "noncommercial"}

    @property
    def is_licence(self) -> bool:
        """Tell a licence from a public domain tool, which licenses nothing."""
        return self.instrument == "licence"

    def to_json(self) -> dict[str, Any]:
        """Return what `archiver licence list` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


def parse_tools(text: str) -> tuple[Tool, ...]:
    """Read the legal tools of a table in CSV, in the order of the table.

    Raises:
        ValueError: A column is missing, or a URL is there twice.
    """
    rows = csv.DictReader(io.StringIO(text))
    try:
        tools = tuple(
            Tool(
                url=row["url"],
                unit=row["unit"],
                version=row["version"],
                jurisdiction=row["jurisdiction"],
                spdx=row["spdx"],
                commercial=row["commercial_use_allowed"],
                derivatives=row["derivatives_allowed"],
                verbatim_sharing=row["verbatim_sharing"],
                instrument=row["instrument"],
                status=row["status"],
                identifier=row["identifier"],
                title=row["title"],
            )
            for row in rows
        )
    except KeyError as error:
        raise ValueError(f"the table of legal tools has no column {error}") from error
    if len({tool.url for tool in tools}) != len(tools):
        raise ValueError("the table of legal tools has a URL twice")
    return tools
