"""Where everything lies: versions counted and named by the stores that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archiver.catalogue import schema
from archiver.catalogue.remembering import Remembering
from archiver.catalogue.ways import spread_of
from archiver.catalogue.withdrawing import is_dark
from archiver.core.holdings import CopyStatus
from archiver.core.items import ItemId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from archiver.core.coverage import Spread

PAGE = 1000

_COPY, _AIP, _ITEM = schema.copy.c, schema.aip.c, schema.item.c


class Covering(Remembering):
    """Implements `archiver.ports.coverage.Coverage`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def spreads(self) -> dict[Spread, int]:
        """Return how many versions are spread in each way; see the port."""
        counts: dict[Spread, int] = {}
        for way, number in self._remembered("spreads", _ways).items():
            spread = spread_of(way)
            counts[spread] = counts.get(spread, 0) + number
        return {spread: number for spread, number in counts.items() if number}

    def spread_as(self, spread: Spread) -> Iterator[tuple[ItemId, int]]:
        """Yield the versions that are spread in this way; see the port."""
        is_good = _COPY.status == CopyStatus.GOOD.value
        place = sa.tuple_(_ITEM.source, _ITEM.name, _AIP.version)
        # Counted for one version after the other, in the order of an index: a page costs what a page holds.
        query = (
            sa.select(_ITEM.source, _ITEM.name, _AIP.version)
            .join_from(schema.item, schema.aip, _AIP.item_id == _ITEM.id)
            .where(
                ~is_dark(),
                _number(sa.true()) == len(spread.good) + len(spread.bad),
                _number(sa.and_(is_good, _COPY.store.in_(sorted(spread.good)))) == len(spread.good),
                _number(sa.and_(~is_good, _COPY.store.in_(sorted(spread.bad)))) == len(spread.bad),
            )
            .order_by(_ITEM.source, _ITEM.name, _AIP.version)
            .limit(PAGE)
        )
        last: tuple[str, str, int] | None = None
        while True:
            behind = query
            if last is not None:
                # The first condition says nothing new; it is the one that the index of items can follow.
                behind = query.where(sa.tuple_(_ITEM.source, _ITEM.name) >= last[:2], place > last)
            with self._reads() as connection:
                page = connection.execute(behind).all()
            yield from ((ItemId(row.source, row.name), row.version) for row in page)
            if len(page) < PAGE:
                return
            last = (page[-1].source, page[-1].name, page[-1].version)


def _number(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Return how many copies of a version are so."""
    counted = sa.select(sa.func.count()).select_from(schema.copy).where(_COPY.aip_id == _AIP.id, condition)
    return counted.correlate(schema.aip).scalar_subquery()


def _ways(connection: sa.Connection) -> dict[str, int]:
    """Count versions by their way: of all copies by one index in its order, less those of what is dark, which is little."""
    counts: dict[str, int] = {"": connection.execute(sa.select(sa.func.count()).select_from(schema.aip)).scalar_one()}
    for number, way in _counted(connection, sa.true()):
        counts[way] = counts.get(way, 0) + number
        counts[""] -= number
    dark = sa.select(_AIP.id).join_from(schema.aip, schema.withdrawal, schema.withdrawal.c.item_id == _AIP.item_id)
    dark = dark.where(schema.withdrawal.c.ended_at.is_(None)).distinct()
    counts[""] -= connection.execute(sa.select(sa.func.count()).select_from(dark.subquery())).scalar_one()
    for number, way in _counted(connection, _COPY.aip_id.in_(dark)):
        counts[way] -= number
        counts[""] += number
    return counts


def _counted(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[tuple[int, str]]:
    # The name of a store has none of these characters (settings), so one text holds all of them apart.
    sign = sa.case((_COPY.status == CopyStatus.GOOD.value, "+"), else_="!")
    way = sa.func.aggregate_strings(sign + _COPY.store, ",").label("way")
    ways = sa.select(way).where(condition).group_by(_COPY.aip_id).subquery()
    found = connection.execute(sa.select(sa.func.count(), ways.c.way).group_by(ways.c.way))
    return [(number, way or "") for number, way in found]
