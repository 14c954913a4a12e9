"""What one declaration proves: a URL, a name, a known statement, or a text of sentences, by the kind of its field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import ANY_UNIT, Evidence, Polarity, ReasonCode
from archiver.core.licences.fields import FieldKind, kind_of
from archiver.core.licences.names import resolve_name
from archiver.core.licences.reservations import restriction_of
from archiver.core.licences.statements import denies, read_statement
from archiver.core.licences.texts import folded, unwrapped
from archiver.core.licences.urls import looks_like_url, resolve_url

if TYPE_CHECKING:
    from archiver.core.licences.evidence import Declaration
    from archiver.core.licences.extension import ExtensionRegistry
    from archiver.core.licences.table import LicenceTable

_RIGHTS_STATEMENT = re.compile(
    r"(?i)https?://(?:www\.)?rightsstatements\.org/(?:vocab|page)/([a-z-]{2,12})/1\.0/?(?:[?#].*)?"
)
_RESERVING_URLS = re.compile(
    r"(?i)https?://(?:www\.)?(?:freemusicarchive\.org/fma[-_]licen[cs]e|europeana\.eu/rights/rr-[fpr])/?(?:[?#].*)?"
)
_BARE_NOTICE = re.compile(
    r"(?i)(?=\(c\)|\(p\)|©|℗|copyright\b|\d{4}\b)(?:(?:\(c\)|\(p\)|©|℗|copyright)[\s&]*(?:and\s+)?)*(?:\d{4}(?:\s*[-,/]\s*\d{2,4})*\b)?[^.;:?!]{0,80}\.?"
)
_SOME_RIGHTS = re.compile(r"(?i)some rights reserved\.?")
_MARKED = "xmp.xmprights:marked"
"""False means public domain: another claim than any licence makes."""
_RESERVING_CODES = {("podcast.license", "arr")}
"""Field and value: what the namespace of a field has for "all rights reserved"; elsewhere the letters mean nothing."""
_ANY_UNIT = {
    "creative commons",
    "creative commons licence",
    "creative commons license",
    "cc",
    "cc licence",
    "cc license",
}
_NO_CLAIM = {"none", "n/a", "na", "null", "unknown", "-", "?", "no", "not specified", "unspecified", "undefined"}


def weigh(declaration: Declaration, table: LicenceTable, extension: ExtensionRegistry | None = None) -> Evidence:  # noqa: PLR0911, C901 - the rules in their order
    """Weigh one declaration by the field it stands in. Never raises.

    Args:
        declaration: As found.
        table: The legal tools of Creative Commons.
        extension: Licences of others, where the policy asks for them.
    """
    kind = kind_of(declaration.field)
    text = unwrapped(declaration.raw)
    if folded(declaration.field) == _MARKED and folded(text) == "false":
        return Evidence(declaration, Polarity.OPAQUE, ReasonCode.PD_TEXT)
    if kind is FieldKind.IGNORED or not text:
        return Evidence(declaration, Polarity.NEUTRAL, ReasonCode.NO_LICENCE)
    if (folded(declaration.field), folded(text)) in _RESERVING_CODES:
        return Evidence(declaration, Polarity.RESERVE, ReasonCode.RESERVED, steps=("code",))
    if extension is not None and kind is not FieldKind.FREE:
        tool = extension.resolve(text)
        if tool is not None:
            return Evidence(declaration, Polarity.GRANT, ReasonCode.OK_EXTENSION, tool, steps=("extension registry",))
    evidence = _weigh_text(declaration, text, kind, table)
    if evidence.polarity is Polarity.NEUTRAL or kind is FieldKind.FREE:
        restriction = restriction_of(text)
        if restriction and evidence.polarity is not Polarity.RESERVE:
            steps = (f"restricts {restriction}",)
            return Evidence(declaration, Polarity.MENTION, ReasonCode.CONDITIONAL, evidence.tool, steps=steps)
    if kind is not FieldKind.FREE or evidence.polarity in {Polarity.RESERVE, Polarity.NEUTRAL}:
        return evidence
    if evidence.reason is not ReasonCode.MENTION_ONLY and denies(declaration.raw, table):
        return Evidence(declaration, Polarity.MENTION, ReasonCode.NEGATED, evidence.tool, steps=("denies",))
    # Free text never grants. What it would have granted stays on record: another licence than the item's own is a conflict.
    if evidence.polarity is Polarity.GRANT or evidence.reason is ReasonCode.CONFLICT_RESERVED:
        return Evidence(declaration, Polarity.MENTION, ReasonCode.MENTION_ONLY, evidence.tool, steps=("would grant",))
    return Evidence(declaration, Polarity.MENTION, evidence.reason, evidence.tool, steps=evidence.steps)


def _weigh_text(  # noqa: PLR0911 - the rules in their order
    declaration: Declaration, text: str, kind: FieldKind, table: LicenceTable
) -> Evidence:
    if looks_like_url(text):
        return _weigh_url(declaration, text, table)
    name = resolve_name(text, table)
    if name.tool is not None:
        return Evidence(declaration, Polarity.GRANT, name.reason, name.tool, steps=("name",))
    if name.unit:
        return Evidence(declaration, Polarity.OPAQUE, name.reason, unit=name.unit if not name.version else "")
    if folded(text) in _ANY_UNIT:
        return Evidence(declaration, Polarity.OPAQUE, ReasonCode.UNRESOLVED_LICENCE_FIELD, unit=ANY_UNIT)
    statement = read_statement(declaration.raw, table)
    if statement.polarity is Polarity.MENTION:
        return Evidence(declaration, Polarity.OPAQUE, statement.reason, statement.tool, steps=("sentences",))
    if statement.polarity is Polarity.NEUTRAL and not _says_nothing(text, kind):
        return Evidence(declaration, Polarity.OPAQUE, ReasonCode.UNRESOLVED_LICENCE_FIELD)
    return Evidence(declaration, statement.polarity, statement.reason, statement.tool, steps=("sentences",))


def _says_nothing(text: str, kind: FieldKind) -> bool:
    """Tell whether a text may stand beside a grant without a meaning of its own; anything else is an unresolved claim."""
    if kind in {FieldKind.NOTICE, FieldKind.FREE} or folded(text) in _NO_CLAIM:
        return True
    is_bare = _BARE_NOTICE.fullmatch(text) is not None or _SOME_RIGHTS.fullmatch(text) is not None
    return is_bare and kind is FieldKind.RIGHTS


def _weigh_url(declaration: Declaration, text: str, table: LicenceTable) -> Evidence:
    answer = resolve_url(text, table)
    if answer.tool is not None:
        return Evidence(declaration, Polarity.GRANT, answer.reason, answer.tool, steps=answer.steps)
    if _RESERVING_URLS.fullmatch(text):
        return Evidence(declaration, Polarity.RESERVE, ReasonCode.RESERVED, steps=answer.steps)
    statement = _RIGHTS_STATEMENT.fullmatch(text)
    if statement is not None:
        polarity = Polarity.RESERVE if statement[1].lower().startswith("inc") else Polarity.OPAQUE
        return Evidence(declaration, polarity, ReasonCode.RIGHTS_STATEMENT, steps=answer.steps)
    return Evidence(declaration, Polarity.OPAQUE, answer.reason, steps=answer.steps)
