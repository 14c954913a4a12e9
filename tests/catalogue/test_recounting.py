"""Going on behind events that were read before costs what the new ones cost, however many came before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from archiver.catalogue import recounting
from archiver.catalogue.opening import open_catalogue
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.items import ItemId

AT = datetime(2026, 11, 24, tzinfo=UTC)
X = ItemId("internet-archive", "x")


def event(path):
    return Event(EventType.FIXITY_CHECK, AT, EventOutcome.SUCCESS, "", Agent("test"), X, version=1, path=path)


@pytest.fixture
def catalogue(tmp_path):
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite")
    run = catalogue.begin(selection="x", selection_digest="", at=AT)
    del run
    yield catalogue
    catalogue.close()


def test_no_statement_counts_off_events_that_were_read_before(catalogue):
    catalogue.appended([event(f"p{number}") for number in range(30)])
    asked = []
    sa.event.listen(catalogue._engine, "before_cursor_execute", lambda *heard: asked.append((heard[2], heard[3])))

    assert [one.event.path for one in catalogue.chained_events(skip=28)] == ["p28", "p29"]
    texts = [text for text, _ in asked]
    assert texts
    assert not [(text, values) for text, values in asked if "OFFSET" in text and values[-1] != 0]


@pytest.mark.parametrize("skip", [1, 2, 3, 4, 6, 7, 8, 9])
def test_going_on_finds_its_place_over_pages_and_over_gaps_in_the_numbers(catalogue, skip, monkeypatch):
    monkeypatch.setattr(recounting, "PAGE", 3)
    catalogue.appended([event(f"p{number}") for number in range(5)])
    with catalogue._writes() as connection:
        # Catalogues of an older release have gaps where a write failed; what comes behind one is chained all the same.
        last = connection.exec_driver_sql("SELECT * FROM event ORDER BY id DESC LIMIT 1").mappings().one()
        connection.execute(sa.insert(recounting.schema.event).values({**last, "id": 40, "at": AT, "path": "gap"}))
    catalogue.appended([event(f"p{number}") for number in range(6, 9)])

    whole = [one.chain for one in catalogue.chained_events()]
    found = list(catalogue.chained_events(skip=skip))
    assert [one.chain for one in found] == whole[skip:]
    assert all(one.is_chained for one in found if one.event.path not in {"gap", "p5"})
    assert list(catalogue.chained_events(skip=10)) == []
