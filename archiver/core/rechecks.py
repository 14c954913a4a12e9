"""What became of a held item's licence at its source. A grant that was given stays given: nothing here deletes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archiver.core.licences.fields import FieldKind, is_embedded, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archiver.core.holdings import Holding
    from archiver.core.licences.decisions import Decision

MARK = "licence recheck: "
"""How the detail of every event of a recheck begins."""


class Drift(StrEnum):
    """What a source says now. The words are promises of the machine output."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    """Another licence, other declarations, or the item is no longer public."""
    WITHDRAWN = "withdrawn"
    """The source knows no such item any more."""
    DARKENED = "darkened"
    """The source has taken the item from public view; a claim of copyright is the usual reason."""
    FAILED = "failed"
    """The source did not answer; the item stays among the first of the next run."""


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """A held item, and what admitted it.

    Attributes:
        holding: The newest version.
        decision: The decision's record, as it stands in the bag.
        checked_at: When the source was last asked, or when the version was ingested.
    """

    holding: Holding
    decision: Mapping[str, Any]
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Recheck:
    """The answer about one held item.

    Attributes:
        holding: The newest version.
        drift: What happened.
        now: The licence that its source declares now, or empty.
        detail: For people.
        proof: Where the new answer was kept, as a key in the stores; empty when nothing changed.
        transient: Whether asking again later may help.
    """

    holding: Holding
    drift: Drift
    now: str = ""
    detail: str = ""
    proof: str = ""
    transient: bool = False

    @property
    def is_finding(self) -> bool:
        """Tell whether a person must look."""
        return self.drift in {Drift.CHANGED, Drift.WITHDRAWN, Drift.DARKENED}


def drifted(held: HeldLicence, now: Decision, *, is_closed: bool) -> str:
    """Return what changed, in words, or an empty text.

    Args:
        held: What admitted the item.
        now: What the gate makes of the source's answer today.
        is_closed: Whether the source lends the item now, or keeps it from being copied.
    """
    if is_closed:
        return "the source no longer lets everybody copy it"
    if now.licence and now.licence == held.holding.licence:
        return ""
    after = _declared((one.declaration.field, one.to_json()["raw_sha256"]) for one in now.evidence)
    fields = {field for field, _ in after}
    evidence = held.decision.get("evidence", ())
    before = _declared((one.get("field", ""), one.get("raw_sha256", "")) for one in evidence)
    embedded = {pair for pair in before if pair[0] not in fields and is_embedded(pair[0])}
    if before and before - embedded == after:
        return ""  # people have admitted it on exactly these declarations
    named = now.licence or "none that can be told"
    return f"the source declares another licence: held under {held.holding.licence}, now {named}"


def _declared(pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return what was declared in fields made for it; descriptions are edited for many reasons."""
    return frozenset(pair for pair in pairs if kind_of(pair[0]) is not FieldKind.FREE)
