"""Recordings that are the same, whatever is wrapped around them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.withdrawing import is_dark
from archiver.core.items import ItemId
from archiver.core.sounds import DuplicateGroup, Placed, Sameness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

PAGE = 300
"""Digests asked for at once; SQLite takes some hundreds of parts in one condition."""

_SOUND, _AIP, _ITEM = schema.sound.c, schema.aip.c, schema.item.c
_NEWEST = sa.and_(_AIP.version == _ITEM.latest_version, ~is_dark())
_ALL = (
    sa.select(schema.sound, _ITEM.source, _ITEM.name, _AIP.version, _AIP.licence)
    .select_from(schema.sound.join(schema.aip).join(schema.item))
    .where(_NEWEST)
)


class Sounding:
    """Implements `archiver.ports.sounds.Sounds`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def same_sounds(self) -> Iterator[DuplicateGroup]:
        """Yield groups of recordings that are the same; see the port."""
        for column, more in ((_SOUND.pcm_md5, sa.true()), (_SOUND.packets_sha256, _SOUND.pcm_md5.is_(None))):
            yield from self._groups(column, more)

    def _groups(self, column: sa.Column[Any], more: sa.ColumnElement[bool]) -> Iterator[DuplicateGroup]:
        repeated = (
            sa.select(column)
            .select_from(schema.sound.join(schema.aip).join(schema.item))
            .where(_NEWEST, column.is_not(None), more)
            .group_by(column)
            .having(sa.func.count() > 1)
            .order_by(column)
            .limit(PAGE)
        )
        last: bytes | None = None
        while True:
            with self._reads() as connection:
                query = repeated.where(column > last) if last is not None else repeated
                keys = list(connection.execute(query).scalars())
                order = (column, _ITEM.source, _ITEM.name, _SOUND.path)
                found = connection.execute(_ALL.where(column.in_(keys), more).order_by(*order)).all()
            for _, group in groupby(found, key=lambda row: bytes(getattr(row, column.name))):
                yield from _alike(list(map(_placed, group)))
            if len(keys) < PAGE:
                return
            last = keys[-1]

    def fingerprinted(self) -> Iterator[Placed]:
        """Yield recordings with a fingerprint; see the port."""
        place = sa.tuple_(_SOUND.aip_id, _SOUND.path)
        query = _ALL.where(_SOUND.fingerprint.is_not(None)).order_by(_SOUND.aip_id, _SOUND.path).limit(PAGE)
        last: tuple[int, str] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(place > last) if last else query).all()
            yield from map(_placed, page)
            if len(page) < PAGE:
                return
            last = (page[-1].aip_id, page[-1].path)

    def sound_counts(self) -> tuple[int, int]:
        """Return how many recordings there are; see the port."""
        query = (
            sa.select(sa.func.count(), sa.func.count(_SOUND.fingerprint))
            .select_from(schema.sound.join(schema.aip).join(schema.item))
            .where(_NEWEST)
        )
        with self._reads() as connection:
            sounds, fingerprints = connection.execute(query).one()
        return int(sounds), int(fingerprints)

    def examined_items(self) -> int:
        """Return how many items have an examined recording; see the port."""
        query = (
            sa.select(sa.func.count(_AIP.item_id.distinct()))
            .select_from(schema.sound.join(schema.aip).join(schema.item))
            .where(_NEWEST)
        )
        with self._reads() as connection:
            return int(connection.execute(query).scalar_one())


def _alike(members: list[Placed]) -> Iterator[DuplicateGroup]:
    """Part members by rate and channels: the same samples at another rate are another sound."""
    kinds: dict[tuple[int | None, int | None], list[Placed]] = {}
    for one in members:
        kinds.setdefault((one.sound.sample_rate, one.sound.channels), []).append(one)
    for group in kinds.values():
        if len(group) > 1:
            packets = {one.sound.packets_sha256 for one in group}
            is_same = len(packets) == 1
            key = group[0].sound.packets_sha256 if is_same else group[0].sound.pcm_md5
            yield DuplicateGroup(Sameness.PACKETS if is_same else Sameness.SAMPLES, key, tuple(group))


def _placed(row: sa.Row[Any]) -> Placed:
    return Placed(ItemId(row.source, row.name), row.version, row.licence, rows.sound(row))
