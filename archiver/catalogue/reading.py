"""Answers. Long ones come in pages, each its own short transaction, so that no reader keeps a writer waiting."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.remembering import Remembering
from archiver.catalogue.withdrawing import is_dark
from archiver.catalogue.words import that_hold
from archiver.core.holdings import CopyStatus
from archiver.core.outcomes import Outcome
from archiver.core.totals import StoreTotals, Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from archiver.core.events import Event
    from archiver.core.holdings import Copy, HeldFile, Holding
    from archiver.core.items import ItemId

PAGE = 500
"""Rows read at once."""
TOLD = (Outcome.QUARANTINED.value, Outcome.FAILED.value, Outcome.REFUSED.value)
"""Outcomes that totals count; the others are those of nearly all items, and an index counts these alone."""

_AIPS = sa.select(schema.item.c.source, schema.item.c.name, schema.aip).join_from(schema.item, schema.aip)
_NEWEST = _AIPS.where(schema.aip.c.version == schema.item.c.latest_version, ~is_dark())
_LATEST = _NEWEST.where(schema.IS_NAMED)
_VERSIONS = _AIPS.where(schema.IS_NAMED).order_by(schema.aip.c.version)
_COPIES = (
    sa.select(schema.copy)
    .where(schema.copy.c.aip_id.in_(sa.bindparam("aip_ids", expanding=True)))
    .order_by(schema.copy.c.store)
)
_FILES = (
    sa.select(schema.file)
    .join_from(schema.file, schema.aip)
    .join_from(schema.aip, schema.item)
    .where(schema.IS_NAMED, schema.aip.c.version == sa.bindparam("version"))
    .order_by(schema.file.c.path)
    .limit(PAGE)
)
_MORE_FILES = _FILES.where(schema.file.c.path > sa.bindparam("last"))
_EVENTS = (
    sa.select(schema.event)
    .join(schema.item)
    .where(schema.IS_NAMED, schema.event.c.id > sa.bindparam("last"))
    .order_by(schema.event.c.id)
    .limit(PAGE)
)


class Reading(Remembering):
    """Implements `archiver.ports.catalogue.Holdings`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def latest(self, item: ItemId) -> Holding | None:
        """Return the newest version; see the port."""
        with self._reads() as connection:
            row = connection.execute(_LATEST, rows.named(item)).one_or_none()
            return rows.holding(row, _copies(connection, [row.id])[row.id]) if row else None

    def versions(self, item: ItemId) -> tuple[Holding, ...]:
        """Return every version, oldest first; see the port."""
        with self._reads() as connection:
            found = connection.execute(_VERSIONS, rows.named(item)).all()
            copies = _copies(connection, [row.id for row in found])
        return tuple(rows.holding(row, copies[row.id]) for row in found)

    def holdings(self, *, text: str = "") -> Iterator[Holding]:
        """Yield the newest version of each item in the order of identifiers; see the port."""
        query = _NEWEST
        if text:
            with self._reads() as connection:
                query = query.where(that_hold(connection, text))
        place = sa.tuple_(schema.item.c.source, schema.item.c.name)
        query = query.order_by(schema.item.c.source, schema.item.c.name).limit(PAGE)
        last: tuple[str, str] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(place > last) if last else query).all()
                copies = _copies(connection, [row.id for row in page])
            yield from (rows.holding(row, copies[row.id]) for row in page)
            if len(page) < PAGE:
                return
            last = (page[-1].source, page[-1].name)

    def files(self, item: ItemId, version: int) -> Iterator[HeldFile]:
        """Yield the payload files of one version in the order of their paths; see the port."""
        query, which = _FILES, {**rows.named(item), "version": version}
        while True:
            with self._reads() as connection:
                page = connection.execute(query, which).all()
            yield from map(rows.held_file, page)
            if len(page) < PAGE:
                return
            query, which = _MORE_FILES, {**which, "last": page[-1].path}

    def events(self, item: ItemId) -> Iterator[Event]:
        """Yield what happened to the item, oldest first; see the port."""
        last = 0
        while True:
            with self._reads() as connection:
                page = connection.execute(_EVENTS, {**rows.named(item), "last": last}).all()
            yield from (rows.event(row, item) for row in page)
            if len(page) < PAGE:
                return
            last = page[-1].id

    def totals(self) -> Totals:
        """Return what the archive holds; see the port."""
        items = self._remembered("items", _item_total)
        versions, files, bytes_ = self._remembered("versions", _version_totals)
        stores = self._remembered("stores", _store_totals)
        with self._reads() as connection:
            outcome = schema.item.c.outcome
            by_outcome = sa.select(outcome, sa.func.count()).where(outcome.in_(TOLD)).group_by(outcome)
            outcomes: dict[str, int] = {row[0]: row[1] for row in connection.execute(by_outcome)}
            runs = connection.execute(sa.select(schema.run).order_by(schema.run.c.id.desc()).limit(10)).all()
        return Totals(
            items=items,
            versions=versions,
            files=files,
            bytes=bytes_,
            stores=tuple(_store(row) for row in stores),
            undecided=outcomes.get(Outcome.QUARANTINED, 0),
            failed=outcomes.get(Outcome.FAILED, 0),
            refused=outcomes.get(Outcome.REFUSED, 0),
            last_runs=tuple(map(rows.run, runs)),
        )


def _copies(connection: sa.Connection, aip_ids: Sequence[int]) -> dict[int, tuple[Copy, ...]]:
    found: dict[int, tuple[Copy, ...]] = dict.fromkeys(aip_ids, ())
    for row in connection.execute(_COPIES, {"aip_ids": aip_ids}) if aip_ids else ():
        found[row.aip_id] = (*found[row.aip_id], rows.copy(row))
    return found


def _item_total(connection: sa.Connection) -> int:
    query = sa.select(sa.func.count()).select_from(schema.item).where(schema.item.c.latest_version.is_not(None))
    return connection.execute(query).scalar_one()


def _version_totals(connection: sa.Connection) -> list[int]:
    aip = schema.aip.c
    query = sa.select(sa.func.count(), sa.func.sum(aip.files), sa.func.sum(aip.bytes))
    return [int(number or 0) for number in connection.execute(query).one()]


def _store_totals(connection: sa.Connection) -> list[list[Any]]:
    copy = schema.copy.c
    is_good = sa.case((copy.status == CopyStatus.GOOD.value, 1), else_=0)
    query = (
        sa.select(
            copy.store, sa.func.count(), sa.func.sum(copy.bytes), sa.func.sum(is_good), sa.func.min(copy.checked_at)
        )
        .group_by(copy.store)
        .order_by(copy.store)
    )
    return [
        [store, copies, int(total or 0), int(good), oldest.isoformat() if oldest else None]
        for store, copies, total, good, oldest in connection.execute(query)
    ]


def _store(row: list[Any]) -> StoreTotals:
    store, copies, bytes_, good, oldest = row
    return StoreTotals(store, copies, bytes_, good, datetime.fromisoformat(oldest) if oldest else None)
