"""Taking down what happened. Each call is one transaction."""

from __future__ import annotations

import json
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.remembering import forget
from archiver.core.outcomes import Outcome
from archiver.core.totals import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from archiver.core.crawls import Crawl
    from archiver.core.events import Event
    from archiver.core.holdings import Copy, HeldFile, Holding
    from archiver.core.items import ItemId
    from archiver.core.outcomes import ItemOutcome

BATCH = 1000
"""Rows written at once."""

_INSERT = {table: table.insert() for table in schema.metadata.tables.values()}
_ITEM = sa.select(schema.item.c.id).where(schema.IS_NAMED)
_HOLD = sa.select(schema.item.c.id).where(schema.item.c.id == sa.bindparam("which")).with_for_update()
_AIP = sa.select(schema.aip.c.id).where(
    schema.aip.c.item_id == sa.bindparam("which"), schema.aip.c.version == sa.bindparam("number")
)
_NEWEST_VERSION = schema.item.update().where(
    schema.item.c.id == sa.bindparam("which"),
    sa.or_(schema.item.c.latest_version.is_(None), schema.item.c.latest_version < sa.bindparam("number")),
)
_LAST_OUTCOME = schema.item.update().where(schema.item.c.id == sa.bindparam("which"))
_LAST_EVENT = sa.select(schema.event.c.id, schema.event.c.chain).order_by(schema.event.c.id.desc()).limit(1)
_MET = schema.sighting.update().where(
    schema.sighting.c.selection == sa.bindparam("by"), schema.sighting.c.item_id == sa.bindparam("which")
)


class Writing:
    """Implements `archiver.ports.catalogue.Ledger`."""

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def begin(self, *, selection: str, selection_digest: str, at: datetime) -> Run:
        """Open a run; see the port."""
        values = {
            "selection": rows.text(selection),
            "selection_digest": selection_digest,
            "started_at": at,
            "is_complete": False,
            "counts": "{}",
        }
        with self._writes() as connection:
            id_ = inserted(connection, schema.run, values)
        return Run(id_, selection, selection_digest, at, None, complete=False, counts=())

    def ingested(self, holding: Holding, files: Iterable[HeldFile], events: Iterable[Event], *, decision: str) -> None:
        """Take down an AIP; see the port."""
        with self._writes() as connection:
            item_id = item_row(connection, holding.item)
            _hold(connection, item_id)
            known = aip_row(connection, item_id, holding.version)
            if known is not None:
                replace_copies(connection, known, holding.copies)
                return
            values = {"item_id": item_id, "version": holding.version, **rows.aip_values(holding, decision)}
            aip_id = inserted(connection, schema.aip, values)
            insert_rows(
                connection, schema.copy, (rows.copy_values(aip_id, copy, holding.bytes) for copy in holding.copies)
            )
            insert_rows(connection, schema.file, (rows.file_values(aip_id, file) for file in files))
            insert_rows(
                connection, schema.preference, (rows.preference_values(aip_id, *pair) for pair in holding.preferences)
            )
            insert_rows(connection, schema.sound, (rows.sound_values(aip_id, sound) for sound in holding.sounds))
            append_events(connection, events, known={holding.item: item_id})
            note_newest(connection, item_id, holding.version)

    def answered(self, run: Run, outcome: ItemOutcome, *, at: datetime) -> None:
        """Take down how an item ended; see the port."""
        with self._writes() as connection:
            item_id = item_row(connection, outcome.item)
            note_outcome(connection, item_id, outcome, at=at)
            note_met(connection, run, item_id, outcome, at=at)
            if outcome.outcome is Outcome.UNCHANGED:
                return  # counted in the run; a nightly row for every item would outgrow everything else
            values = {
                "run_id": run.id,
                "item_id": item_id,
                "outcome": outcome.outcome.value,
                "reasons": rows.text(json.dumps(outcome.reasons)),
                "detail": rows.text(outcome.detail),
                "decision": rows.text(outcome.decision),
                "at": at,
            }
            connection.execute(_INSERT[schema.outcome], values)

    def appended(self, events: Iterable[Event]) -> None:
        """Append events; see the port."""
        events = tuple(events)
        if events:  # nothing to take down needs no transaction, and no other writer has to wait for it
            with self._writes() as connection:
                append_events(connection, events)

    def end(
        self, run: Run, *, at: datetime, complete: bool, counts: dict[Outcome, int], crawl: Crawl | None = None
    ) -> None:
        """Close a run; see the port."""
        numbers = json.dumps({outcome.value: number for outcome, number in counts.items()})
        table = rows.text(json.dumps(crawl.to_json())) if crawl else ""
        with self._writes() as connection:
            connection.execute(
                schema.run.update()
                .where(schema.run.c.id == run.id)
                .values(ended_at=at, is_complete=complete, counts=numbers, crawl=table)
            )


