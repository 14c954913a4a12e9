"""Takedowns in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.writing import append_events, item_row
from archiver.core.items import ItemId
from archiver.core.withdrawals import Withdrawal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from archiver.core.events import Event

_TABLE = schema.withdrawal.c
_ALL = sa.select(schema.item.c.source, schema.item.c.name, schema.withdrawal).join_from(schema.item, schema.withdrawal)
_DARK = _ALL.where(schema.IS_NAMED, _TABLE.ended_at.is_(None)).limit(1)


class Withdrawing:
    """Implements `archiver.ports.withdrawals.Withdrawals`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def withdrawn(self, item: ItemId) -> Withdrawal | None:
        """Return the takedown that keeps an item dark; see the port."""
        with self._reads() as connection:
            row = connection.execute(_DARK, rows.named(item)).first()
        return _withdrawal(row) if row else None

    def withdraw(self, withdrawal: Withdrawal, events: Iterable[Event]) -> None:
        """Make an item dark; see the port."""
        with self._writes() as connection:
            item_id = item_row(connection, withdrawal.item)
            append_events(connection, events)
            connection.execute(schema.withdrawal.insert().values(item_id=item_id, **withdrawal_values(withdrawal)))
            connection.execute(schema.blocked.delete().where(schema.blocked.c.item_id == item_id))
            digests = (
                sa.select(schema.file.c.sha256, sa.literal(item_id, schema.Identifier))
                .join_from(schema.file, schema.aip)
                .where(schema.aip.c.item_id == item_id)
                .distinct()
            )
            connection.execute(schema.blocked.insert().from_select(["sha256", "item_id"], digests))

    def restore(self, item: ItemId, *, at: datetime, by: str, events: Iterable[Event]) -> None:
        """End a takedown; see the port."""
        with self._writes() as connection:
            item_id = item_row(connection, item)
            append_events(connection, events)
            connection.execute(
                schema.withdrawal.update()
                .where(_TABLE.item_id == item_id, _TABLE.ended_at.is_(None))
                .values(ended_at=at, ended_by=rows.text(by))
            )
            connection.execute(schema.blocked.delete().where(schema.blocked.c.item_id == item_id))

    def to_delete(self, *, at: datetime) -> Iterator[Withdrawal]:
        """Yield what may be deleted; see the port."""
        query = _ALL.where(_TABLE.ended_at.is_(None), _TABLE.deleted_at.is_(None), _TABLE.delete_after <= at)
        with self._reads() as connection:
            found = connection.execute(query.order_by(_TABLE.id)).all()
        yield from map(_withdrawal, found)

    def deleted(self, item: ItemId, *, at: datetime, events: Iterable[Event]) -> None:
        """Take down a deletion; see the port."""
        with self._writes() as connection:
            item_id = item_row(connection, item)
            append_events(connection, events)
            aips = sa.select(schema.aip.c.id).where(schema.aip.c.item_id == item_id)
            connection.execute(schema.copy.delete().where(schema.copy.c.aip_id.in_(aips)))
            connection.execute(schema.damage.delete().where(schema.damage.c.aip_id.in_(aips)))
            connection.execute(
                schema.withdrawal.update()
                .where(_TABLE.item_id == item_id, _TABLE.ended_at.is_(None))
                .values(deleted_at=at)
            )
            # A later harvest begins a new version: the old ones are tombstones.
            connection.execute(schema.item.update().where(schema.item.c.id == item_id).values(latest_version=None))


def withdrawal_values(withdrawal: Withdrawal) -> dict[str, Any]:
    """Return the columns of a takedown but its item."""
    return {
        "at": withdrawal.at,
        "reason": rows.text(withdrawal.reason),
        "approver": rows.text(withdrawal.approver),
        "delete_after": withdrawal.delete_after,
        "deleted_at": withdrawal.deleted_at,
        "ended_at": withdrawal.ended_at,
        "ended_by": rows.text(withdrawal.ended_by),
    }


def is_dark() -> sa.ColumnElement[bool]:
    """Return the condition that an item is withdrawn."""
    return sa.exists().where(_TABLE.item_id == schema.item.c.id, _TABLE.ended_at.is_(None)).correlate(schema.item)


def _withdrawal(row: sa.Row[Any]) -> Withdrawal:
    return Withdrawal(
        ItemId(row.source, row.name),
        row.at,
        row.reason,
        row.approver,
        row.delete_after,
        row.deleted_at,
        row.ended_at,
        row.ended_by,
    )
