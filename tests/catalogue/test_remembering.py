"""Sums that are remembered until something happens."""

from __future__ import annotations

import sqlalchemy as sa

from archiver.catalogue import schema
from archiver.catalogue.opening import open_catalogue


def test_a_sum_is_taken_once_for_each_event_and_again_after_the_next(tmp_path):
    catalogue = open_catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    taken = []

    def take(connection):
        taken.append(connection.execute(sa.select(sa.func.count()).select_from(schema.run)).scalar())
        return taken[-1]

    try:
        assert [catalogue._remembered("runs", take) for _ in range(3)] == [0, 0, 0]
        assert taken == [0]
        with catalogue._writes() as connection:
            connection.execute(schema.item.insert().values(source="s", name="n"))
            connection.exec_driver_sql(
                "INSERT INTO event (item_id, type, at, outcome, detail, agent, agent_kind, version, store, path, chain) "
                "VALUES (1, 'capture', '2026-01-01 00:00:00.000000', 'success', '', '', '', 1, '', '', x'00')"
            )
        assert catalogue._remembered("runs", take) == 0
        assert taken == [0, 0]
    finally:
        catalogue.close()
