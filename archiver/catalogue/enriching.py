"""What encyclopedias answered, and which identifiers items have: a cache beside the holdings, never a part of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.writing import item_row
from archiver.core.enrichments import Knowledge
from archiver.core.identifiers import Identifier, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from archiver.core.items import ItemId

_KNOWN, _HAS = schema.knowledge, schema.identifier


class Enriching:
    """Implements `archiver.ports.enrichments.Enrichments`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def known(self, provider: str, key: str) -> Knowledge | None:
        """Return the last answer; see the port."""
        query = sa.select(_KNOWN).where(_KNOWN.c.provider == provider, _KNOWN.c.key == key)
        with self._reads() as connection:
            row = connection.execute(query).one_or_none()
        return Knowledge(row.key, json.loads(row.record), row.url, row.at) if row else None

    def keep(self, provider: str, knowledge: Knowledge) -> None:
        """Keep an answer; see the port."""
        record = json.dumps(knowledge.record, sort_keys=True)
        with self._writes() as connection:
            connection.execute(_KNOWN.delete().where(_KNOWN.c.provider == provider, _KNOWN.c.key == knowledge.key))
            connection.execute(
                _KNOWN.insert().values(
                    provider=provider, key=knowledge.key, record=record, url=rows.text(knowledge.url), at=knowledge.at
                )
            )

    def attach(self, item: ItemId, identifiers: Iterable[Identifier]) -> None:
        """Take identifiers down; see the port."""
        with self._writes() as connection:
            item_id = item_row(connection, item)
            connection.execute(_HAS.delete().where(_HAS.c.item_id == item_id))
            values = [
                {
                    "item_id": item_id,
                    "number": number,
                    "kind": one.kind.value,
                    "raw": rows.text(one.raw),
                    "path": rows.text(one.where),
                    "value": one.value,
                }
                for number, one in enumerate(identifiers)
            ]
            if values:
                connection.execute(_HAS.insert(), values)

    def attached(self, item: ItemId) -> tuple[Identifier, ...]:
        """Return the identifiers of an item; see the port."""
        query = (
            sa.select(_HAS)
            .join_from(_HAS, schema.item)
            .where(schema.item.c.source == rows.text(item.source), schema.item.c.name == rows.text(item.name))
            .order_by(_HAS.c.number)
        )
        with self._reads() as connection:
            found = connection.execute(query).all()
        return tuple(Identifier(Kind(row.kind), row.raw, row.path, row.value) for row in found)
