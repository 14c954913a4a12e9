"""The quarantine: cases and verdicts, added and never changed; and bytes that were seen before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import rows, schema
from archiver.catalogue.writing import inserted, item_row
from archiver.core.fixity import Algorithm, Digest
from archiver.core.holdings import SeenBytes
from archiver.core.items import ItemId
from archiver.core.reviews import Case, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

PAGE = 200
"""Cases, and digests, asked for at once."""

_CASES = sa.select(schema.item.c.source, schema.item.c.name, schema.review_case).join_from(
    schema.item, schema.review_case
)
_CASES_OF_ONE = _CASES.where(schema.IS_NAMED).order_by(schema.review_case.c.id)
_HELD: sa.Select[Any] = (
    sa.select(schema.item.c.source, schema.item.c.name, schema.aip.c.licence, schema.file.c.path, schema.file.c.sha256)
    .join_from(schema.file, schema.aip)
    .join_from(schema.aip, schema.item)
    .where(
        schema.file.c.sha256.in_(sa.bindparam("digests", expanding=True)),
        schema.aip.c.version == schema.item.c.latest_version,
    )
    .order_by(schema.item.c.source, schema.item.c.name, schema.file.c.path)
    .limit(1000)
)
_BLOCKED: sa.Select[Any] = (
    sa.select(schema.item.c.source, schema.item.c.name, schema.blocked.c.sha256)
    .join_from(schema.blocked, schema.item)
    .where(schema.blocked.c.sha256.in_(sa.bindparam("digests", expanding=True)))
    .order_by(schema.item.c.source, schema.item.c.name)
    .limit(1000)
)


class Reviewing:
    """Implements `archiver.ports.reviews`."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def opened(self, case: Case) -> None:
        """Take a case down; see the port."""
        table = schema.review_case.c
        with self._writes() as connection:
            item_id = item_row(connection, case.item)
            known = sa.select(table.id).where(
                table.item_id == item_id, table.item_set == case.item_set, table.whole_set == case.whole_set
            )
            if connection.execute(known).first() is None:
                inserted(connection, schema.review_case, {"item_id": item_id, **_case_values(case)})

    def cases(self, item: ItemId) -> tuple[Case, ...]:
        """Return every case of an item, oldest first; see the port."""
        with self._reads() as connection:
            found = connection.execute(_CASES_OF_ONE, rows.named(item)).all()
            verdicts = _verdicts(connection, [row.id for row in found]) if found else {}
        return tuple(_case(row, verdicts[row.id]) for row in found)

    def every_case(self) -> Iterator[Case]:
        """Yield the newest case of each item; see the port."""
        newest = sa.select(sa.func.max(schema.review_case.c.id)).group_by(schema.review_case.c.item_id)
        place = sa.tuple_(schema.item.c.source, schema.item.c.name)
        query = (
            _CASES.where(schema.review_case.c.id.in_(newest))
            .order_by(schema.item.c.source, schema.item.c.name)
            .limit(PAGE)
        )
        last: tuple[str, str] | None = None
        while True:
            with self._reads() as connection:
                page = connection.execute(query.where(place > last) if last else query).all()
                verdicts = _verdicts(connection, [row.id for row in page])
            yield from (_case(row, verdicts[row.id]) for row in page)
            if len(page) < PAGE:
                return
            last = (page[-1].source, page[-1].name)

    def judged(self, case: Case, verdict: Verdict) -> None:
        """Add a verdict to a case; see the port."""
        with self._writes() as connection:
            _add_verdict(connection, case.id, verdict)

    def seen(self, digests: Iterable[Digest]) -> tuple[SeenBytes, ...]:
        """Return where bytes are held, and where withdrawn; see the port."""
        values = [bytes.fromhex(digest.value) for digest in digests]
        found: list[SeenBytes] = []
        with self._reads() as connection:
            for start in range(0, len(values), PAGE):
                some = {"digests": values[start : start + PAGE]}
                found += map(_held, connection.execute(_HELD, some))
                found += map(_withdrawn, connection.execute(_BLOCKED, some))
        return tuple(found)


def _withdrawn(row: sa.Row[Any]) -> SeenBytes:
    digest = Digest(Algorithm.SHA256, row.sha256.hex())
    return SeenBytes(digest, ItemId(row.source, row.name), "", withdrawn=True)


def _held(row: sa.Row[Any]) -> SeenBytes:
    digest = Digest(Algorithm.SHA256, row.sha256.hex())
    return SeenBytes(digest, ItemId(row.source, row.name), row.licence, row.path)


def cases_of(connection: sa.Connection, item_ids: Sequence[int]) -> tuple[Case, ...]:
    """Return every case of some items, oldest first."""
    table = schema.review_case.c
    found = connection.execute(_CASES.where(table.item_id.in_(item_ids)).order_by(table.id)).all()
    verdicts = _verdicts(connection, [row.id for row in found])
    return tuple(_case(row, verdicts[row.id]) for row in found)


def review_again(connection: sa.Connection, cases: Iterable[Case]) -> None:
    """Take cases down as they stand, verdicts included, in place of what is known of them."""
    table = schema.review_case.c
    for case in cases:
        item_id = item_row(connection, case.item)
        known = connection.execute(
            sa.select(table.id).where(
                table.item_id == item_id, table.item_set == case.item_set, table.whole_set == case.whole_set
            )
        ).scalar()
        if known is None:
            known = inserted(connection, schema.review_case, {"item_id": item_id, **_case_values(case)})
        verdict = schema.review_verdict
        connection.execute(verdict.delete().where(verdict.c.case_id == known))
        for one in case.verdicts:
            _add_verdict(connection, int(known), one)


def _add_verdict(connection: sa.Connection, case_id: int, verdict: Verdict) -> None:
    connection.execute(
        schema.review_verdict.insert().values(
            case_id=case_id,
            is_acceptance=verdict.is_acceptance,
            reviewer=rows.text(verdict.reviewer),
            reason=rows.text(verdict.reason),
            licence=rows.text(verdict.licence),
            at=verdict.at,
        )
    )


def _case_values(case: Case) -> dict[str, Any]:
    return {
        "title": rows.text(case.title),
        "collections": rows.text(json.dumps(case.collections)),
        "item_set": case.item_set,
        "whole_set": case.whole_set,
        "batch_set": case.batch_set,
        "reasons": json.dumps(case.reasons),
        "decision": rows.text(case.decision),
        "opened_at": case.opened_at,
        "state": case.state,
    }


def _verdicts(connection: sa.Connection, cases: Sequence[int]) -> dict[int, tuple[Verdict, ...]]:
    table = schema.review_verdict
    found: dict[int, tuple[Verdict, ...]] = dict.fromkeys(cases, ())
    query = sa.select(table).where(table.c.case_id.in_(cases)).order_by(table.c.id)
    for row in connection.execute(query) if cases else ():
        verdict = Verdict(row.is_acceptance, row.reviewer, row.reason, row.licence, row.at)
        found[row.case_id] = (*found[row.case_id], verdict)
    return found


def _case(row: sa.Row[Any], verdicts: tuple[Verdict, ...]) -> Case:
    return Case(
        item=ItemId(row.source, row.name),
        title=row.title,
        collections=tuple(json.loads(row.collections)),
        item_set=row.item_set,
        whole_set=row.whole_set,
        batch_set=row.batch_set,
        reasons=tuple(json.loads(row.reasons)),
        decision=row.decision,
        opened_at=row.opened_at,
        verdicts=verdicts,
        id=row.id,
        state=row.state,
    )
