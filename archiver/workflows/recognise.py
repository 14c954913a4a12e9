"""Recognise what earlier crawls met: what its source calls unchanged is not asked for again, what is gone is said once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from archiver.core.crawls import Stage, mark_of
from archiver.core.errors import InterruptedRunError, ItemDarkError, ItemNotFoundError, SourceError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.licences.decisions import GATE_VERSION
from archiver.core.outcomes import ItemOutcome, Outcome
from archiver.workflows.reappraise import asked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.core.crawls import CrawlTally, Sighting
    from archiver.core.items import ItemId
    from archiver.core.packages import Aip
    from archiver.core.selections import Selection
    from archiver.core.totals import Run
    from archiver.ports.sources import CandidatePage
    from archiver.workflows.walk import Walk

log = logging.getLogger(__name__)

BATCH = 500
"""Recognised items taken down at once."""


@dataclass(frozen=True, slots=True)
class Span:
    """Since when a source is asked.

    Attributes:
        since: As the operator says; None for what the catalogue remembers.
        is_full: Enumerate everything, whatever the catalogue remembers.
    """

    since: datetime | None = None
    is_full: bool = False


EVERYTHING_NEEDED = Span()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that the source named.

    Attributes:
        item: Identifier.
        mark: What its state there and its judgement here rest on, or empty.
        recognised: How it ended, where it need not be asked for again.
        host: Where its files lie, for a source whose files lie on many hosts; else empty.
    """

    item: ItemId
    mark: str
    recognised: ItemOutcome | None
    host: str = ""


def candidates(
    selection: Selection, walk: Walk, limit: int | None, tally: CrawlTally, unknown: tuple[ItemId, ...]
) -> Iterator[Candidate]:
    """Yield what the source names, each with what is known of it, then what was unknown before and it did not name again.

    The tally learns what was announced, and the end.
    """
    left = dict.fromkeys(unknown)

    def found() -> Iterator[Candidate]:
        for page in walk.source.enumerate(selection):
            if page.announced is not None:
                tally.announced = page.announced
                walk.progress.announced(min(page.announced, limit) if limit is not None else page.announced)
            for candidate in _known(page, selection, walk):
                left.pop(candidate.item, None)
                yield candidate
        yield from (Candidate(item, "", None) for item in left)
        tally.is_whole = True

    return islice(found(), limit)


def _known(page: CandidatePage, selection: Selection, walk: Walk) -> Iterator[Candidate]:
    hosts = page.hosts or ("",) * len(page.items)
    if not page.marks:
        yield from (Candidate(item, "", None, host) for item, host in zip(page.items, hosts, strict=True))
        return
    # The policy besides the selection: archiver.toml adds to what it denies.
    fixed = {
        "selection": selection.digest,
        "policy": selection.policy.sha256,
        "table": walk.table.sha256,
        "gate": str(GATE_VERSION),
    }
    marks = [mark_of({**fixed, "state": mark}) for mark in page.marks]
    sighted = walk.sightings.sighted(selection.name, page.items)
    stores, now = frozenset(walk.stores), walk.clock.now()
    for item, mark, host in zip(page.items, marks, hosts, strict=True):
        known = sighted.get(item)
        stands = known is not None and known.stands(mark, stores=stores, now=now) and not _has_moved(known, walk)
        yield Candidate(item, mark, _as_before(known) if known is not None and stands else None, host)


def _has_moved(known: Sighting, walk: Walk) -> bool:
    """Tell whether a quarantined item's case was decided, or nobody decided it in time."""
    if known.outcome is not Outcome.QUARANTINED:
        return False
    people = asked(known.item, walk.gatehouse, clock=walk.clock)
    return bool(people.accepted or people.expired or people.rejected)


def _as_before(known: Sighting) -> ItemOutcome:
    if known.outcome in {Outcome.STORED, Outcome.UNCHANGED}:
        return ItemOutcome(
            known.item,
            Outcome.UNCHANGED,
            tuple(f"COPY_DAMAGED:{store}" for store in known.damaged),
            aip=known.aip,
            licence=known.licence,
            files=known.files,
            stage=Stage.RECOGNISED,
        )
    detail = f"{known.detail} (unchanged at its source since {known.described_at:%Y-%m-%d})"
    return ItemOutcome(known.item, known.outcome, known.reasons, detail, stage=Stage.RECOGNISED)


def note_turn(outcome: ItemOutcome, selection: Selection, walk: Walk) -> None:
    """Append an event where a held item is not admitted any more, or gone; once for each turn of its fate.

    That its source did not answer is no turn, nor that this archive itself withdrew it.
    """
    is_turn = outcome.outcome is not Outcome.FAILED or outcome.reasons == (ItemNotFoundError.reason,)
    held = walk.holdings.latest(outcome.item) if is_turn else None
    if held is None:
        return
    before = walk.sightings.sighted(selection.name, (outcome.item,)).get(outcome.item)
    if before is None or before.reasons != outcome.reasons:
        detail = f"harvest: {', '.join(outcome.reasons)}: {outcome.detail}"
        walk.ledger.appended([_event(outcome.item, held.version, detail, walk)])


def note_gone(run: Run, selection: Selection, walk: Walk) -> int:
    """Ask for the held items that the source named no more; append an event for each that is gone, and return their number.

    What is still there, and only not found by the query any longer, is forgotten without a word.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    gone = 0
    for item in tuple(walk.sightings.unmet(run)):
        if walk.clock.stopping():
            raise InterruptedRunError("stopped while asking for items that were not found again")
        try:
            walk.source.describe(item)
        except (ItemDarkError, ItemNotFoundError) as error:
            note_turn(ItemOutcome(item, Outcome.REFUSED, (error.reason,), error.message), selection, walk)
            gone += 1
        except SourceError as error:
            log.warning("%s: not found again, and no answer about it: %s", item, error.message)
            continue
        walk.sightings.forget(run, (item,))
    return gone


def changed_event(aip: Aip, walk: Walk) -> Event:
    """Return the event of a further version."""
    detail = f"harvest: changed at its source: version {aip.version} holds its new state"
    return _event(aip.item, aip.version, detail, walk, outcome=EventOutcome.SUCCESS)


def _event(item: ItemId, version: int, detail: str, walk: Walk, outcome: EventOutcome = EventOutcome.WARNING) -> Event:
    return Event(
        EventType.APPRAISAL,
        walk.clock.now(),
        outcome,
        detail,
        walk.imprint.agent,
        item,
        version=version,
        store="",
        path="",
    )
