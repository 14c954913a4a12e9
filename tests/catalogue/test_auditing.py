"""Choosing due copies costs what one page costs, however many copies there are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from archiver.catalogue import schema
from archiver.catalogue.auditing import due_query
from archiver.catalogue.opening import open_catalogue

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("column", ["checked_at", "looked_at"])
@pytest.mark.parametrize("last", [None, (AT, 7)])
def test_an_index_gives_the_copies_in_the_order_of_their_checks_and_nothing_else_is_read(tmp_path, column, last):
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    open_catalogue(url).close()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    asked = due_query(schema.copy.c[column], "primary", AT, last).compile(engine)
    with engine.connect() as connection:
        values = [asked.params[name] for name in asked.positiontup]
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", tuple(map(str, values))).all()
    plan = [row[3] for row in rows]

    assert f"SEARCH copy USING COVERING INDEX ix_copy_store_{column}_aip_id" in plan[1]
    assert not [line for line in plan if line.startswith("SCAN") and "page" not in line and "anon" not in line]
    assert plan.count("USE TEMP B-TREE FOR ORDER BY") <= 1, plan  # of the thousand that were chosen
