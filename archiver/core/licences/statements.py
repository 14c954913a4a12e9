"""The sentence grammar: what a text grants, keeps or merely mentions.

A small closed set of sentences grants. A negation, a question, a condition, a second tool or another object than the
recording takes a grant away. A reservation counts wherever it stands.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.licences.choices import chosen, expressed
from archiver.core.licences.evidence import Polarity, ReasonCode
from archiver.core.licences.grants import NEGATION, granted_in, sentences_of
from archiver.core.licences.marks import TOOL, UNRESOLVED, mark, prose_of
from archiver.core.licences.markup import without_markup
from archiver.core.licences.reservations import reserves

if TYPE_CHECKING:
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

LONGEST_STATEMENT = 20_000
"""Characters that are read as sentences; a longer text grants nothing. Reservations are looked for in all of it."""


_LETTER = re.compile(
    r"(?i),?\s+or,?\s+send\s+a\s+letter\s+to:?\s+creative\s+commons,?\s+(?:po\s+box\s+1866|171\s+(?:second|2nd)\s+street|444\s+castro\s+street|559\s+nathan\s+abbott\s+way|543\s+howard\s+street)"
    r"(?:,?\s+(?:suite\s+\d{3}|5th\s+floor))?,?\s+(?:mountain\s+view|san\s+francisco|stanford),?\s+ca(?:lifornia)?,?\s+\d{5},?\s+usa"
)
"""The end of the chooser's longest sentence: the postal addresses that Creative Commons has had."""

_CLAIM = re.compile(
    r"(?i)creative[ -]?commons|\bcc[ -]?(?:by|0|zero)\b|public[ -]?domain|licen[cs]|copyleft|royalty[ -]free|no[ ]known[ ]copyright|\bgfdl\b|no[ -]rights[ -]reserved"
)
_PUBLIC_DOMAIN = re.compile(r"(?i)\bpublic[ -]?domain\b|not_in_copyright|\bpd-")

_DENIAL = re.compile(
    r"(?i)\b(?:not|isn't|isnt|aren't|never|no\s+longer|wrongly|incorrectly|falsely|mistake\w*|revoked|withdrawn|formerly|previously|nicht|kein\w*|niet|pas)\b"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a text says of rights.

    Attributes:
        polarity: Grant, reserve, neutral, opaque or mention.
        reason: Why.
        tool: The tool granted or mentioned, or None.
    """

    polarity: Polarity
    reason: ReasonCode
    tool: Tool | None = None


def denies(text: str, table: LicenceTable) -> bool:
    """Tell whether a sentence that speaks of a licence denies it."""
    marked, _ = mark(" ".join(text[:LONGEST_STATEMENT].split()), table)
    return any(
        _DENIAL.search(prose_of(sentence)) is not None
        for sentence in sentences_of(marked)
        if any(mark in sentence for mark in (TOOL, UNRESOLVED)) or _CLAIM.search(sentence)
    )


def read_statement(text: str, table: LicenceTable) -> Statement:  # noqa: C901, PLR0911 - the rules in their order
    """Read a text of one or more sentences. Never raises; its time grows with the length of the text alone."""
    conflict: ReasonCode | None = None
    if len(text) > LONGEST_STATEMENT:
        return _without_grant(text, is_claim=True)
    if "<" not in text and "&lt;" in text:
        text = html.unescape(text)
    if "<" in text:
        text, conflict = without_markup(text, table)
    plain = _LETTER.sub("", " ".join(text.split()))
    marked, tools = mark(plain, table)
    granted, mentioned, refused = granted_in(marked, tools)
    distinct = {tool.url for tool in granted}
    if reserves(prose_of(marked)):
        if tools and refused not in {ReasonCode.WRONG_OBJECT, ReasonCode.NEGATED}:
            return Statement(Polarity.OPAQUE, ReasonCode.CONFLICT_RESERVED, tools[0])
        return Statement(Polarity.RESERVE, ReasonCode.RESERVED)
    if conflict is not None or len(distinct | {tool.url for tool in mentioned}) > 1:
        return Statement(Polarity.OPAQUE, conflict or ReasonCode.CONFLICT_TOOLS)
    choice = chosen(marked, tools) or expressed(plain, table)
    if choice is not None:
        return Statement(Polarity.GRANT, ReasonCode.OK_CHOICE, choice)
    if granted and refused is None and not mentioned and UNRESOLVED not in marked:
        return Statement(Polarity.GRANT, ReasonCode.OK_SENTENCE, granted[0])
    if tools:
        return Statement(Polarity.MENTION, refused or ReasonCode.MENTION_ONLY, tools[0])
    if UNRESOLVED in marked:
        return Statement(Polarity.OPAQUE, ReasonCode.UNRESOLVED_LICENCE_FIELD)
    return _without_grant(plain, is_claim=_CLAIM.search(plain) is not None)


def _without_grant(text: str, *, is_claim: bool) -> Statement:
    if reserves(text):
        return Statement(Polarity.RESERVE, ReasonCode.RESERVED)
    if _PUBLIC_DOMAIN.search(text):
        return Statement(Polarity.OPAQUE, ReasonCode.PD_TEXT)
    if is_claim:
        negated = NEGATION.search(text) is not None
        return Statement(Polarity.OPAQUE, ReasonCode.NEGATED if negated else ReasonCode.UNRESOLVED_LICENCE_FIELD)
    return Statement(Polarity.NEUTRAL, ReasonCode.NO_LICENCE)
