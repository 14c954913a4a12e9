"""Audit: check copies for ever, those first whose last check is longest ago, as far as a budget goes.

due copies ── check ──> CheckedCopy ── events and state ──> catalogue
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from random import Random
from threading import Lock
from typing import TYPE_CHECKING

from archiver.core.audits import (
    FIRST_DAY,
    AuditSummary,
    CheckOutcome,
    Prices,
    Scope,
    Spent,
    is_within,
    largest_undetected_share,
)
from archiver.core.errors import InterruptedRunError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.fixity import Grade
from archiver.workflows.check import check_copy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from archiver.core.audits import AuditPlan, CheckedCopy, DueCopy
    from archiver.core.events import Agent
    from archiver.ports.audits import AuditLedger
    from archiver.ports.catalogue import Holdings
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.stores import Store
    from archiver.workflows.listen import Listening

TAG_FILES = 10
"""Requests of a check beside those for payload files, before a check has shown how many there are."""
LONGEST_DETAIL = 20
"""Findings of one copy that get an event of their own; the event of the copy counts the others."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The doorways of an audit.

    Attributes:
        vault: Every store that is audited, by name.
        holdings: What the catalogue promises.
        ledger: Chooses copies and takes down results.
        copies: Engine that checks several copies at once.
        files: Engine that reads several files at once; must not share its threads with ``copies``.
        clock: For dates and for the time limit.
        agent: Who is to be named in the events.
        prices: What stores charge, by name; a store without an entry charges nothing.
        listening: For checks at grade `decode`; None where none is asked for.
    """

    vault: Mapping[str, Store]
    holdings: Holdings
    ledger: AuditLedger
    copies: Engine
    files: Engine
    clock: Clock
    agent: Agent
    prices: Mapping[str, Prices] = field(default_factory=dict)
    listening: Listening | None = None


class Audit:
    """One run of the audit: iterate over it, then ask for its summary.

    Every check is durable in the catalogue before it is yielded, so a run that is stopped or killed goes on where it was.
    """

    def __init__(self, plan: AuditPlan, rounds: Rounds) -> None:
        self._plan = plan
        self._rounds = rounds
        self._began = rounds.clock.now()
        self._began_at = rounds.clock.monotonic()
        self._lock = Lock()
        self._in_hand = Spent()
        self._promised: dict[tuple[int, str], Spent] = {}
        self._beside = Spent(requests=TAG_FILES)
        self._spent = Spent()
        self._left = 0
        self._population = 0
        self._taken = 0
        self._ended_by = ""
        self._counts: Counter[CheckOutcome] = Counter()
        self._codes: Counter[str] = Counter()
        self._objects = 0
        self._by_store: dict[str, Spent] = {}
        self._checks_by_store: Counter[str] = Counter()

    def __iter__(self) -> Iterator[CheckedCopy]:
        """Yield each check as it ends.

        Raises:
            InterruptedRunError: The run was asked to stop; what was checked is taken down.
        """
        check = partial(check_again, rounds=self._rounds, grade=self._plan.grade)
        for copy, checked in self._rounds.copies.over(check, self._affordable()):
            self._rounds.ledger.checked(copy, checked, events_of(checked, self._rounds.agent))
            self._count(copy, checked)
            yield checked
        if self._rounds.clock.stopping():
            raise InterruptedRunError("the audit was asked to stop; what was checked is taken down")

    def _affordable(self) -> Iterator[DueCopy]:
        """Yield the copies that the budget allows, each counted before it begins; then count what is left over."""
        draw = Random(self._plan.seed)  # noqa: S311 - a sample that can be drawn again, not a secret
        for copy in self._chosen():
            self._population += 1
            if self._plan.sample is not None and draw.random() >= self._plan.sample:
                continue
            if self._ended_by or self._rounds.clock.stopping():
                self._left += 1
                continue
            coming = self._expected(copy)
            with self._lock:
                spent = self._spent + self._in_hand
                spent = replace(spent, seconds=self._rounds.clock.monotonic() - self._began_at)
                if not is_within(self._plan.budget, spent=spent, coming=coming):
                    self._ended_by = _limit(self._plan, spent, coming)
                    self._left += 1
                    continue
                self._in_hand += coming
                self._promised[copy.aip_id, copy.store] = coming
                self._taken += 1
            yield copy

    def _chosen(self) -> Iterator[DueCopy]:
        plan, ledger = self._plan, self._rounds.ledger
        if plan.scope is Scope.ITEMS:
            for item in plan.items:
                yield from (copy for copy in ledger.copies(item) if copy.store in plan.stores)
            return
        seen: set[tuple[int, str]] = set()
        if plan.scope is Scope.DUE:
            for store, interval in plan.stores.items():
                for copy in ledger.fresh(store, since=self._began - FIRST_DAY, until=self._began):
                    if copy.checked_at > self._began - interval:
                        seen.add((copy.aip_id, store))
                        yield copy
        yield from (copy for copy in self._overdue() if (copy.aip_id, copy.store) not in seen)

    def _overdue(self) -> Iterator[DueCopy]:
        """Yield over all stores the copies that are longest overdue first, whatever the interval of their store."""
        plan = self._plan
        is_due = plan.scope is Scope.DUE

        def of(store: str, interval: timedelta) -> Iterator[tuple[datetime, int, str, DueCopy]]:
            until = self._began - interval if is_due else self._began
            for copy in self._rounds.ledger.due(store, grade=plan.grade, until=until):
                yield copy.checked_at + (interval if is_due else timedelta()), copy.aip_id, store, copy

        for *_, copy in heapq.merge(*(of(store, interval) for store, interval in plan.stores.items())):
            yield copy

    def _expected(self, copy: DueCopy) -> Spent:
        grade = self._plan.grade
        bytes_ = copy.bytes + self._beside.bytes if grade >= Grade.READ else 0
        requests = 2 if grade <= Grade.SIZE else copy.files + self._beside.requests
        return Spent(bytes_, requests, 0.0, self._prices(copy.store).of(requests=requests, bytes_=bytes_))

    def _prices(self, store: str) -> Prices:
        return self._rounds.prices.get(store, Prices())

    def _count(self, copy: DueCopy, checked: CheckedCopy) -> None:
        cost = self._prices(copy.store).of(requests=checked.requests, bytes_=checked.bytes)
        seconds = (checked.ended_at - checked.started_at).total_seconds()
        with self._lock:
            expected = self._promised.pop((copy.aip_id, copy.store))
            # What tag files cost is not in the catalogue: the dearest bag so far says it of the coming ones.
            self._beside = Spent(
                max(self._beside.bytes, checked.bytes - copy.bytes),
                max(self._beside.requests, checked.requests - copy.files),
            )
            back = Spent(-expected.bytes, -expected.requests, 0.0, -expected.cost)
            self._in_hand += back
            used = Spent(checked.bytes, checked.requests, seconds, cost)
            self._spent += used
            self._by_store[copy.store] = self._by_store.get(copy.store, Spent()) + used
        self._counts[checked.outcome] += 1
        self._checks_by_store[copy.store] += 1
        self._codes.update(one.code for one in checked.findings)
        self._objects += checked.objects

    def summary(self) -> AuditSummary:
        """Return what the run did, and what it left."""
        rounds, now = self._rounds, self._rounds.clock.now()
        elapsed = rounds.clock.monotonic() - self._began_at
        working = sum(spent.seconds for spent in self._by_store.values())
        forecasts = []
        for store, interval in sorted(self._plan.stores.items()):
            spent = self._by_store.get(store, Spent())
            forecasts.append(
                replace(
                    rounds.ledger.backlog(store, interval=interval, grade=self._plan.grade, now=now),
                    checked=self._checks_by_store[store],
                    checked_bytes=spent.bytes,
                    # Checks ran side by side: each store gets its share of the time that really passed.
                    seconds=elapsed * spent.seconds / working if working else 0.0,
                )
            )
        from_all = self._counts[CheckOutcome.DAMAGED] == 0 and self._plan.sample is not None
        answered = self._counts[CheckOutcome.GOOD] + self._counts[CheckOutcome.DAMAGED]
        return AuditSummary(
            copies=answered,
            good=self._counts[CheckOutcome.GOOD],
            damaged=self._counts[CheckOutcome.DAMAGED],
            unanswered=self._counts[CheckOutcome.UNANSWERED],
            objects=self._objects,
            bytes=self._spent.bytes,
            requests=self._spent.requests,
            seconds=elapsed,
            cost=self._spent.cost,
            findings=tuple(sorted(self._codes.items())),  # type: ignore[arg-type]
            left=self._left,
            budget_ended=self._ended_by,
            confidence=largest_undetected_share(answered, self._population) if from_all else None,
            sampled_from=self._population if self._plan.sample is not None else 0,
            forecasts=tuple(forecasts),
        )


def _limit(plan: AuditPlan, spent: Spent, coming: Spent) -> str:
    after = spent + coming
    budget = plan.budget
    for name, limit, used in (
        ("max-duration", budget.seconds, after.seconds),
        ("max-bytes", budget.bytes, after.bytes),
        ("max-requests", budget.requests, after.requests),
        ("max-cost", budget.cost, after.cost),
    ):
        if limit is not None and used >= limit:
            return name
    return "budget"


def check_again(copy: DueCopy, *, rounds: Rounds, grade: Grade) -> tuple[DueCopy, CheckedCopy]:
    """Check one copy and return it with what was found. Where it runs is the engine's affair."""
    return copy, checked_copy(copy, rounds, grade=grade)


