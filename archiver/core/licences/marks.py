"""Licence names and URLs in a running text, each put as one character, so that the sentences around them can be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import ReasonCode
from archiver.core.licences.names import resolve_name
from archiver.core.licences.texts import folded
from archiver.core.licences.urls import resolve_url

if TYPE_CHECKING:
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

_URL = re.compile(r"(?i)(?:(?:[a-z][a-z0-9+.-]{1,12}:)?//|(?<![\w.@/-])(?:www\.)?creativecommons\.org/)[^\s<>\"]+")
_NAME_START = re.compile(
    r"(?i)(?<![\w/.-])(?:cc0|cc[ -]?(?=by|nc|nd|sa|zero|0|pdm|sampling|pddc|attribution|devnations)|creative[ ]commons|attribution(?=[ -])|public[ ]domain[ ]mark|pdm(?=[ -]1))"
)
_LONGEST_NAME_WORDS = 12


TOOL = "\ue000"
"""Stands for a resolved tool in a text whose names and URLs were taken out."""
PLACE = "\ue001"
"""Stands for any other URL."""
UNRESOLVED = "\ue002"
"""Stands for a licence name or URL that is none of the table."""
_LESS = "\ue004"
"""Stands for a licence name without a version, until it is known whether the text names the tool as well."""


def mark(text: str, table: LicenceTable) -> tuple[str, list[Tool]]:
    """Put one character for each URL and each licence name, so that the sentences around them can be read."""
    tools: list[Tool | str] = []

    def url(match: re.Match[str]) -> str:
        found, tail = _trimmed(match[0])
        answer = resolve_url(found, table)
        if answer.tool is not None:
            tools.append(answer.tool)
            return f"{TOOL}{tail}"
        is_claim = "creativecommons" in found.lower() or "/licen" in found.lower() or not found.isascii()
        return f"{UNRESOLVED if is_claim else PLACE}{tail}"

    return _settled(_mark_names(_URL.sub(url, text), tools, table), tools)


def _settled(marked: str, named: list[Tool | str]) -> tuple[str, list[Tool]]:
    """Let a name without a version stand for the one tool that the same text names; else it is unresolved."""
    tools = [one for one in named if not isinstance(one, str)]
    units = {one for one in named if isinstance(one, str)}
    if not units:
        return marked, tools
    distinct = {tool.url: tool for tool in tools}
    if len(distinct) == 1 and units == {tools[0].unit}:
        return marked.replace(_LESS, TOOL), [tools[0]] * len(named)
    return marked.replace(_LESS, UNRESOLVED), tools


def _trimmed(url: str) -> tuple[str, str]:
    """Split the punctuation of the sentence off a URL's end."""
    end = len(url)
    while end and (url[end - 1] in ".,;:!'\u201d" or (url[end - 1] == ")" and "(" not in url[:end])):
        end -= 1
    return url[:end], url[end:]


def _mark_names(text: str, tools: list[Tool | str], table: LicenceTable) -> str:
    """Replace each licence name, the longest that resolves at each place."""
    pieces: list[str] = []
    position = 0
    while match := _NAME_START.search(text, position):
        start = match.start()
        tool, end, is_claim = _longest_name(text, start, table)
        pieces.append(text[position:start])
        position = end
        if tool is not None:
            # Keep the tools in the order of the text: those of URLs before this place come first.
            index = sum(piece.count(TOOL) + piece.count(_LESS) for piece in pieces)
            tools.insert(index, tool)
            pieces.append(_LESS if isinstance(tool, str) else TOOL)
        elif is_claim:
            pieces.append(UNRESOLVED)
        else:
            pieces.append(text[start:end])
    return "".join(pieces) + text[position:]


def _longest_name(text: str, start: int, table: LicenceTable) -> tuple[Tool | str | None, int, bool]:
    """Return what the longest name that begins here names, where it ends, and whether it is a name that names nothing.

    A name without a version names its unit only.
    """
    ends = [start + match.end() for match in re.finditer(r"\S+", text[start : start + 160])][:_LONGEST_NAME_WORDS]
    less: tuple[str, int] | None = None
    for end in reversed(ends):
        candidate = text[start:end]
        if TOOL in candidate or PLACE in candidate or UNRESOLVED in candidate:
            continue
        stripped = candidate.rstrip(" .,;:!)\"'-\u2013\u2014")
        answer = resolve_name(stripped, table)
        if answer.tool is not None:
            return answer.tool, start + len(stripped), False
        if less is None and answer.reason is ReasonCode.VERSIONLESS:
            less = answer.unit, start + len(stripped)
    if less is not None and not text[start : start + 60].lower().startswith(
        ("attribution ", "attribution.", "attribution,")
    ):
        return less[0], less[1], False
    first = ends[0] if ends else start + 1
    words = folded(text[start : start + 60])
    is_bare = (
        re.match(r"creative commons(?![ :-]+(?:attribution|by\b|zero|0|non|share|no[ -]?deriv))", words) is not None
    )
    is_plain_word = words.startswith("attribution") and resolve_name(text[start : start + 60], table).unit == ""
    end = start + len("creative commons") if words.startswith("creative commons") else first
    return None, min(end, len(text)), not is_bare and not is_plain_word


def prose_of(marked: str) -> str:
    """Return a marked text without its marks."""
    return re.sub("[\ue000-\ue004]", " ", marked)
