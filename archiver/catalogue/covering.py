"""Where everything lies: versions counted and named by the stores that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import schema
from archiver.catalogue.remembering import Remembering
from archiver.catalogue.withdrawing import is_dark
from archiver.core.coverage import Spread
from archiver.core.holdings import CopyStatus
from archiver.core.packages import ItemId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

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
            spread = _spread(way)
            counts[spread] = counts.get(spread, 0) + number
        return {spread: number for spread, number in counts.items() if number}

    def spread_as(self, spread: Spread) -> Iterator[tuple[ItemId, int]]:
        """Yield the versions that are spread in this way; see the port."""
        is_good = _COPY.status == CopyStatus.GOOD.value
        place = sa.tuple_(_ITEM.source, _ITEM.name, _AIP.version)

        def counted(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

        query = (
            sa.select(_ITEM.source, _ITEM.name, _AIP.version)
            .select_from(_versions())
            .where(~is_dark())
            .group_by(_AIP.id, _ITEM.id)
            .having(
                sa.func.count(_COPY.store) == len(spread.good) + len(spread.bad),
                counted(sa.and_(is_good, _COPY.store.in_(sorted(spread.good)))) == len(spread.good),
                counted(sa.and_(~is_good, _COPY.store.in_(sorted(spread.bad)))) == len(spread.bad),
            )
            .order_by(_ITEM.source, _ITEM.name, _AIP.version)
            .limit(PAGE)
        )
        last: tuple[str, str, int] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(place > last) if last else query).all()
            yield from ((ItemId(row.source, row.name), row.version) for row in page)
            if len(page) < PAGE:
                return
            last = (page[-1].source, page[-1].name, page[-1].version)


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


def _versions() -> sa.FromClause:
    joined = sa.join(schema.item, schema.aip, _AIP.item_id == _ITEM.id)
    return sa.outerjoin(joined, schema.copy, _COPY.aip_id == _AIP.id)


def _spread(way: str) -> Spread:
    parts: list[Any] = [part for part in way.split(",") if part]
    return Spread(
        frozenset(part[1:] for part in parts if part[0] == "+"), frozenset(part[1:] for part in parts if part[0] == "!")
    )
