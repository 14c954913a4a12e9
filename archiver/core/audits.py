"""Audits as values: what is to be checked, how far a run may go, what each check found, and what is left over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import log
from typing import TYPE_CHECKING

from archiver.core.findings import FindingCode
from archiver.core.fixity import Grade

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.core.events import Agent
    from archiver.core.findings import Finding
    from archiver.core.forecasts import StoreForecast
    from archiver.core.items import ItemId

FIRST_DAY = timedelta(days=1)
"""So long a new copy that was never audited goes ahead of the others, the newest first: a fault of our own writing shows
at once, while the source still has the bytes."""


NO_DAMAGE = frozenset([FindingCode.OBJECT_UNVERIFIABLE, FindingCode.OBJECT_UNDECODABLE])
"""Findings of a copy that convict no byte of it: nothing was proven, or the right bytes do not play."""


class CheckOutcome(StrEnum):
    """How the check of one copy ended. The words are promises of the machine output."""

    GOOD = "good"
    DAMAGED = "damaged"
    """The check answered, and something is wrong."""
    UNANSWERED = "unanswered"
    """The store did not answer for at least one object: there is no verdict."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a store charges, in one currency of the operator's choice.

    Attributes:
        request: For one request.
        gigabyte: For 10**9 bytes read.
    """

    request: float = 0.0
    gigabyte: float = 0.0

    def of(self, *, requests: int, bytes_: int) -> float:
        """Return what so much costs."""
        return requests * self.request + bytes_ / 1e9 * self.gigabyte


@dataclass(frozen=True, slots=True)
class Budget:
    """How far one run may go; None is no limit.

    Attributes:
        bytes: Read from stores.
        seconds: From the beginning of the run.
        requests: Sent to stores.
        cost: In the currency of the stores' prices.
    """

    bytes: int | None = None
    seconds: float | None = None
    requests: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run, or one check, has used."""

    bytes: int = 0
    requests: int = 0
    seconds: float = 0.0
    cost: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.bytes + other.bytes,
            self.requests + other.requests,
            self.seconds + other.seconds,
            self.cost + other.cost,
        )


def is_within(budget: Budget, *, spent: Spent, coming: Spent) -> bool:
    """Tell whether the coming check may begin. The first check of a run always may: else a large item never gets its turn.

    Args:
        budget: The limits.
        spent: So far, checks in hand included.
        coming: What the check is expected to use.
    """
    if spent.requests == 0:
        return budget.seconds is None or spent.seconds < budget.seconds
    after = spent + coming
    return all(
        limit is None or used <= limit
        for limit, used in (
            (budget.bytes, after.bytes),
            (budget.seconds, after.seconds),
            (budget.requests, after.requests),
            (budget.cost, after.cost),
        )
    )


