"""Choosing the copies whose turn it is, and taking down what their checks found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.remembering import Remembering
from archiver.catalogue.writing import append_events
from archiver.core.audits import CheckOutcome, DueCopy
from archiver.core.fixity import Grade
from archiver.core.forecasts import StoreForecast
from archiver.core.holdings import CopyStatus
from archiver.core.items import ItemId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from archiver.core.audits import CheckedCopy, Repair
    from archiver.core.events import Event

PAGE = 1000
"""Copies chosen at once."""

_COPY = schema.copy.c
_COLUMNS = (
    schema.item.c.source,
    schema.item.c.name,
    schema.aip.c.version,
    schema.aip.c.prefix,
    schema.aip.c.files,
    schema.aip.c.bytes,
    _COPY.aip_id,
    _COPY.store,
)
"""What makes a `DueCopy`, with one time behind them: reading a time costs more than the rest of a row."""


class Auditing(Remembering):
    """Implements `archiver.ports.audits.AuditLedger`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def due(self, store: str, *, grade: Grade, until: datetime) -> Iterator[DueCopy]:
        """Yield the copies whose turn it is, the oldest check first; see the port."""
        column = _COPY.checked_at if grade >= Grade.READ else _COPY.looked_at
        last: tuple[datetime, int] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(due_query(column, store, until, last)).all()
            yield from map(_due, page)
            if len(page) < PAGE:
                return
            last = (page[-1][-1], page[-1].aip_id)

    def fresh(self, store: str, *, since: datetime, until: datetime) -> Iterator[DueCopy]:
        """Yield new copies that were never audited, the newest first; see the port."""
        place = sa.tuple_(_COPY.written_at, _COPY.aip_id)
        query = (
            _joined()
            .add_columns(_COPY.written_at)
            .where(_COPY.store == store, _COPY.written_at > since, _COPY.written_at <= until, _COPY.audits == 0)
            .order_by(_COPY.written_at.desc(), _COPY.aip_id.desc())
            .limit(PAGE)
        )
        last: tuple[datetime, int] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(place < _place(last)) if last else query).all()
            yield from (_due(row[:-1]) for row in page)
            if len(page) < PAGE:
                return
            last = (page[-1].written_at, page[-1].aip_id)

    def copies(self, item: ItemId) -> tuple[DueCopy, ...]:
        """Return every copy of an item; see the port."""
        query = _joined().where(
            schema.item.c.source == rows.text(item.source), schema.item.c.name == rows.text(item.name)
        )
        with self._reads() as connection:
            found = connection.execute(query.order_by(schema.aip.c.version, _COPY.store)).all()
        return tuple(map(_due, found))

    def damaged(self) -> Iterator[DueCopy]:
        """Yield every copy that is not good; see the port."""
        place = sa.tuple_(_COPY.aip_id, _COPY.store)
        query = _joined().where(_COPY.status != CopyStatus.GOOD.value).order_by(_COPY.aip_id, _COPY.store).limit(PAGE)
        last: tuple[int, str] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(place > sa.tuple_(*last)) if last else query).all()
            yield from map(_due, page)
            if len(page) < PAGE:
                return
            last = (page[-1].aip_id, page[-1].store)

    def checked(
        self, copy: DueCopy, result: CheckedCopy, events: Iterable[Event], repairs: Iterable[Repair] = ()
    ) -> None:
        """Take down a check; see the port."""
        here = sa.and_(_COPY.aip_id == copy.aip_id, _COPY.store == copy.store)
        with self._writes() as connection:
            append_events(connection, events)
            item_id = connection.execute(
                sa.select(schema.aip.c.item_id).where(schema.aip.c.id == copy.aip_id)
            ).scalar_one()
            written = [
                {
                    "item_id": item_id,
                    "version": one.version,
                    "store": one.store,
                    "path": rows.text(one.path),
                    "outcome": one.outcome.value,
                    "source": one.source,
                    "digest": one.digest,
                    "detail": rows.text(one.detail),
                    "at": one.at,
                }
                for one in repairs
            ]
            if written:
                connection.execute(schema.repair.insert(), written)
            connection.execute(schema.copy.update().where(here).values(attempted_at=result.ended_at))
            if result.outcome is CheckOutcome.UNANSWERED and not result.damages:
                return
            connection.execute(schema.copy.update().where(here).values(**_after(result)))
            _note_damage(connection, copy, result)

    def backlog(self, store: str, *, interval: timedelta, grade: Grade = Grade.READ, now: datetime) -> StoreForecast:
        """Return what is held and overdue in a store; see the port."""
        column = _COPY.checked_at if grade >= Grade.READ else _COPY.looked_at
        count, total = sa.func.count().label("copies"), sa.func.coalesce(sa.func.sum(_COPY.bytes), 0).label("bytes")
        here = _COPY.store == store
        held = self._remembered(
            f"held in {store}",
            lambda connection: [int(n) for n in connection.execute(sa.select(count, total).where(here)).one()],
        )
        with self._reads() as connection:
            overdue = connection.execute(sa.select(count, total).where(here, column <= now - interval)).one()
            oldest = connection.execute(sa.select(sa.func.min(column)).where(here)).scalar()
        return StoreForecast(
            store=store,
            copies=held[0],
            bytes=held[1],
            interval_seconds=interval.total_seconds(),
            overdue=overdue.copies,
            overdue_bytes=int(overdue.bytes),
            oldest_check=oldest,
        )