def checked_copy(copy: DueCopy, rounds: Rounds, *, grade: Grade) -> CheckedCopy:
    """Check one copy against what the catalogue has of it now."""
    held = next(one for one in rounds.holdings.versions(copy.item) if one.version == copy.version)
    checked = check_copy(
        copy,
        files=rounds.holdings.files(copy.item, copy.version),
        root=held.tag_manifest,
        store=rounds.vault[copy.store],
        grade=grade,
        engine=rounds.files,
        clock=rounds.clock,
        listening=rounds.listening,
    )
    prices = rounds.prices.get(copy.store, Prices())
    return replace(checked, cost=prices.of(requests=checked.requests, bytes_=checked.bytes))


def events_of(checked: CheckedCopy, agent: Agent) -> tuple[Event, ...]:
    """Return the events of a check: one of the copy, and one of each object that is not right.

    Decoding is an event of its own, *validation*: fixity is kept where a file never played.
    """

    def event(outcome: EventOutcome, detail: str, path: str = "", type_: EventType = EventType.FIXITY_CHECK) -> Event:
        return Event(
            type_,
            checked.ended_at,
            outcome,
            detail,
            agent,
            checked.item,
            version=checked.version,
            store=checked.store,
            path=path,
        )

    said = f"grade {checked.grade.label}, {checked.objects} objects, {checked.bytes} bytes read"
    heard = tuple(event(outcome, detail, path, EventType.VALIDATION) for outcome, detail, path in _validations(checked))
    if checked.outcome is CheckOutcome.GOOD:
        return (event(EventOutcome.SUCCESS, said), *heard)
    counts = Counter(one.code.value for one in checked.findings)
    wrong = ", ".join(f"{number} {code}" for code, number in sorted(counts.items()))
    if checked.unanswered:
        wrong = "; ".join(part for part in (wrong, f"{len(checked.unanswered)} objects without an answer") if part)
    outcome = EventOutcome.FAILURE if checked.damages else EventOutcome.WARNING
    place = f"{checked.key}/"
    return (
        event(outcome, f"{said}: {wrong}"),
        *(
            event(
                EventOutcome.FAILURE,
                f"{one.code.value}: expected {one.expected}, actual {one.actual}"[:1000],
                one.where.removeprefix(place),
            )
            for one in checked.damages[:LONGEST_DETAIL]
        ),
        *heard,
    )


def _validations(checked: CheckedCopy) -> Iterator[tuple[EventOutcome, str, str]]:
    """Yield outcome, detail and path of what decoding found."""
    if not checked.decoded:
        return
    silent = checked.undecodable
    said = f"{checked.decoded} audio files decoded from the bytes in the store"
    if not silent:
        yield EventOutcome.SUCCESS, said, ""
        return
    yield EventOutcome.WARNING, f"{said}: {len(silent)} do not play to their end", ""
    for one in silent[:LONGEST_DETAIL]:
        yield EventOutcome.WARNING, f"{one.code.value}: {one.actual}"[:1000], one.where.removeprefix(f"{checked.key}/")
