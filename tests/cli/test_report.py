"""`archiver report` as an operator gives it."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest

from archiver.cli.report import REPORTS
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.sample_audio import demo_collection
from tests.archive import Archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    stores = {"primary": {"url": "store/", "location": "Berlin"}, "mirror": {"url": "mirror/", "location": "Oslo"}}
    with ArchiveDouble(demo_collection()) as double:
        made = Archive(tmp_path_factory.mktemp("archive"), double.url, stores=stores)
        assert made.harvested().status == 0
    return made


def test_one_command_writes_the_audit_report_in_every_form(archive):
    files = [archive.root / f"audit.{form}" for form in ("html", "json", "csv", "xml")]
    done = archive.run("report", "audit", *(part for file in files for part in ("--report", str(file))))
    assert done.status == 0, done.err
    assert "Every copy is good" in done.out
    assert "Every copy is good" in files[0].read_text()
    copies = json.loads(files[1].read_text())["copies"]
    assert {(copy["store"], copy["status"]) for copy in copies} == {("primary", "good"), ("mirror", "good")}
    assert len(list(csv.DictReader(files[2].read_text().splitlines()))) == len(copies) == 6
    events = ET.parse(files[3]).getroot().findall("{http://www.loc.gov/premis/v3}event")
    assert len(events) >= 6
    assert not list(archive.root.glob(".*.part"))


def test_overdue_copies_are_a_finding_with_the_next_command(archive):
    done = archive.run("report", "audit", ARCHIVER_STORES__PRIMARY__AUDIT_EVERY="1 hours")
    assert done.status == 0
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue, catalogue:
        catalogue.execute("update copy set checked_at = '2020-01-01 00:00:00.000000' where store = 'primary'")
    done = archive.run("report", "audit")
    assert done.status == 1
    assert "next: archiver audit --due" in done.out
    record = archive.run("report", "audit", "--output", "jsonl").records[0]["summary"]
    assert {store["store"]: store["overdue"] for store in record["stores"]} == {"primary": 3, "mirror": 0}


@pytest.mark.parametrize(
    ("file", "said"),
    [("audit.docx", "expected a name that ends in .html"), ("nowhere/audit.html", "there is no directory")],
)
def test_a_file_that_cannot_be_written_is_refused_before_any_work(archive, file, said):
    done = archive.run("report", "audit", "--report", file)
    assert done.status == 2
    assert said in done.err


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_refused_file_ends_with_the_same_report_to_type_again(archive, name):
    done = archive.run("report", name, "--report", "x.docx")
    assert done.status == 2
    assert f"next: archiver report {name} --report x." in done.err


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_name_in_capital_letters_gets_the_form_that_it_asks_for_and_people_are_told(archive, name):
    file = archive.root / f"{name}.JSON"
    done = archive.run("report", name, "--report", str(file))
    assert isinstance(json.loads(file.read_text()), dict)
    assert done.out.endswith(f"wrote {file}\n")


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_program_reads_records_alone_where_a_file_is_written_too(archive, name):
    done = archive.run("report", name, "--report", str(archive.root / f"{name}.json"), "--output", "jsonl")
    assert done.records
    assert "wrote" not in done.out
    assert all(isinstance(record, dict) for record in done.records)


def test_an_interval_that_cannot_be_read_is_named(archive):
    done = archive.run("report", "audit", ARCHIVER_STORES__MIRROR__AUDIT_EVERY="often")
    assert done.status == 4
    assert "stores.mirror.audit_every" in done.err


def test_the_ndsa_report_names_the_gap_and_the_setting_that_closes_it(archive):
    file = archive.root / "ndsa.json"
    done = archive.run("report", "ndsa", "--report", str(file), "--report", str(file.with_suffix(".html")))
    assert done.status == 0, done.err
    assert "set medium in [stores.NAME]" in done.out
    before = json.loads(file.read_text())
    assert before["levels"]["Storage"] == 0
    medium = {"ARCHIVER_STORES__PRIMARY__MEDIUM": "disk", "ARCHIVER_STORES__MIRROR__MEDIUM": "tape"}
    after = archive.run("report", "ndsa", "--output", "jsonl", **medium).records[0]
    assert after["levels"]["Storage"] == 1


def test_the_collection_report_counts_what_is_held(archive):
    files = [archive.root / f"collection.{form}" for form in ("html", "json", "csv")]
    done = archive.run("report", "collection", *(part for file in files for part in ("--report", str(file))))
    assert done.status == 0, done.err
    document = json.loads(files[1].read_text())
    assert document["formats"] == [{"ending": "wav", "files": 6, "bytes": document["bytes"]}]
    assert len(document["licences"]) == 3
    assert files[2].read_text().startswith("what,name,number,bytes")


def test_a_declaration_of_an_unknown_criterion_is_refused(archive, tmp_path):
    settings = tmp_path / "archiver.toml"
    settings.write_text('[declarations]\n"storage-3d" = "x"\n')
    done = archive.run("--config", str(settings), "report", "ndsa")
    assert done.status == 4
    assert "storage-3c" in done.err
