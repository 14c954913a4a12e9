"""Events over all items, for reports."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.core.events import EventOutcome, EventType
from archiver.core.items import ItemId
from archiver.core.surveys import Activity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from archiver.core.events import Event

PAGE = 1000
"""Rows read at once."""

_EVENTS = sa.select(schema.item.c.source, schema.item.c.name, schema.event).join_from(schema.event, schema.item)


class Chronicling:
    """Implements `archiver.ports.chronicle.Chronicle`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def activity(self) -> Iterator[Activity]:
        """Yield events counted by day; see the port."""
        event = schema.event.c
        with self._reads() as connection:
            day: sa.ColumnElement[Any] = (
                sa.func.to_char(sa.func.timezone("UTC", event.at), "YYYY-MM-DD")
                if connection.dialect.name == "postgresql"
                else sa.func.strftime("%Y-%m-%d", event.at, type_=sa.Text)
            )
            query = (
                sa.select(day.label("day"), event.type, event.outcome, event.store, sa.func.count().label("number"))
                .where(sa.or_(event.type != EventType.FIXITY_CHECK.value, event.path == ""))
                .group_by(sa.literal_column("1"), event.type, event.outcome, event.store)
                .order_by(sa.literal_column("1"), event.type, event.outcome, event.store)
            )
            found = connection.execute(query).all()
        for row in found:
            yield Activity(
                date.fromisoformat(row.day), EventType(row.type), EventOutcome(row.outcome), row.store, row.number
            )

    def happened(self, *, since: datetime | None = None) -> Iterator[Event]:
        """Yield every event; see the port."""
        query = _EVENTS.order_by(schema.event.c.id).limit(PAGE)
        if since is not None:
            query = query.where(schema.event.c.at >= since)
        last = 0
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(schema.event.c.id > last)).all()
            yield from (rows.event(row, ItemId(row.source, row.name)) for row in page)
            if len(page) < PAGE:
                return
            last = page[-1].id

    def failures(self, *, limit: int) -> Iterator[Event]:
        """Yield events that did not succeed; see the port."""
        query = (
            _EVENTS.where(schema.event.c.outcome != EventOutcome.SUCCESS.value)
            .order_by(schema.event.c.id.desc())
            .limit(limit)
        )
        with self._reads() as connection:
            found = connection.execute(query).all()
        yield from (rows.event(row, ItemId(row.source, row.name)) for row in found)

    def items_with(self) -> Mapping[EventType, int]:
        """Return to how many held items each type of event has happened; see the port."""
        event = schema.event.c
        query = (
            sa.select(event.type, sa.func.count(sa.distinct(event.item_id)).label("items"))
            .join_from(schema.event, schema.item)
            .where(schema.item.c.latest_version.is_not(None), event.outcome == EventOutcome.SUCCESS.value)
            .group_by(event.type)
        )
        with self._reads() as connection:
            return {EventType(row.type): row.items for row in connection.execute(query)}

    def agents(self) -> Mapping[str, int]:
        """Return how many events each agent is named in; see the port."""
        event = schema.event.c
        query = sa.select(event.agent_kind, event.agent, sa.func.count().label("number")).group_by(
            event.agent_kind, event.agent
        )
        with self._reads() as connection:
            return {f"{row.agent_kind}: {row.agent}": row.number for row in connection.execute(query)}

    def extensions(self) -> Mapping[str, tuple[int, int]]:
        """Return files and bytes by the ending of their names; see the port."""
        file = schema.file.c
        query = (
            sa.select(file.path, file.size)
            .join_from(schema.file, schema.aip)
            .join_from(schema.aip, schema.item)
            .where(schema.aip.c.version == schema.item.c.latest_version)
        )
        files: Counter[str] = Counter()
        bytes_: Counter[str] = Counter()
        with self._reads() as connection:
            for path, size in connection.execution_options(yield_per=PAGE).execute(query):
                ending = _ending(path)
                files[ending] += 1
                bytes_[ending] += size
        return {ending: (number, bytes_[ending]) for ending, number in files.most_common()}


def _ending(path: str) -> str:
    name = path.rpartition("/")[2]
    _, dot, ending = name.rpartition(".")
    return ending.lower()[:12] if dot and ending else "none"
