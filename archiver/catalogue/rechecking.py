"""Held items in the order in which their licences were last asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.reading import PAGE, _copies
from archiver.core.events import EventType
from archiver.core.rechecks import MARK, HeldLicence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime


class Rechecking:
    """Implements `archiver.ports.rechecks.HeldLicences`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def longest_unasked(self, source: str, *, until: datetime) -> Iterator[HeldLicence]:
        """Yield held items, the longest unasked first; see the port."""
        item, aip, event = schema.item, schema.aip, schema.event
        asked = (
            sa.select(sa.func.max(event.c.at))
            .where(
                event.c.item_id == item.c.id,
                event.c.type == EventType.APPRAISAL.value,
                event.c.detail.startswith(MARK, autoescape=True),
            )
            .scalar_subquery()
        )
        last = sa.func.coalesce(asked, aip.c.ingested_at, type_=schema.Utc()).label("asked_at")
        held = (
            sa.select(item.c.source, item.c.name, aip, last)
            .join_from(item, aip)
            .where(item.c.source == rows.text(source), aip.c.version == item.c.latest_version)
            .subquery()
        )
        query = sa.select(held).where(held.c.asked_at <= until).order_by(held.c.asked_at, held.c.id).limit(PAGE)
        place = sa.tuple_(held.c.asked_at, held.c.id)
        reached: tuple[datetime, int] | None = None
        while True:
            with self._reads() as connection:
                limits = sa.tuple_(sa.literal(reached[0], schema.Utc()), sa.literal(reached[1])) if reached else None
                page = connection.execute(query if limits is None else query.where(place > limits)).all()
                copies = _copies(connection, [row.id for row in page])
            for row in page:
                yield HeldLicence(rows.holding(row, copies[row.id]), json.loads(row.decision or "{}"), row.asked_at)
            if len(page) < PAGE:
                return
            reached = (page[-1].asked_at, page[-1].id)
