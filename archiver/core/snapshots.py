"""What a store must hold beside the bags so that the catalogue can be made again from it, events included.

After each run the events since the last one, and the state of every AIP they touch, go into every store as
``archive/catalogue/events-<first>-<last>.jsonl``: JSON Lines, each
``{"kind": "event" | "aip" | "withdrawal" | "review", …}``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.fixity import Grade, parse_digest
from archiver.core.holdings import Copy, CopyStatus, Holding
from archiver.core.items import parse_item_id
from archiver.core.reviews import Case, Verdict
from archiver.core.withdrawals import Withdrawal

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACE = "archive/catalogue/"
_NAME = re.compile(r"archive/catalogue/events-(\d{12})-(\d{12})\.jsonl")


@dataclass(frozen=True, slots=True)
class Shard:
    """A stretch of the catalogue.

    Attributes:
        first: Number of its first event, from 1.
        last: Number of its last event.
        events: All of them, in order.
        aips: The AIPs of the items that the events touch, as they stand now, each with the decision that admitted it.
        withdrawals: The takedowns of these items.
        cases: Every case of these items that was ever quarantined, with what people said of it.
    """

    first: int
    last: int
    events: tuple[Event, ...]
    aips: tuple[tuple[Holding, str], ...]
    withdrawals: tuple[Withdrawal, ...]
    cases: tuple[Case, ...] = ()

    @property
    def key(self) -> str:
        """Its place in every store."""
        return f"{PLACE}events-{self.first:012}-{self.last:012}.jsonl"

    def lines(self) -> bytes:
        """Return it as JSON Lines."""
        records = (
            *({"kind": "event", **_event(event)} for event in self.events),
            *({"kind": "aip", **_aip(held), "decision": decision} for held, decision in self.aips),
            *({"kind": "withdrawal", **one.to_json()} for one in self.withdrawals),
            *({"kind": "review", **_case(one)} for one in self.cases),
        )
        return b"".join(json.dumps(record, sort_keys=True).encode() + b"\n" for record in records)


def recognise_shard(key: str) -> tuple[int, int] | None:
    """Return the first and last number of the events that lie under a key, or None when it is no shard's."""
    match = _NAME.fullmatch(key)
    return (int(match[1]), int(match[2])) if match else None


def last_of(keys: Iterable[str]) -> int:
    """Return the number of the last event that shards under these keys hold without a gap, or 0."""
    last = 0
    for first, end in sorted(found for key in keys if (found := recognise_shard(key))):
        if first > last + 1:
            break
        last = max(last, end)
    return last


def parse_shard(key: str, content: bytes) -> Shard:
    """Read a stored shard.

    Raises:
        ValueError: It is none.
    """
    numbers = recognise_shard(key)
    if numbers is None:
        raise ValueError(f"not a shard of the catalogue: {key[:200]!r}")
    try:
        records: list[dict[str, Any]] = [json.loads(line) for line in content.splitlines()]
        events = tuple(_parsed_event(record) for record in records if record["kind"] == "event")
        aips = tuple((_parsed_aip(record), str(record["decision"])) for record in records if record["kind"] == "aip")
        withdrawals = tuple(_parsed_withdrawal(record) for record in records if record["kind"] == "withdrawal")
        cases = tuple(_parsed_case(record) for record in records if record["kind"] == "review")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a shard of the catalogue: {key}: {str(error)[:200]}") from error
    if len(events) != numbers[1] - numbers[0] + 1:
        raise ValueError(f"a shard of the catalogue is cut: {key}: {len(events)} events")
    return Shard(*numbers, events, aips, withdrawals, cases)


def _event(event: Event) -> dict[str, Any]:
    return {
        "type": event.type.value,
        "at": event.at.isoformat(),
        "outcome": event.outcome.value,
        "detail": event.detail,
        "agent": event.agent.name,
        "agent_kind": event.agent.kind,
        "item": str(event.item),
        "version": event.version,
        "store": event.store,
        "path": event.path,
    }


def _parsed_event(record: dict[str, Any]) -> Event:
    return Event(
        EventType(record["type"]),
        datetime.fromisoformat(record["at"]),
        EventOutcome(record["outcome"]),
        record["detail"],
        Agent(record["agent"], record["agent_kind"]),
        parse_item_id(record["item"]),
        version=int(record["version"]),
        store=record["store"],
        path=record["path"],
    )


def _aip(held: Holding) -> dict[str, Any]:
    return {
        "item": str(held.item),
        "version": held.version,
        "prefix": held.prefix,
        "title": held.title,
        "licence": held.licence,
        "state": str(held.state),
        "updated": held.updated,
        "files": held.files,
        "bytes": held.bytes,
        "tag_manifest": str(held.tag_manifest),
        "ingested_at": held.ingested_at.isoformat(),
        "copies": [
            [copy.store, copy.key, copy.status.value, int(copy.grade), copy.checked_at.isoformat()]
            for copy in held.copies
        ],
    }


def _parsed_aip(record: dict[str, Any]) -> Holding:
    return Holding(
        item=parse_item_id(record["item"]),
        version=int(record["version"]),
        prefix=record["prefix"],
        title=record["title"],
        licence=record["licence"],
        state=parse_digest(record["state"]),
        updated=record["updated"],
        files=int(record["files"]),
        bytes=int(record["bytes"]),
        tag_manifest=parse_digest(record["tag_manifest"]),
        ingested_at=datetime.fromisoformat(record["ingested_at"]),
        copies=tuple(
            Copy(store, key, CopyStatus(status), Grade(grade), datetime.fromisoformat(at))
            for store, key, status, grade, at in record["copies"]
        ),
    )


def _parsed_withdrawal(record: dict[str, Any]) -> Withdrawal:
    def at(key: str) -> datetime | None:
        return datetime.fromisoformat(record[key]) if record[key] else None

    return Withdrawal(
        parse_item_id(record["item"]),
        datetime.fromisoformat(record["at"]),
        record["reason"],
        record["approver"],
        at("delete_after"),
        at("deleted_at"),
        at("ended_at"),
        record["ended_by"],
    )


def _case(case: Case) -> dict[str, Any]:
    return {
        "item": str(case.item),
        "title": case.title,
        "collections": case.collections,
        "item_set": case.item_set,
        "whole_set": case.whole_set,
        "batch_set": case.batch_set,
        "reasons": case.reasons,
        "decision": case.decision,
        "opened_at": case.opened_at.isoformat(),
        "state": case.state,
        "verdicts": [{**verdict.to_json(), "at": verdict.at.isoformat()} for verdict in case.verdicts],
    }


def _parsed_case(record: dict[str, Any]) -> Case:
    return Case(
        item=parse_item_id(record["item"]),
        title=record["title"],
        collections=tuple(record["collections"]),
        item_set=record["item_set"],
        whole_set=record["whole_set"],
        batch_set=record["batch_set"],
        reasons=tuple(record["reasons"]),
        decision=record["decision"],
        opened_at=datetime.fromisoformat(record["opened_at"]),
        verdicts=tuple(map(_parsed_verdict, record["verdicts"])),
        state=record["state"],
    )


def _parsed_verdict(record: dict[str, Any]) -> Verdict:
    return Verdict(
        is_acceptance=record["verdict"] == "accept",
        reviewer=record["reviewer"],
        reason=record["reason"],
        licence=record["licence"],
        at=datetime.fromisoformat(record["at"]),
    )