def due_query(column: sa.Column[Any], store: str, until: datetime, last: tuple[datetime, int] | None) -> sa.Select[Any]:
    """Return the query for one page of due copies: the index gives them in order, and nothing before them is read."""
    chosen = sa.select(_COPY.aip_id, _COPY.store, column).where(_COPY.store == store, column <= until)
    if last is not None:
        chosen = chosen.where(sa.tuple_(column, _COPY.aip_id) > _place(last))
    page = chosen.order_by(column, _COPY.aip_id).limit(PAGE).subquery()
    columns = [page.c[one.name] if one.table is schema.copy else one for one in (*_COLUMNS, column)]
    return (
        sa.select(*columns)
        .join_from(page, schema.aip, page.c.aip_id == schema.aip.c.id)
        .join(schema.item, schema.aip.c.item_id == schema.item.c.id)
        .order_by(page.c[column.name], page.c.aip_id)
    )


def _place(last: tuple[datetime, int]) -> sa.Tuple:
    return sa.tuple_(sa.bindparam(None, last[0], schema.Utc()), sa.bindparam(None, last[1], schema.Identifier))


def _joined() -> sa.Select[Any]:
    return sa.select(*_COLUMNS, _COPY.checked_at).join_from(schema.copy, schema.aip).join(schema.item)


def _due(row: Sequence[Any]) -> DueCopy:
    source, name, version, prefix, files, bytes_, aip_id, store, at = row
    return DueCopy(ItemId(source, name), version, store, prefix, files, bytes_, at, aip_id)


def _after(result: CheckedCopy) -> dict[str, Any]:
    """Return what a check changes: a light one that finds nothing says nothing of a damage that a thorough one found."""
    values: dict[str, Any] = {"audits": _COPY.audits + 1}
    if result.outcome is not CheckOutcome.UNANSWERED:
        values |= {"looked_at": result.ended_at, "looked_grade": int(result.proven)}
        if result.grade >= Grade.READ:
            values |= {"checked_at": result.ended_at, "grade": int(result.proven)}
    if result.damages:
        values["status"] = (CopyStatus.MISSING if result.is_missing else CopyStatus.DAMAGED).value
    elif result.grade >= Grade.READ:
        values["status"] = CopyStatus.GOOD.value
    return values


def _note_damage(connection: sa.Connection, copy: DueCopy, result: CheckedCopy) -> None:
    damage = schema.damage.c
    here = sa.and_(damage.aip_id == copy.aip_id, damage.store == copy.store)
    if result.grade >= Grade.READ:
        connection.execute(schema.damage.delete().where(here))
    noted = {
        (rows.text(one.where.removeprefix(copy.prefix)), one.code.value): {
            "aip_id": copy.aip_id,
            "store": copy.store,
            "path": rows.text(one.where.removeprefix(copy.prefix)),
            "code": one.code.value,
            "expected": rows.text(one.expected),
            "actual": rows.text(one.actual),
            "found_at": result.ended_at,
        }
        for one in result.damages
    }
    for (path, code), values in noted.items():
        connection.execute(schema.damage.delete().where(here, damage.path == path, damage.code == code))
        connection.execute(schema.damage.insert().values(**values))
