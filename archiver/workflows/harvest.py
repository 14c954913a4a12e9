"""Harvest: walk every item of a selection from its source into every store.

    candidate ── describe ── appraise ──> AdmittedItem ── capture ──> Sip ── reappraise ──> Sip ── pack ──> Aip ── deposit
                                └──> refused | quarantined                       └──> quarantined

Each item walks this way on one thread. What bounds the walk are its stages (`archiver.ports.stages`): so many items come
in, so many are examined, and more of them wait in staging for their stores, up to a bound. A slow place fills its own line
and stalls no other.

One item's fault is that item's outcome; the run goes on. What was finished stays finished when the run is stopped or
killed, and the same command goes on from there.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.crawls import CrawlTally, Stage, again, moved, since_when
from archiver.core.errors import StoreRefusedError, StoreUnavailableError
from archiver.core.outcomes import ItemOutcome, Outcome
from archiver.workflows.recognise import BATCH, EVERYTHING_NEEDED, Span, candidates, note_gone
from archiver.workflows.turns import Turns
from archiver.workflows.walk_item import finish, walked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.crawls import Window
    from archiver.core.items import ItemId
    from archiver.core.selections import Selection
    from archiver.workflows.walk import Walk

log = logging.getLogger(__name__)


def harvest(
    selection: Selection,
    walk: Walk,
    *,
    limit: int | None = None,
    span: Span = EVERYTHING_NEEDED,
    tally: CrawlTally | None = None,
) -> Iterator[ItemOutcome]:
    """Ingest what a selection names; yield how each item ended, in the order in which they end.

    Bags that an earlier run left complete in staging are deposited first. The caller holds the archive's lock.

    Args:
        selection: Which items, under which policy, into which stores (all of them in ``walk.stores``).
        walk: The doorways.
        limit: Consider so many candidates at most.
        span: Since when the source is asked.
        tally: Counts along, for the caller.

    Raises:
        SourceError: The enumeration broke off; every item found before was answered.
        CannotRunError: Somebody must act; what was finished stays finished.
        InterruptedRunError: The run was asked to stop; items in hand stay in staging.
    """
    _make_ready(walk)
    tally = tally if tally is not None else CrawlTally()
    began = walk.clock.now()
    window = walk.sightings.window(selection.name)
    selection = _spanned(selection, walk, span, window)
    run = walk.ledger.begin(selection=selection.name, selection_digest=selection.digest, at=began)
    recognised: list[ItemOutcome] = []
    complete = False
    try:
        unknown = again(window, digest=selection.digest, since=selection.since)
        for outcome in _outcomes(selection, walk, limit, tally, unknown):
            tally.take(outcome)
            if outcome.stage == Stage.RECOGNISED:
                recognised.append(outcome)
            else:
                walk.ledger.answered(run, outcome, at=walk.clock.now())
            if len(recognised) >= BATCH:
                walk.sightings.met(run, recognised, at=walk.clock.now())
                recognised.clear()
            yield outcome
        walk.sightings.met(run, recognised, at=walk.clock.now())
        recognised.clear()
        if tally.is_whole and selection.since is None and not (selection.items or walk.forgets):
            tally.gone += note_gone(run, selection, walk)
        crawl = tally.crawl()
        complete = not crawl.number(Outcome.FAILED)
        following = moved(window, crawl, digest=selection.digest, began=began, since=selection.since)
        if following is not None:
            walk.sightings.moved(selection.name, following)
    finally:
        if recognised:
            walk.sightings.met(run, recognised, at=walk.clock.now())
        crawl = tally.crawl()
        counts = {outcome: number for outcome, number in crawl.outcomes if number}
        walk.ledger.end(run, at=walk.clock.now(), complete=complete, counts=counts, crawl=crawl)


def rehearse(
    selection: Selection,
    walk: Walk,
    *,
    limit: int | None = None,
    span: Span = EVERYTHING_NEEDED,
    tally: CrawlTally | None = None,
) -> Iterator[ItemOutcome]:
    """Yield what `harvest` would do with each item, reading metadata only and writing nothing."""
    tally = tally if tally is not None else CrawlTally()
    window = walk.sightings.window(selection.name)
    selection = _spanned(selection, walk, span, window)
    unknown = again(window, digest=selection.digest, since=selection.since)
    for candidate in candidates(selection, walk, limit, tally, unknown):
        outcome = walked(candidate, selection=selection, walk=walk, is_rehearsal=True)
        tally.take(outcome)
        yield outcome


def _spanned(selection: Selection, walk: Walk, span: Span, window: Window | None) -> Selection:
    """Return the selection with the time since when its source is asked, or with none for everything."""
    since = span.since
    if since is None and walk.by_window and not span.is_full and not selection.items:
        since = since_when(window, digest=selection.digest, now=walk.clock.now())
    if since is not None:
        log.info("%s: asking for what is new or changed since %s", selection.name, since.isoformat(timespec="seconds"))
    return replace(selection, since=since)


def _make_ready(walk: Walk) -> None:
    """Clear what unfinished writes left in the stores, and learn at once whether a store can be reached at all."""
    if walk.claims.is_anybody_here():
        log.info("other processes work on this archive: their unfinished writes are left alone")
        return
    for name, store in walk.stores.items():
        try:
            swept = store.sweep()
        except StoreUnavailableError as error:
            raise StoreRefusedError(
                f"store {name!r} does not answer, nothing was harvested: {error.message}",
                next_command="archiver status",
            ) from error
        if swept:
            log.info("store %s: removed %d unfinished writes of an earlier run", name, swept)


def _outcomes(
    selection: Selection, walk: Walk, limit: int | None, tally: CrawlTally, unknown: tuple[ItemId, ...]
) -> Iterator[ItemOutcome]:
    """Finish what an earlier run left, then walk the candidates; an item finished first is walked no second time."""
    finished: set[ItemId] = set()
    for item in tuple(walk.staging.items()):
        with walk.claims.held(item):
            outcome = finish(item, selection, walk)
        if outcome is not None:
            finished.add(item)
            walk.progress.ended(item, outcome=outcome.outcome)
            yield replace(outcome, stage=Stage.ADMITTED)
    left = (one for one in candidates(selection, walk, limit, tally, unknown) if one.item not in finished)
    turns = Turns(left, share=walk.share)
    for outcome in walk.items.over(partial(walked, selection=selection, walk=walk), turns):
        turns.ended(outcome.item)
        yield outcome
