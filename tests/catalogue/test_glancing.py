"""A glance at the ledger says what the whole ledger says, and asks it wherever it cannot know."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from archiver.catalogue.glancing import Glance
from archiver.catalogue.opening import open_catalogue
from archiver.core.errors import CatalogueError
from archiver.core.fixity import Grade
from archiver.core.holdings import CopyStatus
from archiver.core.outcomes import ItemOutcome, Outcome
from tests.contracts.catalogue_contract import AT, copy, event, files, holding

NOW = AT + timedelta(days=100)
DAYS = {"primary": 90, "mirror": 30, "nowhere": 1}


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'a place' / 'catalogue.sqlite'}"
    catalogue = open_catalogue(url)
    catalogue.ingested(holding("x"), files(), [event("x")], decision="{}")
    bad = (copy("mirror", status=CopyStatus.DAMAGED, checked_at=AT + timedelta(days=80)), copy("primary"))
    catalogue.ingested(holding("y", copies=bad), files(), [event("y")], decision="{}")
    catalogue.ingested(holding("y", version=2, copies=(copy("primary"),)), files(), [event("y")], decision="{}")
    run = catalogue.begin(selection="s", selection_digest="d", at=AT)
    for item, outcome in (("x", Outcome.UNCHANGED), ("q", Outcome.QUARANTINED), ("f", Outcome.FAILED)):
        catalogue.answered(run, ItemOutcome(replace(holding().item, name=item), outcome, ("R",)), at=AT)
    catalogue.end(run, at=AT, complete=True, counts={Outcome.STORED: 2, Outcome.FAILED: 1})
    catalogue.begin(selection="t", selection_digest="d", at=NOW)
    catalogue.close()
    return url


def answers(asked):
    backlogs = [asked.backlog(store, interval=timedelta(days=days), now=NOW) for store, days in DAYS.items()]
    spreads = asked.spreads()
    return asked.totals(), backlogs, spreads, [list(asked.spread_as(spread)) for spread in sorted(spreads, key=str)]


def whole(url):
    catalogue = open_catalogue(url)
    try:
        return answers(catalogue)
    finally:
        catalogue.close()


def glanced(url, *, names=True):
    glance = Glance(url)
    try:
        if names:
            return answers(glance), glance._whole is None
        totals = glance.totals()
        backlogs = [glance.backlog(store, interval=timedelta(days=days), now=NOW) for store, days in DAYS.items()]
        return (totals, backlogs, glance.spreads()), glance._whole is None
    finally:
        glance.close()


def test_before_anything_is_remembered_the_whole_ledger_is_asked(url):
    assert glanced(url) == (whole(url), False)


def test_a_glance_says_the_same_as_the_whole_ledger(url):
    expected = whole(url)
    assert expected[0].undecided == expected[0].failed == 1
    assert glanced(url, names=False) == (expected[:3], True)
    assert glanced(url)[0] == expected


def test_what_was_remembered_before_the_last_event_counts_for_nothing(url):
    before = whole(url)
    catalogue = open_catalogue(url)
    catalogue.ingested(holding("z"), files(), [event("z")], decision="{}")
    catalogue.close()

    seen, alone = glanced(url, names=False)
    assert (seen[0].versions, alone) == (before[0].versions + 1, False)


def test_a_glance_writes_nothing_and_leaves_nothing_behind(url, tmp_path):
    whole(url)
    place = tmp_path / "a place"
    before = (place / "catalogue.sqlite").read_bytes()
    glanced(url, names=False)
    assert ([file.name for file in place.iterdir()], (place / "catalogue.sqlite").read_bytes()) == (
        ["catalogue.sqlite"],
        before,
    )


def test_a_glance_sees_what_a_writer_has_committed_and_does_not_stand_in_its_way(url):
    catalogue = open_catalogue(url)
    answers(catalogue)
    glance = Glance(url)
    before = glance.totals()
    run = catalogue.begin(selection="u", selection_digest="d", at=AT)
    assert glance.totals() == before
    glance.close()
    assert glanced(url, names=False)[0][0].last_runs[0] == run
    catalogue.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE alembic_version SET version_num = '0001x'",
        "UPDATE memo SET value = 'nonsense'",
        "UPDATE memo SET value = '[1]'",
        "UPDATE run SET started_at = 'once'",
        "DROP TABLE memo",
    ],
)
def test_what_is_not_as_expected_is_left_to_the_whole_ledger(url, tmp_path, damage):
    whole(url)
    connection = sqlite3.connect(tmp_path / "a place" / "catalogue.sqlite")
    connection.execute(damage)
    connection.commit()
    connection.close()

    def told(ask):
        try:
            return ask()
        except (CatalogueError, ValueError, TypeError, LookupError) as error:
            return type(error), str(error)

    assert told(lambda: glanced(url)[0]) == told(lambda: whole(url))


def test_a_catalogue_that_is_not_there_yet_is_made_as_ever(tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'catalogue.sqlite'}"
    assert glanced(url)[0] == whole(url)


def test_a_file_that_is_no_catalogue_is_named(tmp_path):
    (tmp_path / "catalogue.sqlite").write_text("something else entirely, and long enough to be read as a page" * 100)
    with pytest.raises(CatalogueError, match="cannot be used"):
        Glance(f"sqlite:///{tmp_path / 'catalogue.sqlite'}").totals()


def test_the_default_of_a_backlog_is_the_reading_of_every_byte(url):
    catalogue = open_catalogue(url)
    interval = timedelta(days=90)
    assert catalogue.backlog("primary", interval=interval, now=NOW) == catalogue.backlog(
        "primary", interval=interval, grade=Grade.READ, now=NOW
    )
    catalogue.close()


def test_a_look_at_the_totals_goes_through_no_table_of_items(url, tmp_path):
    whole(url)
    asked = []
    glance = Glance(url)
    glance._connection.set_trace_callback(asked.append)
    glance.totals()
    glance.close()

    connection = sqlite3.connect(tmp_path / "a place" / "catalogue.sqlite")
    plans = [row[3] for query in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    connection.close()
    assert any("item" in plan for plan in plans)
    assert [plan for plan in plans if plan.startswith("SCAN item")] == []
