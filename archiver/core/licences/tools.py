"""The closed table of legal tools: 636 licences and 3 public domain tools of Creative Commons."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver.core.licences.texts import folded

if TYPE_CHECKING:
    from archiver.core.licences.extension import ExtensionRegistry

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


class LicenceTable:
    """The tools, and the ways to look one up. Immutable after it is made.

    Attributes:
        tools: In the order of the table.
        sha256: Digest of the table's text, for decision records.
        extension: Licences of others, asked only under a policy that switches them on.
    """

    def __init__(self, tools: tuple[Tool, ...], sha256: str, extension: ExtensionRegistry | None = None) -> None:
        self.tools = tools
        self.extension = extension
        self.sha256 = sha256
        self.by_path = {urlsplit(tool.url).path: tool for tool in tools}
        self.by_parts = {(tool.unit, tool.version, tool.jurisdiction): tool for tool in tools}
        self.units = frozenset(tool.unit for tool in tools)
        self.jurisdictions = frozenset(tool.jurisdiction for tool in tools)

    @cached_property
    def by_name(self) -> dict[str, Tool | None]:
        """Official identifiers, SPDX identifiers and titles, folded; None where several tools share a name."""
        names: dict[str, Tool | None] = {}
        for tool in self.tools:
            own = {folded(name) for name in (tool.identifier, tool.spdx, tool.title) if name}
            own |= {name.removesuffix(" generic") for name in own}
            own |= {name.replace("sampling plus", "sampling+") for name in own}
            for name in own | {re.sub(" ?- ?", "-", name) for name in own}:
                names[name] = tool if names.get(name, tool) is tool else None
        return names


def parse_table(text: str) -> LicenceTable:
    """Read the table from CSV.

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
    return LicenceTable(tools, hashlib.sha256(text.encode()).hexdigest())