class Scope(StrEnum):
    """Which copies an audit takes."""

    DUE = "due"
    """Those whose last check is longer ago than their store's interval, and new ones that were never audited."""
    ALL = "all"
    ITEMS = "items"


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What a run of the audit is to do.

    Attributes:
        scope: Which copies.
        stores: Names of the stores, each with how long a check of it holds.
        grade: How much each check is to prove.
        budget: How far the run may go.
        items: For `Scope.ITEMS`.
        sample: Share of the copies to check, chosen by chance, or None for all of them.
        seed: What the sample is drawn with, so that it can be drawn again.
    """

    scope: Scope
    stores: Mapping[str, timedelta]
    grade: Grade = Grade.READ
    budget: Budget = field(default_factory=Budget)
    items: tuple[ItemId, ...] = ()
    sample: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DueCopy:
    """One copy that is to be checked, with what the catalogue promises of it.

    Attributes:
        item: Identifier.
        version: Of the AIP.
        store: Name of the store.
        prefix: The bag's place in the store, ending in ``/``.
        files: Number of payload files.
        bytes: Payload bytes.
        checked_at: The last check that counts for the grade that was asked for, or the proof at deposit.
        aip_id: The catalogue's own number, to go on behind it.
    """

    item: ItemId
    version: int
    store: str
    prefix: str
    files: int
    bytes: int
    checked_at: datetime
    aip_id: int


@dataclass(frozen=True, slots=True)
class CheckedCopy:
    """What one check of one copy found. It becomes events and the copy's state in the catalogue.

    Attributes:
        item: Identifier.
        version: Of the AIP.
        store: Name of the store.
        key: The bag's place in the store, without a final ``/``.
        grade: How much the check proves.
        outcome: How it ended.
        started_at: In UTC.
        ended_at: In UTC.
        objects: Objects looked at.
        bytes: Bytes read from the store.
        requests: Requests sent to the store.
        findings: Everything wrong; `Finding.where` begins with the bag's place.
        unanswered: Objects that the store did not answer for, each with the reason.
        last_checked_at: The check before this one.
        decoded: Audio files that were decoded, those that do not play included.
        cost: By the store's prices.
    """

    item: ItemId
    version: int
    store: str
    key: str
    grade: Grade
    outcome: CheckOutcome
    started_at: datetime
    ended_at: datetime
    objects: int
    bytes: int
    requests: int
    findings: tuple[Finding, ...] = ()
    unanswered: tuple[tuple[str, str], ...] = ()
    last_checked_at: datetime | None = None
    decoded: int = 0
    cost: float = 0.0

    @property
    def damages(self) -> tuple[Finding, ...]:
        """Return what convicts the copy: where nothing was proven, nothing is wrong either."""
        return tuple(one for one in self.findings if one.code not in NO_DAMAGE)

    @property
    def undecodable(self) -> tuple[Finding, ...]:
        """Return the files whose bytes are right and do not play."""
        return tuple(one for one in self.findings if one.code is FindingCode.OBJECT_UNDECODABLE)

    @property
    def proven(self) -> Grade:
        """Return how much of the copy is proven: where a file does not play, that its bytes are right and no more."""
        return Grade.READ if self.grade is Grade.DECODE and self.undecodable else self.grade

    @property
    def is_missing(self) -> bool:
        """Tell whether not one object of the copy is there."""
        return self.objects == 0 and any(one.code is FindingCode.OBJECT_MISSING for one in self.findings)


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What a run of the audit did.

    Attributes:
        copies: Checked, with an answer.
        good: Of these, without a finding.
        damaged: Of these, with one.
        unanswered: Copies for which a store did not answer.
        objects: Looked at.
        bytes: Read from stores.
        requests: Sent to stores.
        seconds: The whole run.
        cost: By the stores' prices.
        findings: Number of findings by code; codes without one are left out.
        left: Copies of the plan that the budget left over.
        budget_ended: Which limit ended the run, or empty.
        confidence: For a sample without a finding: the share of copies of which fewer are damaged, with 95 percent
            confidence; None where nothing was sampled or something was found.
        sampled_from: Copies the sample was drawn from.
        forecasts: One for each store, in the order of names.
    """

    copies: int
    good: int
    damaged: int
    unanswered: int
    objects: int
    bytes: int
    requests: int
    seconds: float
    cost: float
    findings: tuple[tuple[FindingCode, int], ...]
    left: int = 0
    budget_ended: str = ""
    confidence: float | None = None
    sampled_from: int = 0
    forecasts: tuple[StoreForecast, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything a report of an audit is made of.

    Attributes:
        organisation: Whose archive.
        agent: The program.
        plan: What was to be done.
        started_at: In UTC.
        ended_at: In UTC.
        summary: What was done.
        checked: Every copy, in the order in which their checks ended.
        repairs: What was put right in the same run, and what could not be.
    """

    organisation: str
    agent: Agent
    plan: AuditPlan
    started_at: datetime
    ended_at: datetime
    summary: AuditSummary
    checked: tuple[CheckedCopy, ...]
    repairs: tuple[Repair, ...] = ()


class RepairOutcome(StrEnum):
    """How the repair of one object ended. The words are promises of the machine output."""

    REPAIRED = "repaired"
    WOULD_REPAIR = "would-repair"
    REMOVED = "removed"
    WOULD_REMOVE = "would-remove"
    IMPOSSIBLE = "impossible"
    """No sound bytes are left anywhere we know."""
    FAILED = "failed"
    """A store did not do what was asked; nothing good was lost."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of one damaged object.

    Attributes:
        item: Identifier.
        version: Of the AIP.
        store: Whose object was damaged.
        path: Inside the bag.
        outcome: How it ended.
        source: The store, or ``source NAME``, that the sound bytes came from, or empty.
        digest: What the object is now proven to be, as ``sha256:…``, or empty.
        detail: For people; ends with the next command where nothing was repaired.
        at: In UTC.
    """

    item: ItemId
    version: int
    store: str
    path: str
    outcome: RepairOutcome
    source: str
    digest: str
    detail: str
    at: datetime


def largest_undetected_share(sampled: int, population: int, *, confidence: float = 0.95) -> float:
    """Return the share of a population that may be damaged although a random sample of it was all good.

    With a share p damaged, a sample of n without replacement misses all damage with a chance below (1 - p)**n; the
    p where that is 1 - confidence bounds what was missed. Checking everything leaves nothing.
    """
    if population <= 0 or sampled >= population:
        return 0.0
    if sampled <= 0:
        return 1.0
    return float(min(1.0, -log(1 - confidence) / sampled, 1 - (1 - confidence) ** (1 / sampled)))
