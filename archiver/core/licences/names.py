"""The name resolver: anchored full matches of official names; a version is needed, nothing is looked for inside a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import ReasonCode
from archiver.core.licences.texts import folded, unwrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

LONGEST = 200
"""Characters; the longest official title has 96."""

PLACES = {
    "ar": ("argentina",),
    "am": ("armenia",),
    "at": ("austria",),
    "au": ("australia",),
    "az": ("azerbaijan",),
    "be": ("belgium",),
    "bg": ("bulgaria",),
    "br": ("brazil",),
    "ca": ("canada",),
    "ch": ("switzerland",),
    "cl": ("chile",),
    "cn": ("china mainland", "mainland china", "china"),
    "co": ("colombia",),
    "cr": ("costa rica",),
    "cz": ("czech republic",),
    "de": ("germany",),
    "dk": ("denmark",),
    "ec": ("ecuador",),
    "ee": ("estonia",),
    "eg": ("egypt",),
    "es": ("spain",),
    "fi": ("finland",),
    "fr": ("france",),
    "ge": ("georgia",),
    "gr": ("greece",),
    "gt": ("guatemala",),
    "hk": ("hong kong",),
    "hr": ("croatia",),
    "hu": ("hungary",),
    "ie": ("ireland",),
    "igo": ("igo", "intergovernmental organization", "intergovernmental organizations"),
    "il": ("israel",),
    "in": ("india",),
    "it": ("italy",),
    "jp": ("japan",),
    "kr": ("korea", "south korea"),
    "lu": ("luxembourg",),
    "mk": ("macedonia", "north macedonia"),
    "mt": ("malta",),
    "mx": ("mexico",),
    "my": ("malaysia",),
    "nl": ("netherlands", "the netherlands"),
    "no": ("norway",),
    "nz": ("new zealand",),
    "pe": ("peru",),
    "ph": ("philippines",),
    "pl": ("poland",),
    "pr": ("puerto rico",),
    "pt": ("portugal",),
    "ro": ("romania",),
    "rs": ("serbia",),
    "scotland": ("uk: scotland", "scotland"),
    "se": ("sweden",),
    "sg": ("singapore",),
    "si": ("slovenia",),
    "th": ("thailand",),
    "tw": ("taiwan",),
    "ug": ("uganda",),
    "uk": ("uk: england & wales", "uk: england and wales", "uk: england", "england & wales", "england and wales"),
    "us": ("united states", "united states of america"),
    "ve": ("venezuela",),
    "vn": ("vietnam",),
    "za": ("south africa",),
}
"""English names of the ports; ``uk: england`` is what the Free Music Archive keeps of ``UK: England & Wales``."""

_PLACE_OF = {name: code for code, names in PLACES.items() for name in names}
_UNPORTED = {
    "1.0": {"generic"},
    "2.0": {"generic"},
    "2.5": {"generic"},
    "3.0": {"unported", "international"},
    "4.0": {"international"},
}
_ELEMENTS = {
    ("attribution",): "by",
    ("noncommercial",): "nc",
    ("non", "commercial"): "nc",
    ("sharealike",): "sa",
    ("share", "alike"): "sa",
    ("noderivs",): "nd",
    ("no", "derivs"): "nd",
    ("noderivatives",): "nd",
    ("no", "derivatives"): "nd",
    ("no", "derivative", "works"): "nd",
    ("noderivativeworks",): "nd",
}
_CODES = {"by", "nc", "nd", "sa", "sampling", "sampling+", "devnations"}
_VERSION = re.compile(r"\d{1,2}\.\d{1,2}")
_BRACKETED = re.compile(r" \((\d{1,2}\.\d{1,2})\)$")
"""ccMixter writes ``Attribution (3.0)``."""
_SAMPLING = {"sampling plus": "sampling+", "noncommercial sampling plus": "nc-sampling+"}
"""ccMixter's names without a version; the address beside them tells which."""
_LICENCE_WORD = re.compile(r" (?:public )?licen[cs]e$")
_AKA = " (aka music sharing)"
_ZERO = {
    "cc0", "cc 0", "cc-0", "cc-zero", "cc zero", "cc0 1.0", "cc0-1.0", "cc-zero-1.0", "cc zero 1.0", "cc0 1.0 universal",
    "cc0 1.0 universal public domain dedication", "cc0 1.0 universal (cc0 1.0) public domain dedication",
    "cc0 1.0 universal (cc0 1.0)", "cc0 universal", "creative commons 0", "creative commons 0 1.0", "creative commons zero",
    "creative commons zero 1.0", "creative commons zero 1.0 universal", "creative commons zero v1.0 universal",
    "creative commons cc0", "creative commons cc0 1.0", "creative commons cc0 1.0 universal",
    "creative commons cc0 1.0 universal public domain dedication", "creative commons zero (cc0)", "creative commons zero, cc0",
    "creative commons 0 (cc0)", "zero 1.0 universal", "creative commons cc0 universal",
    "creative commons zero public domain dedication", "creative commons zero, public domain dedication", "cc0 public domain dedication", "cc0 1.0 public domain dedication",
}  # fmt: skip
_MARK = {
    "public domain mark 1.0", "public domain mark", "pdm", "pdm 1.0", "pdm-1.0", "cc pdm", "cc pdm 1.0", "cc-pdm-1.0", "cc pdm-1.0",
    "creative commons public domain mark", "creative commons public domain mark 1.0", "public domain mark 1.0 universal",
    "cc public domain mark 1.0", "cc public domain mark",
}  # fmt: skip

