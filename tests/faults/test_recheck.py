"""What became of held licences at their source, from outside; and the record of each decision against its schema."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.faults import Fault, Kind
from archiver.shelf.licences import licence_schema
from tests.archive import LICENCE, Archive

BY = "https://creativecommons.org/licenses/by/4.0/"
NC = "http://creativecommons.org/licenses/by-nc/3.0/"


def item(name, licence=LICENCE, **metadata):
    return DoubleItem(
        name, (DoubleFile("a.flac", name.encode() * 99, format="FLAC"),), {"licenseurl": licence, **metadata}
    )


@pytest.fixture
def double():
    with ArchiveDouble() as double:
        double.add(*(item(name) for name in ("changed", "dark", "gone", "kept", "lent")))
        yield double


@pytest.fixture
def archive(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.harvested()
    return archive


def asked(archive, *options):
    return archive.run("licence", "recheck", "--output", "jsonl", *options)


def words(result):
    return {record["item"].partition("/")[2]: record["outcome"] for record in result.records if "item" in record}


def edit(double):
    double.add(item("changed", NC), item("lent", **{"access-restricted-item": "true"}))
    double.items["dark"] = dataclasses.replace(double.items["dark"], top={"is_dark": True})
    del double.items["gone"]


def test_nothing_is_found_while_the_source_says_what_it_said(archive):
    result = asked(archive)

    assert (result.status, set(words(result).values())) == (0, {"unchanged"})
    assert not list(archive.store().glob("archive/rechecks/**/*.json"))


def test_changes_removals_and_dark_items_are_found_recorded_and_proven_and_nothing_is_deleted(archive, double):
    before = archive.bags()
    edit(double)

    result = asked(archive)

    assert result.status == 1
    assert words(result) == {
        "changed": "changed",
        "dark": "darkened",
        "gone": "withdrawn",
        "kept": "unchanged",
        "lent": "changed",
    }
    assert archive.bags() == before
    shown = archive.run("show", "changed", "--output", "jsonl").records
    (event,) = [one["event"] for one in shown if "event" in one and "recheck" in one["event"]["detail"]]
    assert (event["type"], event["outcome"]) == ("appraisal", "warning")
    (proof,) = (record["proof"] for record in result.records if record.get("item") == "internet-archive/changed")
    kept = json.loads((archive.store() / proof).read_text())
    assert (kept["held_under"], kept["decision"]["licence"]) == (BY, "https://creativecommons.org/licenses/by-nc/3.0/")
    assert NC in kept["answers"][0]["content"]
    assert len(list(archive.store().glob("archive/rechecks/**/*.json"))) == 4


def test_the_longest_unasked_items_come_first_and_a_limit_goes_on_where_it_stopped(archive):
    first, second = asked(archive, "--max-items", "3"), asked(archive, "--max-items", "2")

    assert len(words(first)) == 3
    assert len(words(second)) == 2
    assert not words(first).keys() & words(second).keys()
    assert words(asked(archive, "--older-than", "1 day")) == {}


def test_a_source_that_does_not_answer_leaves_the_item_to_be_asked_again(archive, double):
    for name in double.items:
        double.fail(f"metadata/{name}", Fault(Kind.STATUS, number=503))

    result = asked(archive, "--max-items", "1")

    assert (result.status, set(words(result).values())) == (3, {"failed"})


def test_the_record_of_a_decision_keeps_its_schema_and_says_where_and_when_each_declaration_was_read(archive):
    schema = json.loads(licence_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    record = json.loads((archive.bags()["kept/v1"] / "metadata/licence.json").read_text())

    jsonschema.validate(record, schema, cls=jsonschema.Draft202012Validator)
    (evidence,) = record["decision"]["evidence"]
    assert evidence["retrieved_from"].endswith("/metadata/kept")
    assert evidence["retrieved_at"].startswith("20")
    for broken in ("policy", "table_sha256", "evidence"):
        without = {**record, "decision": {k: v for k, v in record["decision"].items() if k != broken}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(without, schema)


def test_the_report_of_licences_adds_up_by_tool_use_and_policy_and_deletes_nothing(archive, double, tmp_path):
    double.add(item("noncommercial", "http://creativecommons.org/licenses/by-nc-nd/3.0/"))
    archive.harvested()
    before = archive.bags()

    file = tmp_path / "licences.csv"
    result = archive.run("report", "licences", "--policy", "free-culture", "--output", "jsonl", "--report", str(file))

    assert result.status == 0
    *items, last = result.records
    assert [record["item"] for record in items] == ["internet-archive/noncommercial"]
    summary = last["summary"]
    assert {url: amount["items"] for url, amount in summary["tools"].items()} == {
        BY: 5,
        "https://creativecommons.org/licenses/by-nc-nd/3.0/": 1,
    }
    assert {use: amount["items"] for use, amount in summary["uses"].items()} == {
        "commercial": 5,
        "derivatives": 5,
        "commercial and derivatives": 5,
        "non-commercial only": 1,
        "verbatim only": 1,
    }
    assert {name: amount["items"] for name, amount in summary["policies"].items()} == {
        "free-culture": 5,
        "commercial-ok": 5,
        "derivatives-ok": 5,
        "all-cc": 6,
    }
    assert (summary["change"]["policy"], summary["change"]["not_admitted"]["items"]) == ("free-culture", 1)
    assert archive.bags() == before
    assert "not admitted,free-culture,1," in file.read_text()
    assert archive.run("report", "licences", "--policy", "free-culture").out.count("nothing is deleted") == 1
    assert archive.run("report", "licences", "--policy", "open").status == 2
