"""A survey: what the catalogue says about every copy at one moment, added up for people who must answer for it.

Grades of evidence are counted apart (DESIGN §7). A number here is always counted over all copies; only lists are cut.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from archiver.core.coverage import StorePlan
from archiver.core.fixity import Grade
from archiver.core.holdings import CopyStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archiver.core.coverage import Shortfall
    from archiver.core.events import Event, EventOutcome, EventType
    from archiver.core.holdings import Copy, Holding

DEFAULT_INTERVAL = timedelta(days=90)
"""Between two checks of a copy, where a store says nothing (a recommendation; no standard names a number)."""

AGES = (("up to 7 days", 7), ("8 to 30 days", 30), ("31 to 90 days", 90), ("91 days to a year", 365), ("older", 10**6))
"""Classes of how long ago a copy was checked: name, and the most days."""


@dataclass(frozen=True, slots=True)
class Activity:
    """How many events of one kind ended one way on one day (UTC) in one store."""

    day: date
    type: EventType
    outcome: EventOutcome
    store: str
    number: int


@dataclass(frozen=True, slots=True)
class CopyLine:
    """One copy, as a row of a report; `overdue_by` is zero where the next check is not due yet."""

    holding: Holding
    copy: Copy
    due_at: datetime
    overdue_by: timedelta


@dataclass(frozen=True, slots=True)
class Incident:
    """A check that failed, and the success that followed for the same object, where there was one."""

    event: Event
    mended: Event | None


class Verdict(StrEnum):
    """One word for the whole archive."""

    EMPTY = "empty"
    GOOD = "good"
    OVERDUE = "overdue"
    THIN = "thin"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Whether a store's checks keep up with its interval.

    Attributes:
        plan: Of the store.
        copies: Held there.
        bytes: Payload bytes of those copies.
        good: Copies whose last check found nothing.
        overdue: Copies not checked within the interval.
        oldest: The longest-unchecked copy's last check, or None in an empty store.
        due_in_30: Copies that fall due within 30 days, those overdue not counted.
        needed: Checks a day that the interval asks for.
        done: Checks a day over the last 30 days, or over the days since the first one where that is less.
        clear_in: Days until nothing is overdue at that pace, 0 when nothing is, None when the backlog never clears.
    """

    plan: StorePlan
    copies: int
    bytes: int
    good: int
    overdue: int
    oldest: datetime | None
    due_in_30: int
    needed: float
    done: float
    clear_in: float | None


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything a report says. Counts are pairs in the order in which they are shown.

    Attributes:
        at: The moment it speaks of, in UTC.
        organisation: Who keeps the archive.
        program: Name and version.
        items: Items held, the newest version of each.
        files: Payload files of those.
        bytes: Payload bytes of those, one copy counted.
        lines: Every copy, in the order of items.
        forecasts: One for each store that is set up or holds something.
        grades: Copies by grade and age class, good ones only.
        unproven: Copies that are damaged or missing.
        overdue: Copies whose next check is past due.
        thin: Items of which a version falls short of the copies, places, providers or media asked for.
        lost: Items without any good copy.
        wanted_copies: How many good copies each item should have.
        licences: Items and bytes by licence, most items first.
        sources: Items and bytes by source.
        sizes: Items by size class.
        growth: Month, items and bytes held at its end.
        checks: Activity of fixity checks by day.
        incidents: Failed checks, newest first, a limited number.
        shortfalls: How versions fall short, the most frequent way first, every version named.
    """

    at: datetime
    organisation: str
    program: str
    items: int
    files: int
    bytes: int
    lines: tuple[CopyLine, ...]
    forecasts: tuple[Forecast, ...]
    grades: tuple[tuple[Grade, tuple[int, ...]], ...]
    unproven: int
    overdue: int
    thin: int
    lost: int
    wanted_copies: int
    licences: tuple[tuple[str, int, int], ...]
    sources: tuple[tuple[str, int, int], ...]
    sizes: tuple[tuple[str, int], ...]
    growth: tuple[tuple[str, int, int], ...]
    checks: tuple[Activity, ...]
    incidents: tuple[Incident, ...]
    shortfalls: tuple[Shortfall, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst thing that is true."""
        if not self.items:
            return Verdict.EMPTY
        if self.unproven or self.lost:
            return Verdict.DAMAGED
        if self.thin:
            return Verdict.THIN
        return Verdict.OVERDUE if self.overdue else Verdict.GOOD

    @property
    def open_incidents(self) -> int:
        """Failed checks that no success has followed."""
        return sum(incident.mended is None for incident in self.incidents)


SIZES = (("under 1 MB", 10**6), ("1 to 10 MB", 10**7), ("10 to 100 MB", 10**8), ("100 MB to 1 GB", 10**9))
LARGEST = "1 GB and more"


