"""The closed table of legal tools: 636 licences and 3 public domain tools of Creative Commons."""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archiver.core.licences.texts import folded
from archiver.core.licences.tools import parse_tools

if TYPE_CHECKING:
    from archiver.core.licences.extension import ExtensionRegistry
    from archiver.core.licences.tools import Tool


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
    return LicenceTable(parse_tools(text), hashlib.sha256(text.encode()).hexdigest())
