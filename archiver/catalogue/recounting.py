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
            before = self._event_before(skip)
            if before is None:
                return
            last, chain = before
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

    def _event_before(self, skip: int) -> tuple[int, bytes] | None:
        """Return the key and the chain of the event that so many end with; None when there are fewer.

        It is looked for from the end backwards, key by key: what is asked for are the events that were added since the last
        time, and those before them, which grow for ever, are counted in an index but not read.
        """
        event = schema.event.c
        with self._reads() as connection:
            counted, last = connection.execute(sa.select(sa.func.count(), sa.func.max(event.id))).one()
        newer = counted - skip
        if newer < 0:
            return None
        backwards = sa.select(event.id).order_by(event.id.desc())
        while newer > 0:
            # Events are only appended: what is at or before a key is the same in every transaction.
            with self._reads() as connection:
                page = connection.execute(backwards.where(event.id <= last).limit(min(newer, PAGE) + 1)).all()
            if len(page) < 2:  # events went away meanwhile, which only somebody beside the program does
                return None
            newer -= len(page) - 1
            last = page[-1].id
        with self._reads() as connection:
            chain = connection.execute(sa.select(event.chain).where(event.id == last)).scalar_one()
        return last, bytes(chain)

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