class Surveyor:
    """Adds holdings up into a survey; memory grows by one line a copy and by nothing else.

    Args:
        at: The moment, in UTC.
        plans: The stores of the settings.
        wanted_copies: Good copies that each item should have.
    """

    def __init__(self, *, at: datetime, plans: Sequence[StorePlan], wanted_copies: int) -> None:
        self._at = at
        self._plans = {plan.name: plan for plan in plans}
        self._wanted = wanted_copies
        self._lines: list[CopyLine] = []
        self._items = self._files = self._bytes = self._thin = self._lost = 0
        self._licences: dict[str, list[int]] = {}
        self._sources: dict[str, list[int]] = {}
        self._months: dict[str, list[int]] = {}
        self._sizes: Counter[str] = Counter()

    def add(self, holding: Holding) -> None:
        """Count the newest version of one item."""
        self._items += 1
        self._files += holding.files
        self._bytes += holding.bytes
        for counts, key in (
            (self._licences, holding.licence),
            (self._sources, holding.item.source),
            (self._months, f"{holding.ingested_at:%Y-%m}"),
        ):
            entry = counts.setdefault(key, [0, 0])
            entry[0] += 1
            entry[1] += holding.bytes
        self._sizes[next((name for name, limit in SIZES if holding.bytes < limit), LARGEST)] += 1
        good = sum(copy.status is CopyStatus.GOOD for copy in holding.copies)
        self._thin += good < self._wanted
        self._lost += good == 0
        for copy in holding.copies:
            due_at = copy.checked_at + self._plan(copy.store).every
            self._lines.append(CopyLine(holding, copy, due_at, max(self._at - due_at, timedelta())))

    def _plan(self, store: str) -> StorePlan:
        """Return a store's plan; one that left the settings while it holds copies has the default interval."""
        return self._plans.setdefault(store, StorePlan(store, "not in the settings", "", "", "", "", DEFAULT_INTERVAL))

    def survey(
        self,
        *,
        organisation: str,
        program: str,
        checks: Iterable[Activity],
        incidents: Iterable[Incident],
        shortfalls: Iterable[Shortfall] | None = None,
    ) -> Survey:
        """Return the sum of everything added; without `shortfalls` the copies alone are counted."""
        checks = tuple(checks)
        short = None if shortfalls is None else tuple(shortfalls)
        return Survey(
            at=self._at,
            organisation=organisation,
            program=program,
            items=self._items,
            files=self._files,
            bytes=self._bytes,
            lines=tuple(self._lines),
            forecasts=self._forecasts(checks),
            grades=_grades(self._lines, self._at),
            unproven=sum(line.copy.status is not CopyStatus.GOOD for line in self._lines),
            overdue=sum(bool(line.overdue_by) for line in self._lines),
            thin=self._thin if short is None else len({item for one in short for item, _ in one.versions}),
            lost=self._lost,
            wanted_copies=self._wanted,
            licences=_most_first(self._licences),
            sources=_most_first(self._sources),
            sizes=tuple((name, self._sizes[name]) for name in (*(name for name, _ in SIZES), LARGEST)),
            growth=_growth(self._months, self._at),
            checks=checks,
            incidents=tuple(incidents),
            shortfalls=short or (),
        )

    def _forecasts(self, checks: Sequence[Activity]) -> tuple[Forecast, ...]:
        by_store: dict[str, list[CopyLine]] = {name: [] for name in self._plans}
        for line in self._lines:
            by_store[line.copy.store].append(line)
        return tuple(
            forecast(self._plans[name], lines, [one for one in checks if one.store == name], self._at)
            for name, lines in by_store.items()
        )


def forecast(plan: StorePlan, lines: Sequence[CopyLine], checks: Iterable[Activity], at: datetime) -> Forecast:
    """Tell whether a store's checks keep up."""
    overdue = sum(bool(line.overdue_by) for line in lines)
    needed = len(lines) / (plan.every / timedelta(days=1))
    done = _pace(checks, at)
    gain = done - needed
    if not overdue:
        clear_in: float | None = 0.0
    else:
        clear_in = overdue / gain if gain > 0 else None
    return Forecast(
        plan=plan,
        copies=len(lines),
        bytes=sum(line.holding.bytes for line in lines),
        good=sum(line.copy.status is CopyStatus.GOOD for line in lines),
        overdue=overdue,
        oldest=min((line.copy.checked_at for line in lines), default=None),
        due_in_30=sum(at < line.due_at <= at + timedelta(days=30) for line in lines),
        needed=needed,
        done=done,
        clear_in=clear_in,
    )


def _pace(checks: Iterable[Activity], at: datetime) -> float:
    """Return checks a day over the last 30 days; a shorter history is not diluted by days before it began."""
    recent = [check for check in checks if 0 <= (at.date() - check.day).days < 30]
    if not recent:
        return 0.0
    days = (at.date() - min(check.day for check in recent)).days + 1
    return sum(check.number for check in recent) / days


def _grades(lines: Iterable[CopyLine], at: datetime) -> tuple[tuple[Grade, tuple[int, ...]], ...]:
    counts = {grade: [0] * len(AGES) for grade in sorted(Grade, reverse=True)}
    for line in lines:
        if line.copy.status is CopyStatus.GOOD:
            days = (at - line.copy.checked_at) / timedelta(days=1)
            place = next(number for number, (_, most) in enumerate(AGES) if days <= most or number == len(AGES) - 1)
            counts[line.copy.grade][place] += 1
    return tuple((grade, tuple(numbers)) for grade, numbers in counts.items())


def _most_first(counts: dict[str, list[int]]) -> tuple[tuple[str, int, int], ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1][0], entry[0]))
    return tuple((name, items, bytes_) for name, (items, bytes_) in ordered)


def _growth(months: dict[str, list[int]], at: datetime) -> tuple[tuple[str, int, int], ...]:
    """Return what was held at the end of each month, months without an ingestion included."""
    if not months:
        return ()
    year, month = map(int, min(months).split("-"))
    items = bytes_ = 0
    grown = []
    while (year, month) <= (at.year, at.month):
        here = months.get(f"{year:04}-{month:02}", [0, 0])
        items, bytes_ = items + here[0], bytes_ + here[1]
        grown.append((f"{year:04}-{month:02}", items, bytes_))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return tuple(grown)
