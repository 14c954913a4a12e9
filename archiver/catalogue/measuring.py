"""Measured recordings in the catalogue."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.withdrawing import is_dark
from archiver.catalogue.writing import insert_rows
from archiver.core.items import ItemId
from archiver.core.loudness import Loudness
from archiver.core.suspicions import Measured, Recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

PAGE = 200
"""Items read at once."""

_ITEM, _AIP, _LOUD = schema.item.c, schema.aip.c, schema.loudness.c


class Measuring:
    """Implements `archiver.ports.measurements.Measurements`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def measured(self, item: ItemId, version: int, found: Iterable[Measured]) -> None:
        """Take down what measuring came to; see the port."""
        query = (
            sa.select(_AIP.id)
            .join_from(schema.aip, schema.item)
            .where(_ITEM.source == rows.text(item.source), _ITEM.name == rows.text(item.name), _AIP.version == version)
        )
        with self._writes() as connection:
            aip_id = connection.execute(query).scalar()
            if aip_id is None:
                return
            connection.execute(schema.loudness.delete().where(_LOUD.aip_id == aip_id))
            insert_rows(connection, schema.loudness, (_values(aip_id, one) for one in found))

    def recordings(self) -> Iterator[tuple[Recording, ...]]:
        """Yield the recordings that something is known of, item by item; see the port."""
        place = sa.tuple_(_ITEM.source, _ITEM.name)
        newest = (
            sa.select(_AIP.id, _ITEM.source, _ITEM.name, _AIP.version)
            .join_from(schema.aip, schema.item)
            .where(_AIP.version == _ITEM.latest_version, ~is_dark())
            .order_by(_ITEM.source, _ITEM.name)
            .limit(PAGE)
        )
        last: tuple[str, str] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(newest.where(place > last) if last else newest).all()
                found = _found(connection, {int(row.id): row for row in page})
            yield from found
            if len(page) < PAGE:
                return
            last = (page[-1].source, page[-1].name)


def _found(connection: sa.Connection, aips: dict[int, Any]) -> list[tuple[Recording, ...]]:
    """Return what is known of each recording, whoever found it: measured, examined, or both."""
    sound = schema.sound.c
    loud = connection.execute(sa.select(schema.loudness).where(_LOUD.aip_id.in_(aips))).all()
    heard = connection.execute(
        sa.select(sound.aip_id, sound.path, sound.codes, sound.seconds).where(sound.aip_id.in_(aips))
    ).all()
    known: dict[int, dict[str, Recording]] = {}
    for row in heard:
        aip = aips[row.aip_id]
        codes = tuple(map(str, json.loads(row.codes)))
        found = Recording(
            ItemId(aip.source, aip.name), aip.version, row.path, None, row.seconds, codes, is_examined=True
        )
        known.setdefault(row.aip_id, {})[row.path] = found
    for row in loud:
        aip = aips[row.aip_id]
        of_item = known.setdefault(row.aip_id, {})
        earlier = of_item.get(row.path, Recording(ItemId(aip.source, aip.name), aip.version, row.path))
        of_item[row.path] = replace(earlier, measured=Measured(row.path, _loudness(row), row.reason))
    return [tuple(known[aip_id][path] for path in sorted(known[aip_id])) for aip_id in aips if aip_id in known]


def _values(aip_id: int, one: Measured) -> dict[str, Any]:
    loud = one.loudness
    return {
        "aip_id": aip_id,
        "path": rows.text(one.path),
        "reason": rows.text(one.reason),
        "seconds": loud.seconds if loud else None,
        "integrated": loud.integrated if loud else None,
        "range": loud.range if loud else None,
        "true_peak": loud.true_peak if loud else None,
        "peaks": json.dumps(loud.peaks) if loud else "[]",
        "clipped": loud.clipped if loud else 0,
        "silent": loud.silent if loud else 0.0,
        "longest_silence": loud.longest_silence if loud else 0.0,
    }


def _loudness(row: Any) -> Loudness | None:
    if row.seconds is None:
        return None
    return Loudness(
        seconds=row.seconds,
        integrated=row.integrated,
        range=row.range,
        true_peak=row.true_peak,
        peaks=tuple(json.loads(row.peaks)),
        clipped=row.clipped,
        silent=row.silent,
        longest_silence=row.longest_silence,
    )
