"""Texts that let the reader choose one of several licences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.core.licences.grants import NEGATION, WRONG_OBJECT
from archiver.core.licences.marks import UNRESOLVED, prose_of
from archiver.core.licences.names import resolve_name

if TYPE_CHECKING:
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

_CHOICE = re.compile(
    r"\b(?:of your choice|at your (?:choice|option)|whichever you (?:prefer|like)|you (?:may|can) (?:choose|select|pick)|choose (?:one|either)|either)\b",
    re.IGNORECASE,
)
_MULTI = re.compile(r"\b(?:dual|multi|multiple|tri|triple|double)[ -]?licen[cs]ed?\b", re.IGNORECASE)
_OTHER_OPEN = re.compile(
    r"\b(?:gfdl|gnu free documentation licen[cs]e|free art licen[cs]e|licen[cs]e art libre|gpl|lgpl)(?:[ ]v?\d(?:\.\d)?)?(?:\+|[ ]or[ ]later)?",
    re.IGNORECASE,
)

_EXPRESSION = re.compile(r"\(?[A-Za-z0-9.+-]{3,60}(?: OR [A-Za-z0-9.+-]{3,60}){1,8}\)?")
_OTHER_SPDX = re.compile(r"(?:GFDL|LAL|GPL|LGPL|AGPL|OGL|MIT|Apache|BSD|EUPL|MPL)(?:-[A-Za-z0-9.+-]+)?")


def chosen(marked: str, tools: list[Tool]) -> Tool | None:
    """Return the one tool of the table among licences that a text lets the reader choose from."""
    if len({tool.url for tool in tools}) != 1 or UNRESOLVED in marked:
        return None
    if not (_CHOICE.search(marked) and (_MULTI.search(marked) or _OTHER_OPEN.search(marked))):
        return None
    prose = _CHOICE.sub(" ", _MULTI.sub(" ", _OTHER_OPEN.sub(" ", prose_of(marked))))
    if NEGATION.search(prose) or WRONG_OBJECT.search(prose) or "?" in prose:
        return None
    return tools[0]


def expressed(text: str, table: LicenceTable) -> Tool | None:
    """Return the one tool of an SPDX expression whose ``OR`` lets the reader choose among open licences."""
    if not _EXPRESSION.fullmatch(text):
        return None
    answers = [(one, resolve_name(one, table).tool) for one in text.strip("()").split(" OR ")]
    tools = [tool for _, tool in answers if tool is not None]
    others = [one for one, tool in answers if tool is None]
    return tools[0] if len(tools) == 1 and all(_OTHER_SPDX.fullmatch(one) for one in others) else None
