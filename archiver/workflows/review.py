"""Review: a named person decides what the gate could not, and says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archiver.core.errors import UsageError
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.licences.urls import resolve_url
from archiver.core.reviews import Case, Standing, Verdict, person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.core.items import ItemId
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool
    from archiver.core.reviews import ReviewRules
    from archiver.ports.catalogue import Ledger
    from archiver.ports.clock import Clock
    from archiver.ports.reviews import Reviews

SHORTEST_REASON = 10
"""Characters: a reason is a sentence that somebody can read in twenty years."""


def newest(item: ItemId, reviews: Reviews) -> Case:
    """Return the case of an item that is to be decided: the newest one.

    Raises:
        UsageError: The item was never quarantined.
    """
    cases = reviews.cases(item)
    if not cases:
        raise UsageError(f"{item} is not in quarantine", next_command="archiver review list")
    return cases[-1]


def in_batch(case: Case, collection: str, reviews: Reviews, *, rules: ReviewRules, now: datetime) -> tuple[Case, ...]:
    """Return the undecided cases of one collection whose items declare exactly the same, this one first.

    Raises:
        UsageError: The item itself is not in that collection.
    """
    if collection not in case.collections:
        raise UsageError(
            f"{case.item} is not in the collection {collection!r}: it is in {', '.join(case.collections) or 'none'}",
            next_command=f"archiver review show {case.item}",
        )
    undecided = {Standing.OPEN, Standing.HALF, Standing.EXPIRED}
    others = (
        other
        for other in reviews.every_case()
        if other.item != case.item
        and other.batch_set == case.batch_set
        and collection in other.collections
        and other.standing(rules, now) in undecided
    )
    return (case, *others)


def accept(
    case: Case,
    *,
    licence: Tool,
    reviewer: str,
    reason: str,
    reviews: Reviews,
    ledger: Ledger,
    rules: ReviewRules,
    clock: Clock,
) -> Standing:
    """Accept a quarantined item under a licence; return how the case stands now.

    The next harvest takes the item up, if its declarations are then still exactly those of the case.

    Raises:
        UsageError: The case is decided already, the person has spoken already, or name or reason are missing.
    """
    _refuse_empty(reviewer, reason)
    now = clock.now()
    standing = case.standing(rules, now)
    if standing is Standing.REJECTED or any(_is_rejected(one) for one in reviews.cases(case.item)):
        raise UsageError(f"{case.item} was rejected, for good", next_command=f"archiver review show {case.item}")
    if standing is Standing.ACCEPTED:
        raise UsageError(f"{case.item} is accepted already", next_command="archiver harvest SELECTION")
    if not licence.lets_anyone_copy:
        raise UsageError(f"{licence.url} lets nobody keep the whole work", next_command="archiver licence list")
    for verdict in case.verdicts:
        if person(verdict.reviewer) == person(reviewer):
            raise UsageError(f"{reviewer} has accepted {case.item} already; a second person is asked for")
        if verdict.licence != licence.url:
            raise UsageError(
                f"{case.item}: {verdict.reviewer} accepted {verdict.licence}, expected the same, actual {licence.url}",
                next_command=f"archiver review show {case.item}",
            )
    return _judge(case, Verdict(True, reviewer.strip(), reason.strip(), licence.url, now), reviews, ledger, rules)  # noqa: FBT003


def reject(
    case: Case, *, reviewer: str, reason: str, reviews: Reviews, ledger: Ledger, rules: ReviewRules, clock: Clock
) -> Standing:
    """Keep an item out for good; return how the case stands now.

    Raises:
        UsageError: It was rejected already, or name or reason are missing.
    """
    _refuse_empty(reviewer, reason)
    if any(_is_rejected(one) for one in reviews.cases(case.item)):
        raise UsageError(f"{case.item} was rejected already", next_command=f"archiver review show {case.item}")
    verdict = Verdict(False, reviewer.strip(), reason.strip(), "", clock.now())  # noqa: FBT003
    return _judge(case, verdict, reviews, ledger, rules)


def _judge(case: Case, verdict: Verdict, reviews: Reviews, ledger: Ledger, rules: ReviewRules) -> Standing:
    reviews.judged(case, verdict)
    word = f"accepted under {verdict.licence}" if verdict.is_acceptance else "rejected"
    outcome = EventOutcome.SUCCESS if verdict.is_acceptance else EventOutcome.FAILURE
    agent = Agent(verdict.reviewer, "person")
    ledger.appended([Event(EventType.APPRAISAL, verdict.at, outcome, f"{word}: {verdict.reason}", agent, case.item)])
    (after,) = (one for one in reviews.cases(case.item) if one.id == case.id)
    return after.standing(rules, verdict.at)


def _is_rejected(case: Case) -> bool:
    return any(not verdict.is_acceptance for verdict in case.verdicts)


def _refuse_empty(reviewer: str, reason: str) -> None:
    if not reviewer.strip():
        raise UsageError("a review needs a name", next_command='archiver review … --reviewer "Your Name"')
    if len(reason.strip()) < SHORTEST_REASON:
        raise UsageError(
            f"a review needs a reason of at least {SHORTEST_REASON} characters: who is sure, and from what",
            next_command='archiver review … --reason "asked the label, which answered on …"',
        )


def licence_of(case: Case, named: str, *, table: LicenceTable) -> Tool:
    """Return the tool that an item is accepted under: the named one, else the only one that its declarations name.

    Raises:
        UsageError: None is named and the declarations name none or several; or the named one is not in the table.
    """
    candidates = tuple(_named_tools(case))
    wanted = named or (candidates[0] if len(candidates) == 1 else "")
    if not wanted:
        listed = ", ".join(candidates) or "none"
        raise UsageError(
            f"{case.item}: its declarations name {listed}; say under which licence it is accepted",
            next_command=f"archiver review accept {case.item} --licence URL …",
        )
    tool = resolve_url(wanted, table).tool or (table.extension.resolve(wanted) if table.extension else None)
    if tool is None:
        raise UsageError(f"{wanted} is no legal tool of the table", next_command="archiver licence list")
    return tool


def _named_tools(case: Case) -> Iterator[str]:
    evidence = json.loads(case.decision).get("evidence", [])
    yield from dict.fromkeys(one["tool"] for one in evidence if one.get("tool") and one.get("polarity") == "grant")
