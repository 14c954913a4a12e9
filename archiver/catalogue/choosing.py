"""Held items chosen by a preference, or by the selection that brought them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archiver.catalogue import schema
from archiver.core.items import ItemId
from archiver.core.outcomes import Outcome

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Choosing:
    """Implements `archiver.ports.preferences.Choices`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def stating(self, category: str, value: str) -> frozenset[ItemId]:
        """Return the items whose newest version carries a preference; see the port."""
        item, aip, preference = schema.item, schema.aip, schema.preference
        query = (
            sa.select(item.c.source, item.c.name)
            .join_from(preference, aip)
            .join_from(aip, item)
            .where(
                preference.c.category == category,
                preference.c.value == value,
                aip.c.version == item.c.latest_version,
            )
        )
        with self._reads() as connection:
            return frozenset(ItemId(row.source, row.name) for row in connection.execute(query))

    def stored_by(self, selection: str) -> frozenset[ItemId]:
        """Return the items that a harvest of a selection stored; see the port."""
        item, outcome, run = schema.item, schema.outcome, schema.run
        query = (
            sa.select(item.c.source, item.c.name)
            .distinct()
            .join_from(outcome, run)
            .join_from(outcome, item)
            .where(run.c.selection == selection, outcome.c.outcome == Outcome.STORED.value)
        )
        with self._reads() as connection:
            return frozenset(ItemId(row.source, row.name) for row in connection.execute(query))
