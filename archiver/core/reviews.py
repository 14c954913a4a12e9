"""The quarantine, decided by people: a case is one item with one set of declarations, a verdict is a person's word on it.

quarantined ──> open ── accept ──> accepted            the next harvest takes the item up
│ └── accept ──> half, a second person is asked for
│ ├── reject ──> rejected            the item is kept out for good
│ └── (time) ──> expired             kept out until somebody accepts, or its declarations change
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archiver.core.licences.evidence import Polarity, ReasonCode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from archiver.core.items import ItemId, SourceItem
    from archiver.core.licences.decisions import Decision
    from archiver.core.licences.evidence import Declaration, Evidence
    from archiver.core.licences.tools import Tool

PUBLIC_DOMAIN_MARK = "public-domain-mark"
CONFLICTS = "conflicts"
DAMAGED = "AUDIO_DAMAGED"
"""Why an item waits whose selection says ``damaged = "quarantine"``."""

_PUBLIC_DOMAIN = {ReasonCode.PD_LABEL.value, ReasonCode.PD_TEXT.value}
_CONFLICTS = {ReasonCode.CONFLICT_TOOLS.value, ReasonCode.CONFLICT_RESERVED.value}


class Standing(StrEnum):
    """How a case stands."""

    OPEN = "open"
    HALF = "half"
    """One person has accepted, a second one is asked for."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """What the settings ask of reviews.

    Attributes:
        two_people: `PUBLIC_DOMAIN_MARK` and `CONFLICTS`, or one, or none: cases that two people must accept.
        expire_days: Days after which an undecided case expires; 0 for never.
    """

    two_people: frozenset[str] = frozenset()
    expire_days: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's word.

    Attributes:
        is_acceptance: Accept, else reject.
        reviewer: Their name.
        reason: Why, in their words.
        licence: Canonical URL of the tool that the item is accepted under; empty for a rejection.
        at: When, in UTC.
    """

    is_acceptance: bool
    reviewer: str
    reason: str
    licence: str
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in ``metadata/licence.json``."""
        return {
            "verdict": "accept" if self.is_acceptance else "reject",
            "reviewer": self.reviewer,
            "reason": self.reason,
            "licence": self.licence,
            "at": self.at.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True, slots=True)
class Case:
    """One quarantined item with one set of declarations.

    Attributes:
        item: Identifier.
        title: As supplied.
        collections: Those of the item, at its source.
        item_set: Digest of what the source declares of the item (`set_digest`).
        whole_set: Digest of that and of what its files declare; empty when no file was read.
        batch_set: Digest of what proves anything, without file names: equal for items that declare the same.
        reasons: Why it was quarantined.
        decision: The gate's decision, as JSON text.
        opened_at: When it was first quarantined so, in UTC.
        verdicts: In order.
        id: Given by the catalogue; 0 before.
        state: The state of the files whose tags were read (`archiver.core.states`); empty when none was.
    """

    item: ItemId
    title: str
    collections: tuple[str, ...]
    item_set: str
    whole_set: str
    batch_set: str
    reasons: tuple[str, ...]
    decision: str
    opened_at: datetime
    verdicts: tuple[Verdict, ...] = ()
    id: int = 0
    state: str = ""

    def needs_two(self, rules: ReviewRules) -> bool:
        """Tell whether two people must accept."""
        found = set(self.reasons)
        return bool(
            (found & _PUBLIC_DOMAIN and PUBLIC_DOMAIN_MARK in rules.two_people)
            or (found & _CONFLICTS and CONFLICTS in rules.two_people)
        )

    def standing(self, rules: ReviewRules, now: datetime) -> Standing:
        """Return how the case stands."""
        if any(not verdict.is_acceptance for verdict in self.verdicts):
            return Standing.REJECTED
        people = {person(verdict.reviewer) for verdict in self.verdicts}
        if people:
            return Standing.ACCEPTED if len(people) > 1 or not self.needs_two(rules) else Standing.HALF
        expires_at = self.expires_at(rules)
        return Standing.EXPIRED if expires_at is not None and expires_at <= now else Standing.OPEN

    def expires_at(self, rules: ReviewRules) -> datetime | None:
        """Return when the case expires while nobody decides, or None for never."""
        return self.opened_at + timedelta(days=rules.expire_days) if rules.expire_days else None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What people have said about one item, for the gate.

    Attributes:
        rejected: The word that keeps the item out for good, or None.
        accepted: Cases that people have accepted.
        expired: Cases that nobody decided in time.
    """

    rejected: Verdict | None = None
    accepted: tuple[Case, ...] = ()
    expired: tuple[Case, ...] = ()

    @property
    def about_licence(self) -> Reviewed:
        """What was said about the licence: who takes an item in although its audio is damaged says nothing about that."""
        return Reviewed(
            self.rejected,
            tuple(case for case in self.accepted if DAMAGED not in case.reasons),
            tuple(case for case in self.expired if DAMAGED not in case.reasons),
        )


UNREVIEWED = Reviewed()


def reviewed(cases: Iterable[Case], *, rules: ReviewRules, now: datetime) -> Reviewed:
    """Sum up every case that an item ever had."""
    cases = tuple(cases)
    rejections = [verdict for case in cases for verdict in case.verdicts if not verdict.is_acceptance]
    return Reviewed(
        rejected=rejections[0] if rejections else None,
        accepted=tuple(case for case in cases if case.standing(rules, now) is Standing.ACCEPTED),
        expired=tuple(case for case in cases if case.standing(rules, now) is Standing.EXPIRED),
    )


def person(name: str) -> str:
    """Return a name for comparing: one person is not two because of a space or a capital."""
    return " ".join(name.split()).casefold()


def set_digest(item: SourceItem, embedded: Iterable[Declaration] = ()) -> str:
    """Return the SHA-256 of everything an acceptance rests upon: every declaration as found, and the source's signals."""
    rows = sorted(
        {
            (one.field, one.scope.value, one.subject, _digest(one.raw))
            for one in (*item.declarations, *embedded)
        }
    )  # fmt: skip
    return _digest(json.dumps([rows, item.access_restricted, item.stream_only]))


def batch_digest(item: SourceItem, evidence: Iterable[Evidence]) -> str:
    """Return the SHA-256 of what an item's declarations prove: items that declare the same can be decided together."""
    rows = sorted(
        {
            (one.declaration.field, _digest(one.declaration.raw))
            for one in evidence
            if one.polarity is not Polarity.NEUTRAL
        }
    )
    return _digest(json.dumps([rows, item.access_restricted, item.stream_only]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def adds_nothing(decision: Decision, embedded: Iterable[Declaration], tool: Tool) -> bool:
    """Tell whether a file's own declarations leave an acceptance alone that was given before they were read."""
    own = set(embedded)
    return all(_is_in_line(one, tool) for one in decision.evidence if one.declaration in own)


def _is_in_line(one: Evidence, tool: Tool) -> bool:
    if one.polarity is Polarity.NEUTRAL:
        return True
    if one.polarity is Polarity.GRANT:
        return one.tool == tool
    if one.polarity is Polarity.MENTION:
        return "would grant" not in one.steps or one.tool == tool
    return one.polarity is Polarity.OPAQUE and one.unit == tool.unit
