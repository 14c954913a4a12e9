"""What is held under which licence, what it may be used for, and what another policy would do. Nothing here deletes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archiver.core.licences.policies import PRESETS, policy_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.holdings import Holding
    from archiver.core.licences.policies import Policy
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

MOST_NAMED = 10_000
"""Items that a survey names; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is held."""

    items: int = 0
    files: int = 0
    bytes: int = 0

    def with_one(self, held: Holding) -> Amount:
        """Return the amount with one item more."""
        return Amount(self.items + 1, self.files + held.files, self.bytes + held.bytes)

    def to_json(self) -> dict[str, int]:
        """Return the record."""
        return {"items": self.items, "files": self.files, "bytes": self.bytes}


@dataclass(frozen=True, slots=True)
class LicenceSurvey:
    """The newest version of each held item, added up.

    Attributes:
        total: Everything.
        tools: By canonical URL.
        uses: By what a holding may be used for.
        policies: By preset: what it would admit.
        policy: The policy that was asked about.
        excluded: What that policy would not admit.
        named: The first of these items, with the licence of each.
    """

    total: Amount = field(default_factory=Amount)
    tools: dict[str, Amount] = field(default_factory=dict)
    uses: dict[str, Amount] = field(default_factory=dict)
    policies: dict[str, Amount] = field(default_factory=dict)
    policy: str = ""
    excluded: Amount = field(default_factory=Amount)
    named: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the record."""
        return {
            "total": self.total.to_json(),
            "tools": {url: amount.to_json() for url, amount in self.tools.items()},
            "uses": {use: amount.to_json() for use, amount in self.uses.items()},
            "policies": {name: amount.to_json() for name, amount in self.policies.items()},
            "change": {"policy": self.policy, "not_admitted": self.excluded.to_json()} if self.policy else None,
        }


def survey_licences(holdings: Iterable[Holding], *, table: LicenceTable, policy: Policy | None = None) -> LicenceSurvey:
    """Add up what is held; memory grows with the number of legal tools, not of items.

    Args:
        holdings: The newest version of each item.
        table: The legal tools.
        policy: Say also what it would keep out.
    """
    known = {tool.url: tool for tool in (*table.tools, *(table.extension.tools if table.extension else ()))}
    presets = {name: policy_named(name, public_domain_mark="accept", extension_registry="accept") for name in PRESETS}
    survey = LicenceSurvey(policy=policy.name if policy else "")
    named: list[tuple[str, str]] = []
    for held in holdings:
        tool = known.get(held.licence)
        survey = replace(survey, total=survey.total.with_one(held))
        _add(survey.tools, held.licence, held)
        for use in uses_of(tool):
            _add(survey.uses, use, held)
        for name, preset in presets.items():
            if tool is not None and preset.admits(tool):
                _add(survey.policies, name, held)
        if policy is not None and not _would_admit(policy, tool):
            survey = replace(survey, excluded=survey.excluded.with_one(held))
            if len(named) < MOST_NAMED:
                named.append((str(held.item), held.licence))
    tools = dict(sorted(survey.tools.items(), key=lambda pair: (-pair[1].items, pair[0])))
    return replace(survey, tools=tools, named=tuple(named))


def uses_of(tool: Tool | None) -> tuple[str, ...]:
    """Return what works under a tool may be used for; only exactly ``true`` allows."""
    if tool is None:
        return ("unknown",)
    is_commercial, has_derivatives = tool.commercial == "true", tool.derivatives == "true"
    return (
        "commercial" if is_commercial else "non-commercial only",
        "derivatives" if has_derivatives else "verbatim only",
        *(("commercial and derivatives",) if is_commercial and has_derivatives else ()),
        *(("public domain",) if not tool.is_licence else ()),
    )


def _would_admit(policy: Policy, tool: Tool | None) -> bool:
    """Tell whether a policy would admit a work under a tool by itself, if nothing spoke against it."""
    if tool is None or not policy.admits(tool):
        return False
    is_extension = tool.unit == "lal"
    return not (
        (tool.instrument == "label-only" and policy.public_domain_mark != "accept")
        or (tool.status == "retired" and policy.retired != "accept")
        or (is_extension and policy.extension_registry != "accept")
    )


def _add(amounts: dict[str, Amount], key: str, held: Holding) -> None:
    amounts[key] = amounts.get(key, Amount()).with_one(held)