_DEDICATION = {
    "creative commons public domain dedication and certification",
    "copyright-only dedication (based on united states law) or public domain certification",
}
_SINGLE = (
    (_ZERO, "/publicdomain/zero/1.0/"),
    (_MARK, "/publicdomain/mark/1.0/"),
    (_DEDICATION, "/publicdomain/certification/1.0/us/"),
)
"""Tools of a single version, and the names that need none."""


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """What a name resolves to.

    Attributes:
        tool: The legal tool, or None.
        reason: Why.
        unit: The unit it names where no single tool can be told.
        version: The version it names then.
    """

    tool: Tool | None
    reason: ReasonCode
    unit: str = ""
    version: str = ""


NOTHING = NameAnswer(None, ReasonCode.UNRESOLVED_LICENCE_FIELD)


def resolve_name(text: str, table: LicenceTable) -> NameAnswer:
    """Resolve a whole text as the name of a tool. Never raises."""
    if len(text) > LONGEST * 2:
        return NOTHING
    name = _BRACKETED.sub(r" \1", _LICENCE_WORD.sub("", folded(unwrapped(text))))
    if not name or len(name) > LONGEST:
        return NOTHING
    for names, path in _SINGLE:
        if name in names:
            return NameAnswer(table.by_path[path], ReasonCode.OK_NAME)
    unit = _SAMPLING.get(name)
    if unit:
        return NameAnswer(None, ReasonCode.VERSIONLESS, unit)
    bare = name.removeprefix("creative commons ")
    for candidate in (name, bare, re.sub(" ?- ?", "-", bare)):
        tool = table.by_name.get(candidate)
        if tool is not None:
            return NameAnswer(tool, ReasonCode.OK_NAME)
    return _with_repetition(name, table)


def _with_repetition(name: str, table: LicenceTable) -> NameAnswer:
    """Resolve ``Attribution 4.0 International (CC BY 4.0)``: both names must be those of one tool."""
    outer, bracket, inner = name.replace(_AKA, "").partition(" (")
    if not bracket:
        return _parsed(name, table)
    first, second = _parsed(_LICENCE_WORD.sub("", outer), table), _parsed(inner.removesuffix(")"), table)
    if first.tool is not None and first.tool is second.tool:
        return first
    return NOTHING if _AKA not in name else _parsed(name, table)


def _parsed(name: str, table: LicenceTable) -> NameAnswer:  # noqa: C901, PLR0911 - the rules in their order
    is_music_sharing = _AKA in name
    prefix, rest = _prefix(name.replace(_AKA, ""))
    words = [word for word in re.split(r"[ -]+", rest) if word]
    unit, rest_words, is_code = _unit(words)
    if not unit or (is_code and not prefix):
        return NOTHING
    if is_music_sharing and unit != "by-nc-nd":
        return NOTHING
    if not rest_words:
        return NameAnswer(None, ReasonCode.VERSIONLESS, unit) if unit in table.units else NOTHING
    version, place_words = rest_words[0], rest_words[1:]
    if not _VERSION.fullmatch(version):
        return NOTHING
    jurisdiction = _jurisdiction(place_words, version, table)
    if jurisdiction is None:
        return NOTHING
    if (unit, version, jurisdiction) in {("by-nc-nd", "1.0", ""), ("nc-nd", "1.0", "")}:
        unit = {"by-nc-nd": "by-nd-nc", "nc-nd": "nd-nc"}[unit]  # 1.0 has the elements in the other order
    if place_words == ["migrated"] and (unit, version) != ("by-sa", "3.0"):
        return NOTHING
    tool = table.by_parts.get((unit, version, jurisdiction))
    if tool is not None and tool.is_licence:
        return NameAnswer(tool, ReasonCode.OK_NAME)
    return NameAnswer(None, ReasonCode.NONEXISTENT_TOOL, unit, version)


def _prefix(name: str) -> tuple[str, str]:
    """Split off ``cc`` or ``creative commons``."""
    match = re.match(r"(cc|creative commons)(?:: by(?= attribution)|[:,])?[ -]+(?=.)", name)
    if not match:
        return "", name
    rest = name[match.end() :]
    return match[1], re.sub(r"^cc[ -](?=.)", "", rest) if match[1] == "creative commons" else rest


def _unit(words: Sequence[str]) -> tuple[str, list[str], bool]:
    """Read the elements at the beginning; return the unit, the words behind it, and whether it was written in codes."""
    codes: list[str] = []
    rest = list(words)
    while rest and rest[0] in _CODES:
        codes.append(rest.pop(0))
    if codes:
        return "-".join(codes), rest, True
    while rest:
        for length in (3, 2, 1):
            code = _ELEMENTS.get(tuple(rest[:length]))
            if code and len(rest) >= length:
                codes.append(code)
                del rest[:length]
                break
        else:
            break
    return "-".join(codes), rest, False


def _jurisdiction(words: Sequence[str], version: str, table: LicenceTable) -> str | None:
    """Return the code of a place, empty for none, or None where the words are no place."""
    text = " ".join(words)
    if not text or text in _UNPORTED.get(version, set()) or text == "migrated":
        return ""
    if text in table.jurisdictions:
        return text
    return _PLACE_OF.get(text)
