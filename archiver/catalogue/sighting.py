"""What is remembered of earlier crawls. Whole pages of a search are looked up and taken down at once."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.withdrawing import is_dark
from archiver.catalogue.writing import item_row, note_met, note_met_again, note_outcome
from archiver.core.crawls import Sighting, Stage, Window
from archiver.core.errors import ItemNotFoundError
from archiver.core.holdings import CopyStatus
from archiver.core.items import ItemId
from archiver.core.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from archiver.core.outcomes import ItemOutcome
    from archiver.core.totals import Run

_AT_ONCE = 500
"""Items looked up in one statement; databases limit the number of its values."""


class Sighted:
    """Implements `archiver.ports.sightings.Sightings`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def sighted(self, selection: str, items: Sequence[ItemId]) -> dict[ItemId, Sighting]:
        """Return what is remembered of items; see the port."""
        found: dict[ItemId, Sighting] = {}
        left = iter(items)
        while page := list(islice(left, _AT_ONCE)):
            with self._reads() as connection:
                lines = connection.execute(_query(selection, page)).all()
                copies = _copies(connection, [line.aip_id for line in lines if line.aip_id is not None])
            for line in lines:
                item = ItemId(line.source, line.name)
                found[item] = _sighting(item, line, copies.get(line.aip_id, ()))
        return found

    def met(self, run: Run, outcomes: Iterable[ItemOutcome], *, at: datetime) -> None:
        """Remember how items ended; see the port."""
        outcomes = tuple(outcomes)
        if not outcomes:
            return
        with self._writes() as connection:
            for outcome in outcomes:
                item_id = item_row(connection, outcome.item)
                if outcome.stage == Stage.RECOGNISED:
                    note_outcome(connection, item_id, outcome, at=at)
                    note_met_again(connection, run, item_id)
                else:
                    note_met(connection, run, item_id, outcome, at=at)

    def unmet(self, run: Run) -> Iterator[ItemId]:
        """Yield the held items that were met before and not in this run; see the port."""
        item, sighting = schema.item, schema.sighting
        query = (
            sa.select(item.c.id, item.c.source, item.c.name)
            .join_from(sighting, item)
            .where(
                sighting.c.selection == rows.text(run.selection),
                sighting.c.run_id != run.id,
                item.c.latest_version.is_not(None),
                ~is_dark(),
            )
            .order_by(item.c.id)
            .limit(_AT_ONCE)
        )
        last = 0
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(item.c.id > last)).all()
            yield from (ItemId(row.source, row.name) for row in page)
            if len(page) < _AT_ONCE:
                return
            last = page[-1].id

    def forget(self, run: Run, items: Iterable[ItemId]) -> None:
        """Remember no more of items; see the port."""
        table = schema.sighting.c
        with self._writes() as connection:
            for item in items:
                item_id = item_row(connection, item)
                connection.execute(
                    schema.sighting.delete().where(
                        table.selection == rows.text(run.selection), table.item_id == item_id
                    )
                )

    def window(self, selection: str) -> Window | None:
        """Return what a selection has seen to its end; see the port."""
        table = schema.crawl_window
        with self._reads() as connection:
            row = connection.execute(sa.select(table).where(table.c.selection == rows.text(selection))).one_or_none()
            unknown = () if row is None else tuple(self._unknown(connection, row))
        return Window(row.digest, row.until, row.full_at, unknown) if row else None

    def _unknown(self, connection: sa.Connection, window: sa.Row[Any]) -> Iterator[ItemId]:
        """Yield what was last asked for since everything was enumerated, and was not known."""
        item, sighting = schema.item.c, schema.sighting.c
        query = (
            sa.select(item.source, item.name)
            .join_from(schema.sighting, schema.item)
            .where(
                sighting.selection == window.selection,
                sighting.outcome == Outcome.FAILED.value,
                sighting.reasons == json.dumps((ItemNotFoundError.reason,)),
                sighting.described_at >= window.full_at,
            )
            .order_by(item.id)
        )
        yield from (ItemId(row.source, row.name) for row in connection.execute(query))

    def runs(self, *, selection: str = "", limit: int) -> Iterator[Run]:
        """Yield the latest runs, newest first; see `archiver.ports.crawls.Crawls`."""
        query = sa.select(schema.run).order_by(schema.run.c.id.desc()).limit(limit)
        if selection:
            query = query.where(schema.run.c.selection == rows.text(selection))
        with self._reads() as connection:
            found = connection.execute(query).all()
        yield from map(rows.run, found)

    def moved(self, selection: str, window: Window) -> None:
        """Let the selection's window be this one; see the port."""
        table = schema.crawl_window
        values = {"digest": window.digest, "until": window.until, "full_at": window.full_at}
        with self._writes() as connection:
            name = rows.text(selection)
            changed = connection.execute(table.update().where(table.c.selection == name).values(**values))
            if not changed.rowcount:
                connection.execute(table.insert().values(selection=name, **values))


def _query(selection: str, items: Sequence[ItemId]) -> sa.Select[Any]:
    item, sighting, aip = schema.item, schema.sighting, schema.aip
    case, verdict = schema.review_case, schema.review_verdict
    judged = (
        sa.exists()
        .where(verdict.c.case_id == case.c.id, case.c.item_id == item.c.id, verdict.c.at > sighting.c.described_at)
        .correlate(item, sighting)
    )
    held = sa.and_(aip.c.item_id == item.c.id, aip.c.version == item.c.latest_version)
    names: dict[str, list[str]] = {}
    for one in items:
        names.setdefault(rows.text(one.source), []).append(rows.text(one.name))
    return (
        sa.select(
            item.c.source,
            item.c.name,
            sighting.c.mark,
            sighting.c.outcome,
            sighting.c.reasons,
            sighting.c.detail,
            sighting.c.described_at,
            aip.c.id.label("aip_id"),
            aip.c.prefix,
            aip.c.licence,
            aip.c.files,
            is_dark().label("is_dark"),
            judged.label("is_judged"),
        )
        .select_from(sighting)
        .join(item, item.c.id == sighting.c.item_id)
        .outerjoin(aip, held)
        .where(
            sighting.c.selection == rows.text(selection),
            sa.or_(*(sa.and_(item.c.source == source, item.c.name.in_(some)) for source, some in names.items())),
        )
    )


def _copies(connection: sa.Connection, aip_ids: list[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    table = schema.copy.c
    query = sa.select(table.aip_id, table.store, table.status).where(table.aip_id.in_(aip_ids)).order_by(table.store)
    for row in connection.execute(query) if aip_ids else ():
        found.setdefault(row.aip_id, []).append((row.store, row.status))
    return found


def _sighting(item: ItemId, line: sa.Row[Any], copies: Iterable[tuple[str, str]]) -> Sighting:
    copies = tuple(copies)
    return Sighting(
        item=item,
        mark=line.mark,
        outcome=Outcome(line.outcome),
        reasons=tuple(json.loads(line.reasons)),
        detail=line.detail,
        described_at=line.described_at,
        aip=line.prefix.rstrip("/") if line.prefix else "",
        licence=line.licence or "",
        files=line.files or 0,
        stores=frozenset(store for store, _ in copies),
        damaged=tuple(store for store, status in copies if status != CopyStatus.GOOD.value),
        is_settled=not line.is_dark and not line.is_judged,
    )
