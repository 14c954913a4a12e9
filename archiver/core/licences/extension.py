"""The extension registry: open licences of others than Creative Commons, in a closed table of their own, off by default."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archiver.core.licences.texts import folded, unwrapped
from archiver.core.licences.tools import parse_tools

if TYPE_CHECKING:
    from archiver.core.licences.tools import Tool


class ExtensionRegistry:
    """A second closed table: exact addresses and exact names with a version, nothing else.

    Attributes:
        tools: In the order of the table.
        sha256: Digest of the table's text, for decision records.
    """

    def __init__(self, text: str) -> None:
        """Read the table.

        Raises:
            ValueError: A column is missing, or a URL is there twice.
        """
        self.tools = parse_tools(text)
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()
        self._by_name: dict[str, Tool] = {}
        for row, tool in zip(csv.DictReader(io.StringIO(text)), self.tools, strict=True):
            names = {tool.identifier, tool.spdx, tool.title, tool.title.replace("License", "Licence")}
            names |= {f"Licence Art Libre {tool.version}", f"{tool.title} ({tool.spdx})"}
            addresses = {_address(url) for url in (tool.url, *row["aliases"].split())}
            self._by_name |= dict.fromkeys({folded(name) for name in names} | addresses, tool)

    def resolve(self, text: str) -> Tool | None:
        """Return the licence that a whole declaration names, or None. Never raises."""
        whole = unwrapped(text)
        return self._by_name.get(folded(whole)) or self._by_name.get(_address(whole))


def _address(url: str) -> str:
    """Return host and path of an http address without a query, or a text that no table holds."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc.isascii():
        return ""
    return f"//{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}/"
