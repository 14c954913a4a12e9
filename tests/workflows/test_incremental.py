"""A crawl over what is known: few requests, no hole, and a table that adds up."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.faults import Fault, Kind
from tests.archive import LICENCE, Archive

SOUND = (DoubleFile("a.flac", b"fLaC" + bytes(100), format="Flac"),)


def item(name, **metadata):
    return DoubleItem(name, SOUND, {"licenseurl": LICENCE, **metadata})


@pytest.fixture
def double():
    items = [item(f"held-{number}") for number in range(6)]
    items += [item(f"unlicensed-{number}", licenseurl=None) for number in range(3)]
    items += [item("marked", licenseurl="https://creativecommons.org/publicdomain/mark/1.0/")]
    with ArchiveDouble(items) as double:
        yield double


@pytest.fixture
def archive(tmp_path, double):
    return Archive(tmp_path / "archive", double.url)


def asked(double):
    """What was asked of the front end since the last look, without the host's preferences."""
    paths = [one.path.partition("?")[0] for one in double.requests if not one.is_node]
    double.requests.clear()
    return [path for path in paths if path not in {"/robots.txt", "/.well-known/tdmrep.json"}]


def crawl_of(result):
    record = next(one["crawl"] for one in result.records if "crawl" in one)
    ended = sum(record[outcome] for outcome in ("stored", "unchanged", "refused", "quarantined", "failed"))
    assert record["found"] == ended
    assert record["found"] >= record["recognised"] + record["described"]
    assert record["described"] >= record["admitted"]
    return record


def events_of(archive, name):
    shown = archive.run("show", f"internet-archive/{name}", "--output", "jsonl")
    details = [record["event"]["detail"] for record in shown.records if "event" in record]
    return [detail for detail in details if detail.startswith("harvest: ")]


def test_an_unchanged_collection_is_recognised_without_a_request_for_an_item(archive, double):
    first = archive.harvested()
    assert crawl_of(first)["described"] == 10
    asked(double)
    second = archive.harvested()
    assert asked(double) == ["/services/search/v1/scrape"]
    table = crawl_of(second)
    assert (table["recognised"], table["unchanged"], table["refused"], table["quarantined"]) == (10, 6, 3, 1)
    assert table["reasons"]["refused"] == first.summary["reasons"]["refused"]
    assert second.summary["unchanged"] == 6
    assert {name: outcome for name, (outcome, _) in second.outcomes.items()} == {
        name: "unchanged" if outcome == "stored" else outcome for name, (outcome, _) in first.outcomes.items()
    }


def test_what_changed_is_new_or_is_back_is_asked_for_and_nothing_else(archive, double):
    archive.harvested()
    double.add(replace(double.items["held-1"], files=(*SOUND, DoubleFile("b.flac", b"fLaC more", format="Flac"))))
    double.add(item("unlicensed-1"), item("newcomer"), item("held-2", licenseurl=None))
    asked(double)
    second = archive.harvested()
    described = {path.rpartition("/")[2] for path in asked(double) if path.startswith("/metadata/")}
    assert described == {"held-1", "unlicensed-1", "newcomer", "held-2"}
    ended = {name: outcome for name, (outcome, _) in second.outcomes.items()}
    assert [ended[name] for name in ("held-1", "unlicensed-1", "newcomer", "held-2")] == ["stored"] * 3 + ["refused"]
    assert "changed at its source: version 2" in events_of(archive, "held-1")[0]
    assert "harvest: " in events_of(archive, "held-2")[0]
    archive.harvested()
    assert len(events_of(archive, "held-2")) == 1


def test_another_selection_policy_or_store_is_judged_anew(archive, double):
    archive.harvested()
    asked(double)
    archive.select("all", policy="free-culture")
    archive.harvested()
    assert len([path for path in asked(double) if path.startswith("/metadata/")]) >= 10
    archive.harvested()
    assert asked(double) == ["/services/search/v1/scrape"]


def test_a_failure_is_asked_for_again_and_only_it(archive, double):
    double.fail("metadata/held-3", Fault(Kind.STATUS, number=500))
    first = archive.harvested()
    assert crawl_of(first)["reasons"]["failed"] == {"SOURCE_UNAVAILABLE": 1}
    assert first.status == 3
    double.faults.clear()
    asked(double)
    assert archive.harvested().outcomes["held-3"][0] == "stored"
    assert {path for path in asked(double) if "/metadata/" in path} == {"/metadata/held-3"}


def test_what_the_source_withdrew_becomes_one_event_and_stays_held(archive, double):
    archive.harvested()
    double.add(replace(double.items["held-4"], metadata={}, top={"is_dark": True, "metadata": None, "files": None}))
    del double.items["held-5"]
    second = archive.harvested()
    assert crawl_of(second)["gone"] == 2
    for name in ("held-4", "held-5"):
        assert len(events_of(archive, name)) == 1, events_of(archive, name)
    asked(double)
    third = archive.harvested()
    assert crawl_of(third)["gone"] == 0
    assert asked(double) == ["/services/search/v1/scrape"]
    assert len(archive.bags()) == 6


def test_since_asks_for_what_is_new_alone(archive, double):
    archive.harvested()
    for number, day in enumerate(("2026-11-01", "2026-11-20")):
        double.add(item(f"new-{number}", oai_updatedate=["2021-01-01T00:00:00Z", f"{day}T10:00:00Z"]))
    result = archive.harvested("--since", "2026-11-10")
    assert set(result.outcomes) == {"new-1"}
    assert archive.run("harvest", "all", "--since", "yesterday").status == 2
    assert archive.run("harvest", "all", "--since", "2026-11-10", "--full").status == 2
    assert crawl_of(archive.harvested())["found"] == 12


def test_a_run_that_broke_off_leaves_no_hole(archive, double):
    double.page_size = 4
    double.fail("search", Fault(Kind.SAME_PAGE))
    first = archive.harvested()
    assert first.status == 3
    assert not crawl_of(first)["whole"]
    double.faults.clear()
    second = archive.harvested()
    table = crawl_of(second)
    assert (table["whole"], table["found"]) == (True, 10)
    assert table["recognised"] == crawl_of(first)["found"]


def test_the_table_of_each_crawl_is_reported(archive, double):
    archive.harvested("--limit", "4")
    archive.harvested()
    shown = archive.run("report", "crawls", "--output", "jsonl")
    assert shown.status == 0
    tables = [one["crawl"] for one in shown.records if "crawl" in one]
    assert [(one["found"], one["whole"]) for one in tables] == [(10, True), (4, False)]
    text = archive.run("report", "crawls").out
    assert "10 announced, 10 found" in text
    assert "refused: 3 " in text
    target = archive.root / "crawls.csv"
    assert (
        archive.run("report", "crawls", "--report", str(target), "--report", str(archive.root / "crawls.json")).status
        == 0
    )
    assert target.read_text().startswith("run,selection,started_at,")
    assert json.loads((archive.root / "crawls.json").read_text())["crawls"][0]["announced"] == 10


def test_the_text_of_a_harvest_ends_with_its_table(archive, double):
    out = archive.run("harvest", "all").out
    assert "all: 10 announced, 10 found: 10 described" in out
    assert "7 admitted; 6 stored" in out or "6 admitted; 6 stored" in out