def replace_copies(connection: sa.Connection, aip_id: int, copies: Iterable[Copy]) -> None:
    """Make the copies these ones; what is known of the audits of a copy that stays, stays."""
    size = connection.execute(sa.select(schema.aip.c.bytes).where(schema.aip.c.id == aip_id)).scalar_one()
    given = {rows.text(copy.store): rows.copy_values(aip_id, copy, size) for copy in copies}
    table = schema.copy.c
    forget(connection)  # a run that was killed behind the deposit repeats this without an event
    connection.execute(schema.copy.delete().where(table.aip_id == aip_id, table.store.not_in(given)))
    there = set(connection.execute(sa.select(table.store).where(table.aip_id == aip_id)).scalars())
    for store in there & given.keys():
        changed = {name: given[store][name] for name in ("key", "status", "grade", "checked_at", "bytes")}
        connection.execute(schema.copy.update().where(table.aip_id == aip_id, table.store == store).values(**changed))
    insert_rows(connection, schema.copy, (values for store, values in given.items() if store not in there))


def item_row(connection: sa.Connection, item: ItemId) -> int:
    """Return the row of an item, making it where it is new; safe against another process that makes it too."""
    values = rows.named(item)
    found = connection.execute(_ITEM, values).scalar()
    if found is not None:
        return int(found)
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - only where it is that database

        connection.execute(insert(schema.item).values(**values).on_conflict_do_nothing())
        return int(connection.execute(_ITEM, values).scalar_one())
    return inserted(connection, schema.item, values)


def aip_row(connection: sa.Connection, item_id: int, version: int) -> int | None:
    """Return the row of a version of an item, or None when it is not held."""
    found = connection.execute(_AIP, {"which": item_id, "number": version}).scalar()
    return None if found is None else int(found)


def note_newest(connection: sa.Connection, item_id: int, version: int) -> None:
    """Let a version be the newest one of its item, unless a newer one is held."""
    connection.execute(_NEWEST_VERSION, {"which": item_id, "number": version, "latest_version": version})


def note_outcome(connection: sa.Connection, item_id: int, outcome: ItemOutcome, *, at: datetime) -> None:
    """Note how an item ended last."""
    connection.execute(_LAST_OUTCOME, {"which": item_id, "outcome": outcome.outcome.value, "answered_at": at})


def note_met(connection: sa.Connection, run: Run, item_id: int, outcome: ItemOutcome, *, at: datetime) -> None:
    """Remember how a run met an item that it walked."""
    values = {
        "run_id": run.id,
        "mark": outcome.mark if outcome.outcome is not Outcome.FAILED else "",
        "outcome": outcome.outcome.value,
        "reasons": rows.text(json.dumps(outcome.reasons)),
        "detail": rows.text(outcome.detail),
        "described_at": at,
    }
    selection = rows.text(run.selection)
    if not connection.execute(_MET, {"by": selection, "which": item_id, **values}).rowcount:
        connection.execute(_INSERT[schema.sighting], {"selection": selection, "item_id": item_id, **values})


def note_met_again(connection: sa.Connection, run: Run, item_id: int) -> None:
    """Remember that a run met an item that it recognised; how it ended when it was walked stays."""
    connection.execute(_MET, {"by": rows.text(run.selection), "which": item_id, "run_id": run.id})


def _hold(connection: sa.Connection, item_id: int) -> None:
    """Let nobody else take down an AIP of this item until the transaction ends (SQLite has one writer anyway)."""
    if connection.dialect.name == "postgresql":
        connection.execute(_HOLD, {"which": item_id})


def append_events(
    connection: sa.Connection, events: Iterable[Event], *, known: Mapping[ItemId, int] = MappingProxyType({})
) -> None:
    """Append events to the chain, within a transaction that the caller holds.

    Args:
        connection: In that transaction.
        events: In their order.
        known: Rows of items, as far as the caller has asked for them.
    """
    events = tuple(events)
    # Items before events, here as in `ingested`: who takes two locks in two orders waits for ever.
    asked = sorted({event.item for event in events} - known.keys())
    ids = {**known, **{item: item_row(connection, item) for item in asked}}
    if connection.dialect.name == "postgresql":
        # The chain has one end: whoever appends waits for whoever appends.
        connection.exec_driver_sql("LOCK TABLE event IN EXCLUSIVE MODE")
    last = connection.execute(_LAST_EVENT).one_or_none()
    chain, before = (bytes(last.chain), last.id) if last is not None else (b"", 0)

    def chained() -> Iterator[dict[str, Any]]:
        nonlocal chain
        # Numbered here and not by the database: PostgreSQL leaves a gap where a transaction was rolled back, and what
        # lies beside the bags tells by the numbers that nothing is missing (`archiver.core.snapshots`).
        for number, event in enumerate(events, start=before + 1):
            values = rows.event_values(ids[event.item], event)
            chain = rows.chained(chain, event.item, values)
            yield {**values, "id": number, "chain": chain}

    insert_rows(connection, schema.event, chained())


def insert_rows(connection: sa.Connection, table: sa.Table, values: Iterable[dict[str, Any]]) -> None:
    """Insert rows in batches."""
    iterator = iter(values)
    while batch := list(islice(iterator, BATCH)):
        connection.execute(_INSERT[table], batch)


def inserted(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Insert one row and return its number."""
    key = connection.execute(_INSERT[table], dict(values)).inserted_primary_key
    return int(key[0]) if key else 0
