"""The walk of one item, from what its source says of it to its copies. Nothing here knows of other items.

What was finished stays finished when the walk is stopped or killed, and the next one goes on from there: a bag is sealed in
staging before it is deposited (`docs/adr/0002-seal-before-deposit.md`).
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from contextlib import nullcontext
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from archiver.core.bags.layout import aip_prefix
from archiver.core.crawls import Stage
from archiver.core.endings import failure, replicated, turned_away, unchanged, undecided
from archiver.core.errors import (
    ArchiverError,
    CannotRunError,
    CaptureError,
    InterruptedRunError,
    ItemDarkError,
    SourceError,
    StoreError,
    UnsafeNameError,
)
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.gate import AdmittedItem, TurnedAway, appraise
from archiver.core.holdings import HeldFile, Holding
from archiver.core.outcomes import ItemOutcome, Outcome
from archiver.core.preferences import PATH as PREFERENCES
from archiver.core.preferences import recorded
from archiver.core.queries import contradicts
from archiver.core.sealed import parse_sealed, seal
from archiver.core.sounds import findings_of, sounds_in
from archiver.core.states import state_of
from archiver.core.technical import PATH as TECHNICAL
from archiver.workflows.capture import capture
from archiver.workflows.deposit import deposit
from archiver.workflows.examine import examine, kept_back
from archiver.workflows.pack import pack, retrieve
from archiver.workflows.reappraise import asked, quarantine, reappraise, waiting, with_preferences
from archiver.workflows.recall import shelf_of
from archiver.workflows.recognise import changed_event, note_turn
from archiver.workflows.replicate import replicate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId, SourceItem
    from archiver.core.packages import Aip, Sip
    from archiver.core.selections import Selection
    from archiver.ports.stores import Store
    from archiver.workflows.recall import Shelf
    from archiver.workflows.recognise import Candidate
    from archiver.workflows.walk import Walk

log = logging.getLogger(__name__)

SEALED = "aip.json"
"""Name of the record in staging that says: this bag is complete, only its deposit may be unfinished."""
ROUNDS = 2
"""How often an item is walked when its bytes are not those declared: the item may have been edited meanwhile."""


def walked(candidate: Candidate, *, selection: Selection, walk: Walk, is_rehearsal: bool = False) -> ItemOutcome:
    """Walk one item, alone with it, and return how it ended and how far it came. Where it runs is the engine's affair.

    Raises:
        CannotRunError: Somebody must act.
        InterruptedRunError: The run was asked to stop.
    """
    if candidate.recognised is not None:
        walk.progress.began(candidate.item)
        walk.progress.ended(candidate.item, outcome=candidate.recognised.outcome)
        return candidate.recognised
    trail = _Trail(candidate.host)
    with nullcontext() if is_rehearsal else walk.claims.held(candidate.item):
        outcome = _guarded(candidate.item, selection, walk, trail, is_rehearsal=is_rehearsal)
    if trail.stage < Stage.ADMITTED and not is_rehearsal:
        note_turn(outcome, selection, walk)
    return replace(outcome, stage=trail.stage, mark=candidate.mark)


def finish(item: ItemId, selection: Selection, walk: Walk) -> ItemOutcome | None:
    """Deposit a bag that stands complete in staging, or return None when there is none."""
    record = walk.staging.kept(item, SEALED)
    sealed = parse_sealed(record) if record is not None else None
    if sealed is None or item.source != selection.source:
        return None
    # Some of the stores it was sealed for may have it already: it goes on in those, whatever this selection names.
    names = [name for name in dict.fromkeys((*sealed.stores, *walk.stores)) if name in walk.vault]
    try:
        aip = retrieve(sealed, staging=walk.staging)
        if _is_another(aip, walk):
            log.warning("%s: version %d is held by now with other bytes, beginning anew", item, aip.version)
            walk.staging.discard(item)
            return None
        stores = {name: walk.vault[name] for name in names}
        outcome = _store(aip, walk, stores=stores, updated=sealed.updated, decision=sealed.decision)
    except CaptureError as error:
        # The power failed before the disk had what it promised: nothing of it was in a store, so the item begins anew.
        log.warning("%s: staging is damaged, beginning anew: %s", item, error.message)
        walk.staging.discard(item)
        return None
    except StoreError as error:
        outcome = failure(item, error)
    return outcome


def _is_another(aip: Aip, walk: Walk) -> bool:
    """Tell whether the place of a bag was taken since it was sealed: a rebuilt catalogue knows what a lost one did not."""
    return any(
        held.version == aip.version and held.tag_manifest != aip.tag_manifest
        for held in walk.holdings.versions(aip.item)
    )


def _guarded(item: ItemId, selection: Selection, walk: Walk, trail: _Trail, *, is_rehearsal: bool) -> ItemOutcome:
    """Walk one item and turn whatever goes wrong with it into its outcome."""
    if walk.clock.stopping():
        raise InterruptedRunError("stopped before the item was begun")
    walk.progress.began(item)
    try:
        outcome = _dark(item, walk)
        if outcome is None:
            steps = _appraised if is_rehearsal else _finished_or_walked
            outcome = steps(item, selection, walk, trail)
    except (CannotRunError, InterruptedRunError):
        raise
    except (ItemDarkError, UnsafeNameError) as error:
        outcome = ItemOutcome(item, Outcome.REFUSED, (error.reason,), error.message)
        if not is_rehearsal:
            walk.staging.discard(item)
    except ArchiverError as error:
        outcome = failure(item, error)
    except Exception as error:
        log.exception("%s: fault of the program", item)
        detail = f"fault of the program: {type(error).__name__}: {error}"
        outcome = ItemOutcome(item, Outcome.FAILED, ("INTERNAL_ERROR",), detail)
    walk.progress.ended(item, outcome=outcome.outcome)
    return outcome


def _finished_or_walked(item: ItemId, selection: Selection, walk: Walk, trail: _Trail) -> ItemOutcome:
    outcome = finish(item, selection, walk)
    if outcome is None:
        return _walk_item(item, selection, walk, trail)
    trail.stage = Stage.ADMITTED
    return outcome


@dataclass(slots=True)
class _Trail:
    """How far one item came, and from which host."""

    host: str
    stage: Stage = Stage.FOUND


def _described(item: ItemId, selection: Selection, walk: Walk, trail: _Trail) -> AdmittedItem | TurnedAway:
    described = walk.source.describe(item)
    trail.stage = Stage.DESCRIBED
    verdict = _appraise(described, selection, walk)
    if isinstance(verdict, AdmittedItem):
        trail.stage = Stage.ADMITTED
    return verdict


def _dark(item: ItemId, walk: Walk) -> ItemOutcome | None:
    """Refuse an item that this archive has withdrawn, without asking its source."""
    dark = walk.withdrawals.withdrawn(item)
    if dark is None:
        return None
    detail = f"withdrawn on {dark.at:%Y-%m-%d}, approved by {dark.approver}: {dark.reason}"
    return ItemOutcome(item, Outcome.REFUSED, ("ITEM_WITHDRAWN",), detail)


def _appraised(item: ItemId, selection: Selection, walk: Walk, trail: _Trail) -> ItemOutcome:
    """Say what the gate decides, for a rehearsal: what would be stored is reported as stored, with its declared size."""
    verdict = _described(item, selection, walk, trail)
    if isinstance(verdict, TurnedAway):
        return turned_away(verdict)
    held = _held(verdict, walk)
    if held is not None:
        missing = _missing(held, selection)
        return unchanged(held) if not missing else replicated(held, missing)
    size = sum(file.size or 0 for file, _ in verdict.files)
    prefix = aip_prefix(item.source, item.name, _next_version(item, walk))
    return ItemOutcome(
        item, Outcome.STORED, aip=prefix.rstrip("/"), licence=verdict.licence_url, files=len(verdict.files), bytes=size
    )


def _walk_item(item: ItemId, selection: Selection, walk: Walk, trail: _Trail) -> ItemOutcome:
    """Walk one item; once more from its metadata on when the bytes, or the item itself, changed on the way."""
    for round_ in range(1, ROUNDS + 1):
        verdict = _described(item, selection, walk, trail)
        if isinstance(verdict, TurnedAway):
            return _kept_out(verdict, walk, state=None)
        held = _held(verdict, walk)
        if held is not None:
            return _kept_as_it_is(held, selection, walk)
        waits = waiting(verdict, walk.gatehouse, state=_state(verdict), clock=walk.clock)
        if waits is not None:
            return undecided(*waits)
        try:
            with walk.stages.staged(sum(file.size or 0 for file, _ in verdict.files)):
                outcome = _ingest(verdict, selection, walk, trail.host)
        except CaptureError:
            if round_ == ROUNDS:
                raise
            continue
        finally:
            walk.gatehouse.in_hand.release(item)
        if outcome is not None:
            return outcome
    raise SourceError(
        f"{item}: the item changed at its source each time it was captured", next_command="archiver harvest"
    )


def _ingest(admitted: AdmittedItem, selection: Selection, walk: Walk, host: str) -> ItemOutcome | None:
    """Capture, pack and deposit an admitted item; None when the item changed meanwhile and must be appraised anew."""
    item = admitted.item.id
    state = _state(admitted)
    walk.progress.expects(item, files=len(admitted.files), bytes_=sum(file.size or 0 for file, _ in admitted.files))
    shelf = _shelf(admitted, walk)
    with walk.stages.capturing(host):
        sip = capture(
            admitted,
            state=state,
            source=walk.source,
            staging=walk.staging,
            transfers=walk.transfers,
            clock=walk.clock,
            progress=walk.progress,
            patience=walk.patience,
            shelf=shelf,
        )
    _take_down_damage(sip, walk)
    judged = reappraise(sip, selection, table=walk.table, gatehouse=walk.gatehouse, clock=walk.clock)
    if isinstance(judged, TurnedAway):
        return _kept_out(judged, walk, state=state)
    if walk.examining is not None:
        heard = examine(judged, examining=walk.examining)
        people = asked(item, walk.gatehouse, clock=walk.clock)
        judged = kept_back(heard, selection, state=state, table=walk.table, reviewed=people)
        if isinstance(judged, TurnedAway):
            return _kept_back(judged, walk, state=state)
    # The licence is a claim its uploader can edit at any time: what is stored must be what is declared now, not a while ago.
    now = _appraise(walk.source.describe(item), selection, walk)
    if not isinstance(now, AdmittedItem) or _state(now) != state:
        return None
    judged = with_preferences(judged, walk.preferences, clock=walk.clock)
    aip = pack(judged, version=_next_version(item, walk), state=state, imprint=walk.imprint, clock=walk.clock)
    decision = json.dumps(judged.admitted.decision.to_json(), sort_keys=True)
    sealed = seal(aip, stores=tuple(walk.stores), updated=admitted.item.updated, decision=decision, sip=judged)
    walk.staging.keep(item, SEALED, sealed)
    outcome = _store(aip, walk, stores=walk.stores, updated=admitted.item.updated, decision=decision)
    return replace(outcome, recalled=sum(file.staged.size for file in sip.files if file.recalled))


def _shelf(admitted: AdmittedItem, walk: Walk) -> Shelf | None:
    """Return what is held of an item whose newest version is another one than its source has now."""
    held = walk.holdings.latest(admitted.item.id)
    is_worth_it = held is not None and any(file.digests for file, _ in admitted.files)
    return shelf_of(held, holdings=walk.holdings, vault=walk.vault) if held is not None and is_worth_it else None


def _take_down_damage(sip: Sip, walk: Walk) -> None:
    """Let the log know of every held file that was read and found damaged while its bytes were wanted for a new version."""
    damaged = [one for file in sip.files for one in file.passed_over if one.is_damage]
    for one in damaged:
        log.warning("%s: store %s, version %d: %s: %s", sip.admitted.item.id, *astuple(one.place), one.why)
    walk.ledger.appended(
        Event(
            EventType.FIXITY_CHECK,
            walk.clock.now(),
            EventOutcome.FAILURE,
            f"read for a new version: {one.why}",
            walk.imprint.agent,
            sip.admitted.item.id,
            version=one.place.version,
            store=one.place.store,
            path=one.place.path,
        )
        for one in damaged
    )


def _store(aip: Aip, walk: Walk, *, stores: Mapping[str, Store], updated: str, decision: str) -> ItemOutcome:
    """Deposit an AIP, take it down in the catalogue, and only then let go of staging."""
    copies, events = deposit(
        aip, stores=stores, clock=walk.clock, agent=walk.imprint.agent, puts=walk.puts, in_turn=walk.stages.in_turn
    )
    sounds = next((sounds_in(content) for path, content in aip.tag_files if str(path) == TECHNICAL), ())
    holding = Holding(
        item=aip.item,
        version=aip.version,
        prefix=aip.prefix,
        title=aip.title,
        licence=aip.licence_url,
        state=aip.state,
        updated=updated,
        files=len(aip.payload),
        bytes=aip.bytes,
        tag_manifest=aip.tag_manifest,
        ingested_at=walk.clock.now(),
        copies=copies,
        preferences=next((recorded(content) for path, content in aip.tag_files if str(path) == PREFERENCES), ()),
        sounds=sounds,
    )
    files = (HeldFile(f"data/{file.path}", file.staged.size, file.staged.sha256, file.sha512) for file in aip.payload)
    if aip.version > 1:
        events = (*events, changed_event(aip, walk))
    walk.ledger.ingested(holding, files, events, decision=decision)
    walk.staging.discard(aip.item)
    return ItemOutcome(
        aip.item,
        Outcome.STORED,
        findings_of(sounds),
        audio=tuple(sorted(Counter(sound.verdict.value for sound in sounds).items())),
        aip=aip.prefix.rstrip("/"),
        licence=aip.licence_url,
        files=len(aip.payload),
        bytes=aip.bytes,
        decision=decision,
    )


def _appraise(item: SourceItem, selection: Selection, walk: Walk) -> AdmittedItem | TurnedAway:
    verdict = appraise(item, selection, table=walk.table, reviewed=asked(item.id, walk.gatehouse, clock=walk.clock))
    if not selection.items and contradicts(selection.query, item):
        # A search has answered with the items of another query before: a hit is only a candidate (docs/sources.md).
        detail = f"the source offered it for {selection.query!r}, and its own metadata says otherwise"
        return TurnedAway(item, verdict.decision, False, ("NOT_IN_SELECTION",), detail)  # noqa: FBT003
    return verdict


def _state(admitted: AdmittedItem) -> Digest:
    item = admitted.item
    return state_of(item.id, (file for file, _ in admitted.files), licence=admitted.licence_url, revision=item.revision)


def _held(admitted: AdmittedItem, walk: Walk) -> Holding | None:
    """Return the newest version when it holds the item in the state in which its source has it now."""
    held = walk.holdings.latest(admitted.item.id)
    return held if held is not None and held.state == _state(admitted) else None


def _missing(held: Holding, selection: Selection) -> tuple[str, ...]:
    has = {copy.store for copy in held.copies}
    return tuple(name for name in selection.stores if name not in has)


def _kept_as_it_is(held: Holding, selection: Selection, walk: Walk) -> ItemOutcome:
    """Leave a held item alone, but for stores that the selection has gained since: those get a copy of the same bag."""
    missing = _missing(held, selection)
    if missing:
        into = {name: walk.stores[name] for name in missing}
        copies, events = replicate(
            held, into=into, vault=walk.vault, staging=walk.staging, clock=walk.clock, agent=walk.imprint.agent
        )
        everywhere = tuple(sorted((*held.copies, *copies), key=lambda copy: copy.store))
        walk.ledger.ingested(replace(held, copies=everywhere), (), (), decision="")
        walk.ledger.appended(events)
    walk.staging.discard(held.item)
    if missing:
        return replicated(held, missing)
    if walk.since is not None and held.ingested_at >= walk.since:
        return replace(unchanged(held), outcome=Outcome.STORED, bytes=held.bytes)
    return unchanged(held)


def _next_version(item: ItemId, walk: Walk) -> int:
    versions = walk.holdings.versions(item)
    return versions[-1].version + 1 if versions else 1


def _kept_out(verdict: TurnedAway, walk: Walk, *, state: Digest | None) -> ItemOutcome:
    """Let go of every byte of an item that is turned away; where people may decide, the evidence is kept for them."""
    if verdict.quarantined:
        quarantine(verdict, walk.gatehouse.reviews, state=state, clock=walk.clock)
    walk.staging.discard(verdict.item.id)
    return turned_away(verdict)


def _kept_back(verdict: TurnedAway, walk: Walk, *, state: Digest) -> ItemOutcome:
    """Let an item wait for a person with every byte it has: they are the declared ones, and damage drops none of them."""
    quarantine(verdict, walk.gatehouse.reviews, state=state, clock=walk.clock)
    return turned_away(verdict)
