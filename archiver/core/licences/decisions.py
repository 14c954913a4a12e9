"""Combining evidence into one decision, in the order of the rules in docs/licence-gate.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archiver.core.licences.evidence import ANY_UNIT, Evidence, Polarity, ReasonCode
from archiver.core.licences.weighing import weigh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.licences.evidence import Declaration
    from archiver.core.licences.policies import Policy
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

GATE_VERSION = 4
"""Counted up when the same evidence can lead to another decision."""


class Outcome(StrEnum):
    """What the gate answers."""

    ADMIT = "admit"
    REFUSE = "refuse"
    QUARANTINE = "quarantine"


class LicenceClass(StrEnum):
    """What the declarations identify, whatever the policy."""

    OPEN = "open"
    NOT_OPEN = "not-open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signals:
    """What a source says besides licences.

    Attributes:
        access_restricted: The source lends the item or keeps it from the public.
        stream_only: The source offers it for listening and not for copying.
        uploader: What stands for the uploader's address (`uploader_digest`), or empty.
        collections: The collections that the item is in.
    """

    access_restricted: bool = False
    stream_only: bool = False
    uploader: str = ""
    collections: tuple[str, ...] = ()

    def speaks_against(self, policy: Policy) -> bool:
        """Tell whether the source's own rules, or the policy's about it, keep an item from being admitted."""
        is_denied = self.uploader in policy.denied_uploaders or not set(policy.denied_collections).isdisjoint(
            self.collections
        )
        return self.access_restricted or self.stream_only or is_denied


NO_SIGNALS = Signals()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided, and on what.

    Attributes:
        outcome: Admit, refuse or quarantine.
        licence_class: What was identified.
        reasons: At least one.
        tool: The one tool identified, or None.
        evidence: Everything weighed, in the order of the declarations.
        policy: What was admitted at the time.
        table_sha256: Digest of the table that decided.
        extension_sha256: Digest of the extension registry, where the policy asked it.
    """

    outcome: Outcome
    licence_class: LicenceClass
    reasons: tuple[ReasonCode, ...]
    tool: Tool | None
    evidence: tuple[Evidence, ...]
    policy: Policy
    table_sha256: str
    extension_sha256: str = ""

    @property
    def licence(self) -> str:
        """Canonical URL of the tool, or empty."""
        return self.tool.url if self.tool else ""

    @property
    def licence_name(self) -> str:
        """Official identifier of the tool, or empty."""
        return self.tool.identifier if self.tool else ""

    @property
    def is_licence(self) -> bool:
        """Tell a licence from a public domain tool."""
        return self.tool is not None and self.tool.is_licence

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in ``metadata/licence.json``."""
        return {
            "gate_version": GATE_VERSION,
            "outcome": self.outcome.value,
            "class": self.licence_class.value,
            "reasons": [reason.value for reason in self.reasons],
            "licence": self.licence,
            "licence_name": self.licence_name,
            "tool": self.tool.to_json() if self.tool else None,
            "evidence": [one.to_json() for one in self.evidence],
            "policy": self.policy.to_json(),
            "table_sha256": self.table_sha256,
            "extension_sha256": self.extension_sha256,
        }


def decide(
    declarations: Iterable[Declaration], *, table: LicenceTable, policy: Policy, signals: Signals = NO_SIGNALS
) -> Decision:
    """Weigh every declaration of an item and combine what they prove. Never raises.

    Once there is a grant or a reservation, no further declaration turns a refusal or a quarantine into an admission.
    """
    extension = table.extension if policy.extension_registry == "accept" else None
    evidence = tuple(weigh(declaration, table, extension) for declaration in declarations)
    licence_class, reasons, tool = combine(evidence)
    outcome, more = _outcome(licence_class, reasons, tool, policy, signals)
    if more == (ReasonCode.SOURCE_RULE,):
        licence_class = LicenceClass.UNKNOWN  # who keeps the item from the public speaks against the licence
    return Decision(
        outcome,
        licence_class,
        (*reasons, *more),
        tool,
        evidence,
        policy,
        table.sha256,
        extension.sha256 if extension else "",
    )


def combine(evidence: tuple[Evidence, ...]) -> tuple[LicenceClass, tuple[ReasonCode, ...], Tool | None]:  # noqa: PLR0911 - the rules in their order
    """Combine evidence into what it identifies."""
    grants = [one for one in evidence if one.polarity is Polarity.GRANT and one.tool is not None]
    tools = {one.tool.url: one.tool for one in grants if one.tool is not None}
    reserved = [one for one in evidence if one.polarity is Polarity.RESERVE]
    opaque = [one for one in evidence if one.polarity is Polarity.OPAQUE and not _agrees(one, tools)]
    contradicting = [one for one in evidence if one.polarity is Polarity.MENTION and _contradicts(one, tools)]
    if reserved:
        if grants or any(one.reason is ReasonCode.CONFLICT_RESERVED for one in opaque):
            return LicenceClass.UNKNOWN, (ReasonCode.CONFLICT_RESERVED,), None
        return LicenceClass.NOT_OPEN, _distinct(ReasonCode.RESERVED, reserved), None
    if len(tools) > 1:
        return LicenceClass.UNKNOWN, (ReasonCode.CONFLICT_TOOLS,), None
    if tools and contradicting:
        return LicenceClass.UNKNOWN, _distinct(ReasonCode.CONFLICT_TOOLS, _telling(contradicting)), None
    if opaque:
        return LicenceClass.UNKNOWN, _distinct(ReasonCode.UNRESOLVED_LICENCE_FIELD, opaque), None
    if not tools:
        mentions = [one for one in evidence if one.polarity is Polarity.MENTION]
        reasons = _distinct(ReasonCode.MENTION_ONLY, mentions) if mentions else (ReasonCode.NO_LICENCE,)
        return LicenceClass.UNKNOWN, reasons, None
    (tool,) = tools.values()
    if not tool.lets_anyone_copy:
        return LicenceClass.NOT_OPEN, (ReasonCode.TOOL_FORBIDS_COPY,), tool
    return LicenceClass.OPEN, tuple(dict.fromkeys(one.reason for one in grants)), tool


def _agrees(one: Evidence, tools: dict[str, Tool]) -> bool:
    """Tell whether a name without a version fits the one tool that another field identifies."""
    return bool(one.unit) and bool(tools) and all(one.unit in {tool.unit, ANY_UNIT} for tool in tools.values())


def _contradicts(one: Evidence, tools: dict[str, Tool]) -> bool:
    """Tell whether free text speaks against the tools granted: another tool, a denial, or a restriction that they lack."""
    if one.tool is not None and one.tool.url not in tools:
        return True
    if {"denies", "restricts use"} & set(one.steps):
        return True
    return "restricts commercial" in one.steps and any(tool.commercial == "true" for tool in tools.values())


def _telling(contradicting: list[Evidence]) -> list[Evidence]:
    return [one for one in contradicting if one.reason is not ReasonCode.MENTION_ONLY]


def _distinct(first: ReasonCode, evidence: list[Evidence]) -> tuple[ReasonCode, ...]:
    return tuple(dict.fromkeys((first, *(one.reason for one in evidence))))


def _outcome(  # noqa: PLR0911 - the rules in their order
    licence_class: LicenceClass, reasons: tuple[ReasonCode, ...], tool: Tool | None, policy: Policy, signals: Signals
) -> tuple[Outcome, tuple[ReasonCode, ...]]:
    """Apply the policy and the source's signals; return the outcome and what they add to the reasons."""
    if licence_class is LicenceClass.NOT_OPEN or reasons == (ReasonCode.NO_LICENCE,):
        return Outcome.REFUSE, ()
    if licence_class is LicenceClass.UNKNOWN or tool is None:
        is_versionless = set(reasons) <= {ReasonCode.UNRESOLVED_LICENCE_FIELD, ReasonCode.VERSIONLESS}
        if policy.versionless == "refuse" and is_versionless and ReasonCode.VERSIONLESS in reasons:
            return Outcome.REFUSE, (ReasonCode.POLICY_EXCLUDES,)
        return Outcome.QUARANTINE, ()
    if not policy.admits(tool) or (tool.status == "retired" and policy.retired == "refuse"):
        return Outcome.REFUSE, (ReasonCode.POLICY_EXCLUDES,)
    if signals.speaks_against(policy):
        return Outcome.QUARANTINE, (ReasonCode.SOURCE_RULE,)
    if tool.instrument == "label-only" and policy.public_domain_mark != "accept":
        return Outcome.QUARANTINE, (ReasonCode.PD_LABEL,)
    if tool.status == "retired" and policy.retired == "quarantine":
        return Outcome.QUARANTINE, (ReasonCode.RETIRED,)
    return Outcome.ADMIT, ()
