"""Withdraw and restore: dark at once, bytes later and only where that is allowed, the tombstone for ever."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from archiver.core.bags.layout import LAST_TAG_FILE
from archiver.core.errors import CannotRunError, StoreError, UsageError
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.fixity import digest_of
from archiver.core.withdrawals import TOMBSTONES, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from archiver.core.items import ItemId
    from archiver.ports.audits import AuditLedger
    from archiver.ports.catalogue import Holdings
    from archiver.ports.clock import Clock
    from archiver.ports.stores import Store
    from archiver.ports.withdrawals import Withdrawals


def withdraw(
    item: ItemId,
    *,
    reason: str,
    approver: str,
    delete_after: timedelta | None,
    ledger: Withdrawals,
    holdings: Holdings,
    vault: Mapping[str, Store],
    clock: Clock,
) -> tuple[Withdrawal, tuple[str, ...]]:
    """Make an item dark and keep its content from coming back.

    Args:
        item: What.
        reason: Why.
        approver: The person who decided it.
        delete_after: How long the bytes are kept at least, or None where they may never be deleted.
        ledger: Takes it down; from this moment the item is dark.
        holdings: What is held.
        vault: Every store; each gets the tombstone.
        clock: For the date.

    Returns:
        The takedown, and the stores that could not take the tombstone.

    Raises:
        UsageError: The item is not held, or is withdrawn already.
    """
    versions = holdings.versions(item)
    if not versions:
        raise UsageError(f"the archive does not hold {item}", next_command="archiver list")
    if ledger.withdrawn(item) is not None:
        raise UsageError(f"{item} is withdrawn already", next_command=f"archiver restore {item}")
    now = clock.now()
    one = Withdrawal(item, now, reason, approver, now + delete_after if delete_after is not None else None)
    event = Event(
        EventType.DEACCESSION,
        now,
        EventOutcome.SUCCESS,
        f"withdrawn: {reason}",
        Agent(approver, "person"),
        item,
        version=versions[-1].version,
    )
    ledger.withdraw(one, (event,))
    files = [
        {"version": held.version, "path": file.path, "sha256": file.sha256.value}
        for held in versions
        for file in holdings.files(item, held.version)
    ]
    record = {**one.to_json(), "title": versions[-1].title, "licence": versions[-1].licence, "blocked": files}
    return one, _engrave(vault, one, "withdrawn", record)


def restore(
    item: ItemId,
    *,
    approver: str,
    ledger: Withdrawals,
    holdings: Holdings,
    vault: Mapping[str, Store],
    clock: Clock,
) -> tuple[Withdrawal, tuple[str, ...]]:
    """End a takedown: the item is shown again, and its content may come in again.

    Returns:
        The takedown as it was, and the stores that could not take the record.

    Raises:
        UsageError: The item is not withdrawn.
    """
    one = ledger.withdrawn(item)
    if one is None:
        raise UsageError(f"{item} is not withdrawn", next_command=f"archiver show {item}")
    now = clock.now()
    versions = holdings.versions(item)
    event = Event(
        EventType.ACCESSION,
        now,
        EventOutcome.SUCCESS,
        "the withdrawal is ended",
        Agent(approver, "person"),
        item,
        version=versions[-1].version if versions else 0,
    )
    ledger.restore(item, at=now, by=approver, events=(event,))
    record = {**one.to_json(), "ended_at": now.isoformat(), "ended_by": approver}
    return one, _engrave(vault, one, f"restored-{now:%Y%m%dT%H%M%S%fZ}", record)


def delete_withdrawn(
    one: Withdrawal,
    *,
    ledger: Withdrawals,
    audits: AuditLedger,
    vault: Mapping[str, Store],
    clock: Clock,
    agent: Agent,
) -> int:
    """Delete every copy of a withdrawn item whose time has come; return how many objects that were.

    The tag manifest goes first: a bag without it was never finished, so a crash is visible and the next call goes on.

    Raises:
        StoreError: A store did not answer; the item stays to be deleted.
    """
    removed = 0
    events = []
    for copy in audits.copies(one.item):
        store = vault.get(copy.store)
        if store is None:
            raise StoreError(f"{one.item}: store {copy.store!r} is not in the settings; nothing was taken down")
        store.delete(copy.prefix + LAST_TAG_FILE)
        keys = [facts.key for facts in store.list(copy.prefix)]
        for key in keys:
            store.delete(key)
        removed += len(keys) + 1
        events.append(
            Event(
                EventType.DELETION,
                clock.now(),
                EventOutcome.SUCCESS,
                f"withdrawn on {one.at:%Y-%m-%d}, approved by {one.approver}: {one.reason}",
                agent,
                one.item,
                version=copy.version,
                store=copy.store,
            )
        )
    ledger.deleted(one.item, at=clock.now(), events=events)
    return removed


def _engrave(vault: Mapping[str, Store], one: Withdrawal, what: str, record: Mapping[str, object]) -> tuple[str, ...]:
    content = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
    name = hashlib.sha256(str(one.item).encode("utf-8", "surrogatepass")).hexdigest()
    key = f"{TOMBSTONES}{name}/{one.at:%Y%m%dT%H%M%S%fZ}-{what}.json"
    missed = []
    for store_name, store in vault.items():
        try:
            store.put(key, content, sha256=digest_of(content))
        except (StoreError, CannotRunError):
            missed.append(store_name)
    return tuple(missed)
