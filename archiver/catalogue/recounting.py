"""All events in the order of appending, for the audit log. Pages, each its own short transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.core.items import ItemId
from archiver.core.logbook import ChainedEvent, SealedBag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

PAGE = 2000
_ASKED = 300
"""Versions asked for at once; SQLite takes some hundreds of parts in one condition."""


class Recounting:
    """Implements `archiver.ports.logbook.EventRecord`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def event_count(self) -> int:
        """Return how many events there are; see the port."""
        with self._reads() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(schema.event)).scalar_one())

    def chained_events(self, *, skip: int = 0) -> Iterator[ChainedEvent]:
        """Yield every event; see the port."""
        last, chain = 0, b""
        if skip:
            query = sa.select(schema.event.c.id, schema.event.c.chain).order_by(schema.event.c.id)
            with self._reads() as connection:
                before = connection.execute(query.offset(skip - 1).limit(1)).one_or_none()
            if before is None:
                return
            last, chain = before.id, bytes(before.chain)
        page_query = (
            sa.select(schema.event, schema.item.c.source, schema.item.c.name)
            .join_from(schema.event, schema.item)
            .order_by(schema.event.c.id)
            .limit(PAGE)
        )
        while True:
            with self._reads() as connection:
                page = connection.execute(page_query.where(schema.event.c.id > last)).all()
            for row in page:
                item = ItemId(row.source, row.name)
                event = rows.event(row, item)
                is_chained = rows.chained(chain, item, rows.event_values(row.item_id, event)) == bytes(row.chain)
                chain = bytes(row.chain)
                yield ChainedEvent(event, chain.hex(), is_chained=is_chained)
            if len(page) < PAGE:
                return
            last = page[-1].id

    def sealed_bags(self, versions: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[str, int], SealedBag]:
        """Return bags by item and version; see the port."""
        wanted = sorted(set(versions))
        found: dict[tuple[str, int], SealedBag] = {}
        place = sa.tuple_(schema.item.c.source, schema.item.c.name, schema.aip.c.version)
        query = sa.select(
            schema.item.c.source,
            schema.item.c.name,
            schema.aip.c.version,
            schema.aip.c.prefix,
            schema.aip.c.tag_manifest,
        ).join_from(schema.item, schema.aip)
        for start in range(0, len(wanted), _ASKED):
            keys = [
                (rows.text(item.source), rows.text(item.name), version)
                for item, version in wanted[start : start + _ASKED]
            ]
            with self._reads() as connection:
                for row in connection.execute(query.where(place.in_(keys))):
                    name = str(ItemId(row.source, row.name))
                    found[name, row.version] = SealedBag(name, row.version, row.prefix, row.tag_manifest)
        return found
