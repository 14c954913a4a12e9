"""The catalogue written down in stretches, and made again from them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.remembering import forget
from archiver.catalogue.reviewing import cases_of, review_again
from archiver.catalogue.withdrawing import withdrawal_values
from archiver.catalogue.writing import (
    aip_row,
    append_events,
    insert_rows,
    inserted,
    item_row,
    note_newest,
    replace_copies,
)
from archiver.core.items import ItemId
from archiver.core.snapshots import Shard
from archiver.core.withdrawals import Withdrawal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from archiver.core.holdings import Copy, HeldFile, Holding

STRETCH = 5000
"""Events in one shard at most."""


class Snapshots:
    """Implements `archiver.ports.snapshots.SnapshotLedger`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def is_empty(self) -> bool:
        """Tell whether the catalogue knows nothing; see the port."""
        with self._reads() as connection:
            return connection.execute(sa.select(schema.item.c.id).limit(1)).first() is None

    def shards(self, *, after: int) -> Iterator[Shard]:
        """Yield the catalogue in stretches; see the port."""
        item, event = schema.item.c, schema.event.c
        query = (
            sa.select(item.source, item.name, schema.event)
            .join_from(schema.event, schema.item)
            .order_by(event.id)
            .limit(STRETCH)
        )
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(event.id > after)).all()
                if not page:
                    return
                ids = sorted({row.item_id for row in page})
                aips, withdrawals = _aips(connection, ids), _withdrawals(connection, ids)
                cases = cases_of(connection, ids)
            events = tuple(rows.event(row, ItemId(row.source, row.name)) for row in page)
            yield Shard(after + 1, page[-1].id, events, aips, withdrawals, cases)
            after = page[-1].id

    def recalled(self, shard: Shard) -> None:
        """Take a stretch down again; see the port."""
        with self._writes() as connection:
            append_events(connection, shard.events)
            for held, decision in shard.aips:
                _hold_again(connection, held, decision)
            for item in {one.item for one in shard.withdrawals}:
                row = item_row(connection, item)
                connection.execute(schema.withdrawal.delete().where(schema.withdrawal.c.item_id == row))
            for one in shard.withdrawals:
                _withdraw_again(connection, one)
            review_again(connection, shard.cases)

    def found(self, holding: Holding, files: Iterable[HeldFile], *, decision: str) -> None:
        """Take down a bag that was found; see the port."""
        with self._writes() as connection:
            known = aip_row(connection, item_row(connection, holding.item), holding.version)
            aip_id = known if known is not None else _hold_again(connection, holding, decision)
            connection.execute(schema.file.delete().where(schema.file.c.aip_id == aip_id))
            insert_rows(connection, schema.file, (rows.file_values(aip_id, file) for file in files))
            connection.execute(schema.preference.delete().where(schema.preference.c.aip_id == aip_id))
            insert_rows(
                connection, schema.preference, (rows.preference_values(aip_id, *pair) for pair in holding.preferences)
            )
            connection.execute(schema.sound.delete().where(schema.sound.c.aip_id == aip_id))
            insert_rows(connection, schema.sound, (rows.sound_values(aip_id, sound) for sound in holding.sounds))
            _block_again(connection, holding.item)
            forget(connection)


def _aips(connection: sa.Connection, item_ids: list[int]) -> tuple[tuple[Holding, str], ...]:
    query = (
        sa.select(schema.item.c.source, schema.item.c.name, schema.aip)
        .join_from(schema.item, schema.aip)
        .where(schema.item.c.id.in_(item_ids))
        .order_by(schema.aip.c.id)
    )
    found = connection.execute(query).all()
    copies: dict[int, tuple[Copy, ...]] = {}
    of = sa.select(schema.copy).where(schema.copy.c.aip_id.in_([row.id for row in found]))
    ordered = connection.execute(of.order_by(schema.copy.c.aip_id, schema.copy.c.store)).all()
    for aip_id, group in groupby(ordered, key=lambda row: int(row.aip_id)):
        copies[aip_id] = tuple(map(rows.copy, group))
    return tuple((rows.holding(row, copies.get(row.id, ())), str(row.decision)) for row in found)


def _withdrawals(connection: sa.Connection, item_ids: list[int]) -> tuple[Withdrawal, ...]:
    query = (
        sa.select(schema.item.c.source, schema.item.c.name, schema.withdrawal)
        .join_from(schema.item, schema.withdrawal)
        .where(schema.item.c.id.in_(item_ids))
        .order_by(schema.withdrawal.c.id)
    )
    return tuple(
        Withdrawal(
            ItemId(row.source, row.name),
            *(row.at, row.reason, row.approver, row.delete_after, row.deleted_at, row.ended_at, row.ended_by),
        )
        for row in connection.execute(query)
    )


def _hold_again(connection: sa.Connection, held: Holding, decision: str) -> int:
    item_id = item_row(connection, held.item)
    known = aip_row(connection, item_id, held.version)
    values: dict[str, Any] = rows.aip_values(held, decision)
    if known is None:
        known = inserted(connection, schema.aip, {"item_id": item_id, "version": held.version, **values})
    else:
        connection.execute(schema.aip.update().where(schema.aip.c.id == known).values(**values))
    replace_copies(connection, known, held.copies)
    note_newest(connection, item_id, held.version)
    return known


def _withdraw_again(connection: sa.Connection, one: Withdrawal) -> None:
    item_id = item_row(connection, one.item)
    connection.execute(schema.withdrawal.insert().values(item_id=item_id, **withdrawal_values(one)))
    if one.deleted_at is not None and one.ended_at is None:
        connection.execute(schema.item.update().where(schema.item.c.id == item_id).values(latest_version=None))


def _block_again(connection: sa.Connection, item: ItemId) -> None:
    """Block the content of an item that is withdrawn, as far as it is known."""
    item_id = item_row(connection, item)
    table = schema.withdrawal.c
    dark = sa.select(table.id).where(table.item_id == item_id, table.ended_at.is_(None))
    if connection.execute(dark).first() is None:
        return
    connection.execute(schema.blocked.delete().where(schema.blocked.c.item_id == item_id))
    digests = (
        sa.select(schema.file.c.sha256, sa.literal(item_id, schema.Identifier))
        .join_from(schema.file, schema.aip)
        .where(schema.aip.c.item_id == item_id)
        .distinct()
    )
    connection.execute(schema.blocked.insert().from_select(["sha256", "item_id"], digests))
