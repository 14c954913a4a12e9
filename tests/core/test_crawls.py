"""Tables that add up, and windows that leave no hole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.core.crawls import (
    ANEW_AFTER,
    FULL_EVERY,
    OVERLAP,
    Crawl,
    CrawlTally,
    Sighting,
    Stage,
    Window,
    again,
    mark_of,
    moved,
    recognise_crawl,
    since_when,
    summed,
)
from archiver.core.items import ItemId
from archiver.core.outcomes import ItemOutcome, Outcome

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)
ITEM = ItemId("s", "x")


def crawl(*, whole=True, failed=0, unknown=0):
    tally = CrawlTally(is_whole=whole)
    for _ in range(failed):
        tally.take(ItemOutcome(ITEM, Outcome.FAILED, ("SOURCE_UNAVAILABLE",)))
    for _ in range(unknown):
        tally.take(ItemOutcome(ITEM, Outcome.FAILED, ("ITEM_NOT_FOUND",)))
    return tally.crawl()


outcomes = st.lists(
    st.builds(
        ItemOutcome,
        st.just(ITEM),
        st.sampled_from(Outcome),
        st.lists(st.sampled_from(["A", "B", "A:1", "A:2"])).map(tuple),
        stage=st.sampled_from(Stage),
    )
)


@given(outcomes, outcomes, st.none() | st.integers(0, 100))
def test_every_table_adds_up_and_comes_back_from_its_record(one, other, announced):
    tables = []
    for found in (one, other):
        tally = CrawlTally(announced=announced)
        for outcome in found:
            tally.take(outcome)
        tables.append(tally.crawl())
    whole = summed(tables)
    assert whole.found == len(one) + len(other)
    for table in (*tables, whole):
        assert table.adds_up
        assert recognise_crawl(table.to_json()).to_json() == table.to_json()
        assert {reason for _, reason, _ in table.reasons} <= {"A", "B"}


@pytest.mark.parametrize("record", [None, 1, "x", {}, {"announced": "x"}, [1]])
def test_what_is_no_table_is_none(record):
    assert recognise_crawl(record) is None


def test_a_table_that_does_not_add_up_says_so():
    assert not Crawl(None, 3, 0, 3, 1, ((Outcome.STORED, 2),), ()).adds_up


def test_a_source_is_asked_since_the_last_window_less_the_overlap():
    window = Window("d", NOW - DAY, NOW - 2 * DAY)
    assert since_when(window, digest="d", now=NOW) == NOW - DAY - OVERLAP
    assert since_when(window, digest="other", now=NOW) is None
    assert since_when(None, digest="d", now=NOW) is None
    assert since_when(Window("d", NOW - DAY, NOW - FULL_EVERY), digest="d", now=NOW) is None


def test_a_window_moves_only_over_what_was_seen_to_its_end_without_a_gap():
    window = Window("d", NOW - DAY, NOW - 2 * DAY)
    full = {"digest": "d", "began": NOW, "since": None}
    assert moved(None, crawl(), **full) == Window("d", NOW, NOW)
    assert moved(window, crawl(whole=False), **full) is None
    assert moved(window, crawl(failed=1), **full) is None
    near = {"digest": "d", "began": NOW, "since": NOW - 3 * DAY}
    assert moved(window, crawl(), **near) == Window("d", NOW, window.full_at)
    assert moved(window, crawl(), **{**near, "since": NOW - DAY / 2}) is None
    assert moved(None, crawl(), **near) is None
    assert moved(window, crawl(), **{**near, "digest": "other"}) is None


def test_what_is_not_known_holds_no_window_and_is_asked_for_again():
    full = {"digest": "d", "began": NOW, "since": None}
    assert moved(None, crawl(unknown=2), **full) == Window("d", NOW, NOW)
    assert moved(None, crawl(unknown=2, failed=1), **full) is None
    assert moved(None, crawl(unknown=2, whole=False), **full) is None
    window = Window("d", NOW, NOW, (ITEM,))
    assert again(window, digest="d", since=NOW) == (ITEM,)
    assert again(window, digest="d", since=None) == ()
    assert again(window, digest="other", since=NOW) == ()
    assert again(None, digest="d", since=NOW) == ()


def sighting(**changed):
    values = {"mark": "m", "outcome": Outcome.STORED, "reasons": (), "detail": "", "described_at": NOW, "aip": "bags/x"}
    return Sighting(ITEM, **{**values, "stores": frozenset({"p", "q"}), **changed})


@pytest.mark.parametrize(
    ("changed", "stands"),
    [
        ({}, True),
        ({"mark": "other"}, False),
        ({"is_settled": False}, False),
        ({"outcome": Outcome.FAILED}, False),
        ({"aip": ""}, False),
        ({"stores": frozenset({"q"})}, False),
        ({"outcome": Outcome.REFUSED, "aip": "", "stores": frozenset()}, True),
        ({"described_at": NOW - ANEW_AFTER * 2}, False),
        ({"described_at": NOW - ANEW_AFTER + DAY}, True),
    ],
)
def test_an_item_need_not_be_asked_for_again_while_all_is_as_it_was(changed, stands):
    assert sighting(**changed).stands("m", stores=frozenset({"p"}), now=NOW) is stands


def test_no_mark_recognises_nothing():
    assert mark_of({"state": "", "table": "x"}) == ""
    assert not sighting(mark="").stands("", stores=frozenset(), now=NOW)
    assert mark_of({"state": "1", "table": "x"}) != mark_of({"state": "1", "table": "y"})
