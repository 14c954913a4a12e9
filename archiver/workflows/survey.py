"""Take a survey of the archive from its catalogue; no store is contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.events import EventOutcome, EventType
from archiver.core.surveys import Incident, Surveyor
from archiver.workflows.coverage import shortfalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from archiver.core.coverage import CopyRule, StorePlan
    from archiver.core.events import Event
    from archiver.core.items import ItemId
    from archiver.core.surveys import Survey
    from archiver.ports.catalogue import Holdings
    from archiver.ports.chronicle import Chronicle
    from archiver.ports.coverage import Coverage

INCIDENTS = 5000
"""Failed checks that a report lists at most, the newest ones."""


def survey(
    holdings: Holdings,
    chronicle: Chronicle,
    coverage: Coverage,
    *,
    at: datetime,
    plans: Sequence[StorePlan],
    rule: CopyRule,
    organisation: str,
    program: str,
) -> Survey:
    """Return what is held, how well it is proven, and what went wrong.

    Args:
        holdings: What is held.
        chronicle: What happened.
        coverage: In which stores it lies.
        at: The moment that ages and due dates are counted from, in UTC.
        plans: The stores of the settings, in their order.
        rule: Copies, places, providers and media that each version should have.
        organisation: Who keeps the archive.
        program: Name and version.
    """
    surveyor = Surveyor(at=at, plans=plans, wanted_copies=rule.copies)
    for holding in holdings.holdings():
        surveyor.add(holding)
    checks = (one for one in chronicle.activity() if one.type is EventType.FIXITY_CHECK)
    failed = [event for event in chronicle.failures(limit=INCIDENTS) if event.type is EventType.FIXITY_CHECK]
    return surveyor.survey(
        organisation=organisation,
        program=program,
        checks=checks,
        incidents=incidents(failed, holdings),
        shortfalls=shortfalls(coverage, rule=rule, plans={plan.name: plan for plan in plans}, named=None),
    )


def incidents(failed: Iterable[Event], holdings: Holdings) -> Iterator[Incident]:
    """Pair each failed check with the next success for the same copy, where there was one.

    A check that failed is taken down for the copy and for each damaged file; the copy is left out where its files speak.
    """
    failed = tuple(failed)
    spoken = {(event.item, event.version, event.store, event.at) for event in failed if event.path}
    known: dict[ItemId, tuple[Event, ...]] = {}
    for event in failed:
        if not event.path and (event.item, event.version, event.store, event.at) in spoken:
            continue
        if event.item not in known:
            known.clear()  # failures of one item stand together; one item's events are kept at a time
            known[event.item] = tuple(holdings.events(event.item))
        yield Incident(event, _mended(event, known[event.item]))


def _mended(failure: Event, events: Iterable[Event]) -> Event | None:
    for event in events:
        is_after = event.at >= failure.at and event is not failure
        is_it = event.store == failure.store and event.version == failure.version
        is_it = is_it and event.path in {"", failure.path}
        is_proof = event.type in _PROOFS and not event.detail.startswith(_TOO_LITTLE)
        if is_after and is_it and is_proof and event.outcome is EventOutcome.SUCCESS:
            return event
    return None


_PROOFS = frozenset([EventType.FIXITY_CHECK, EventType.REPLICATION, EventType.RECOVERY])
"""Events that prove, when they succeed, that a copy is whole again."""
_TOO_LITTLE = ("grade listed", "grade size")
"""How the details of checks begin that prove no byte: they end no incident."""
