"""Declarations as found, and what each of them proves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archiver.core.licences.tools import Tool

LONGEST_QUOTED = 10_000
"""Characters of a declaration that a decision record quotes; the digest is always of the whole."""


ANY_UNIT = "*"
"""The unit of a declaration that names Creative Commons and no licence: less specific than any of them."""


class Scope(StrEnum):
    """What a declaration speaks of."""

    ITEM = "item"
    FILE = "file"
    COLLECTION = "collection"
    OPERATOR = "operator"


class Polarity(StrEnum):
    """What a declaration proves."""

    GRANT = "grant"
    """It names exactly one legal tool."""
    RESERVE = "reserve"
    """It keeps the rights."""
    NEUTRAL = "neutral"
    """It says nothing of a licence: empty, a bare notice, a name less specific than another field's."""
    OPAQUE = "opaque"
    """It claims something that cannot be resolved."""
    MENTION = "mention"
    """Free text that speaks of a licence without granting it."""


class ReasonCode(StrEnum):
    """Why a declaration or an item was judged so. Stable; each has its paragraph in docs/licence-gate.md."""

    OK_EXACT_URL = "OK_EXACT_URL"
    OK_ALIAS = "OK_ALIAS"
    OK_NAME = "OK_NAME"
    OK_SENTENCE = "OK_SENTENCE"
    OK_CHOICE = "OK_CHOICE"
    NO_LICENCE = "NO_LICENCE"
    RESERVED = "RESERVED"
    CONFLICT_RESERVED = "CONFLICT_RESERVED"
    CONFLICT_TOOLS = "CONFLICT_TOOLS"
    UNRESOLVED_LICENCE_FIELD = "UNRESOLVED_LICENCE_FIELD"
    NONEXISTENT_TOOL = "NONEXISTENT_TOOL"
    BAD_HOST = "BAD_HOST"
    NEGATED = "NEGATED"
    MENTION_ONLY = "MENTION_ONLY"
    CONDITIONAL = "CONDITIONAL"
    WRONG_OBJECT = "WRONG_OBJECT"
    VERSIONLESS = "VERSIONLESS"
    PD_LABEL = "PD_LABEL"
    PD_TEXT = "PD_TEXT"
    RIGHTS_STATEMENT = "RIGHTS_STATEMENT"
    TOOL_FORBIDS_COPY = "TOOL_FORBIDS_COPY"
    OK_EXTENSION = "OK_EXTENSION"
    RETIRED = "RETIRED"
    POLICY_EXCLUDES = "POLICY_EXCLUDES"
    SOURCE_RULE = "SOURCE_RULE"
    HUMAN_ACCEPT = "HUMAN_ACCEPT"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A licence statement as it was found.

    Attributes:
        field: Where it stood, for example ``ia.licenseurl``.
        scope: What it speaks of.
        raw: Exactly as found.
        subject: The file's name where it speaks of one file, else empty.
    """

    field: str
    scope: Scope
    raw: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one declaration proves.

    Attributes:
        declaration: As found.
        polarity: What it proves.
        reason: Why it was weighed so.
        tool: The legal tool it names, or None. Also set for a mention.
        unit: The licence's unit (``by-nc``) where only that could be told; for comparing it with another field's tool.
        steps: What the resolver did to the text, in order.
    """

    declaration: Declaration
    polarity: Polarity
    reason: ReasonCode
    tool: Tool | None = None
    unit: str = ""
    steps: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in ``metadata/licence.json``."""
        raw = self.declaration.raw
        return {
            "field": self.declaration.field,
            "scope": self.declaration.scope.value,
            "subject": self.declaration.subject,
            "raw": raw[:LONGEST_QUOTED],
            "raw_sha256": hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest(),
            "polarity": self.polarity.value,
            "reason": self.reason.value,
            "tool": self.tool.url if self.tool else "",
            "steps": list(self.steps),
        }
