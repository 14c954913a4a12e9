"""Recheck: ask a source again what it says of the licences of held items, the longest unasked first.

    held ── describe ── judge ──> unchanged | changed | withdrawn | darkened ──> event, proof

Nothing is deleted: a licence once given cannot be taken back from who received the work under it, and the bag holds
the dated proof. What a source has removed is for a person to look at.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from archiver.core.bags.layout import aip_prefix
from archiver.core.errors import InterruptedRunError, ItemDarkError, ItemNotFoundError, SourceError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.gate import judge_item
from archiver.core.licences.policies import policy_named
from archiver.core.rechecks import MARK, Drift, Recheck, drifted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from archiver.core.events import Agent
    from archiver.core.items import SourceItem
    from archiver.core.licences.table import LicenceTable
    from archiver.core.rechecks import HeldLicence
    from archiver.ports.catalogue import Ledger
    from archiver.ports.clock import Clock
    from archiver.ports.rechecks import HeldLicences
    from archiver.ports.sources import Source
    from archiver.ports.stores import Store

ASKED = policy_named("all-cc", public_domain_mark="accept", extension_registry="accept")
"""The widest policy: here it is asked what is declared, not whether it would be admitted."""


@dataclass(frozen=True, slots=True)
class Round:
    """The doorways of one round of rechecks.

    Attributes:
        forgets: Whether what the source names no more may be there all the same, as with feeds.
    """

    source: Source
    held: HeldLicences
    ledger: Ledger
    vault: Mapping[str, Store]
    table: LicenceTable
    clock: Clock
    agent: Agent
    forgets: bool = False


def recheck(round_: Round, *, until: datetime, limit: int | None = None) -> Iterator[Recheck]:
    """Ask again for items last asked for no later than ``until``; yield each answer once its event is durable.

    A run that was stopped goes on where it was, because the answered items are no longer the oldest. The source's own
    pace holds. The caller holds the archive's lock.

    Raises:
        InterruptedRunError: The run was asked to stop.
        CannotRunError: Somebody must act.
        StoreError: The proof of a change could not be kept; the item is asked for again.
    """
    for held in islice(round_.held.longest_unasked(round_.source.name, until=until), limit):
        if round_.clock.stopping():
            raise InterruptedRunError("stopped before the next item was asked for")
        answer = _asked(held, round_)
        if answer.drift is not Drift.FAILED:
            round_.ledger.appended([_event(answer, round_)])
        yield answer


def _asked(held: HeldLicence, round_: Round) -> Recheck:
    holding = held.holding
    try:
        item = round_.source.describe(holding.item)
    except ItemDarkError as error:
        return _gone(held, Drift.DARKENED, error, round_)
    except ItemNotFoundError as error:
        if round_.forgets:
            return Recheck(
                holding, Drift.UNCHANGED, detail=f"its source names only some of what it has: {error.message}"
            )
        return _gone(held, Drift.WITHDRAWN, error, round_)
    except SourceError as error:
        return Recheck(holding, Drift.FAILED, detail=error.message, transient=error.transient)
    decision = judge_item(item, ASKED, table=round_.table)
    changed = drifted(held, decision, is_closed=item.access_restricted or item.stream_only)
    if not changed:
        return Recheck(holding, Drift.UNCHANGED, decision.licence, f"as before: {holding.licence}")
    proof = _kept(held, {"decision": decision.to_json(), "answers": _answers(item)}, changed, round_)
    return Recheck(holding, Drift.CHANGED, decision.licence, changed, proof)


def _gone(held: HeldLicence, drift: Drift, error: SourceError, round_: Round) -> Recheck:
    proof = _kept(held, {"decision": None, "answers": []}, error.message, round_)
    return Recheck(held.holding, drift, detail=error.message, proof=proof)


def _answers(item: SourceItem) -> list[dict[str, str]]:
    return [
        {
            "url": answer.url,
            "retrieved_at": answer.retrieved_at.isoformat(timespec="seconds"),
            "received": str(answer.received),
            "content": answer.content.decode("utf-8", "replace"),
        }
        for answer in item.answers
    ]


def _kept(held: HeldLicence, found: Mapping[str, object], what: str, round_: Round) -> str:
    """Keep the dated proof of a change in every store that has the item, under a key of its own, and return the key."""
    holding, now = held.holding, round_.clock.now()
    record = {
        "item": str(holding.item),
        "version": holding.version,
        "held_under": holding.licence,
        "ingested_at": holding.ingested_at.isoformat(timespec="seconds"),
        "asked_at": now.isoformat(timespec="seconds"),
        "what": what,
        **found,
    }
    content = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode("utf-8", "backslashreplace")
    place = aip_prefix(holding.item.source, holding.item.name, holding.version).removeprefix("bags/").rstrip("/")
    key = f"archive/rechecks/{place}-{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(content).hexdigest()[:8]}.json"
    for copy in holding.copies:
        if copy.store in round_.vault:
            round_.vault[copy.store].put(key, content, sha256=digest_of(content, Algorithm.SHA256))
    return key


def _event(answer: Recheck, round_: Round) -> Event:
    outcome = EventOutcome.WARNING if answer.is_finding else EventOutcome.SUCCESS
    proof = f"; proof: {answer.proof}" if answer.proof else ""
    detail = f"{MARK}{answer.drift.value}: {answer.detail}{proof}"
    return Event(
        EventType.APPRAISAL,
        round_.clock.now(),
        outcome,
        detail,
        round_.agent,
        answer.holding.item,
        version=answer.holding.version,
    )
