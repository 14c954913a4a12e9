"""What falls short of the copies that the settings ask for is said by `status`, `audit` and reports, with what to do."""

from __future__ import annotations

import pytest

from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.sample_audio import demo_collection
from tests.archive import Archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three items in one store; a second store was added later, in the same place."""
    with ArchiveDouble(demo_collection()) as double:
        made = Archive(tmp_path_factory.mktemp("archive"), double.url)
        assert made.harvested().status == 0
    made.stores = {
        "primary": {"url": "store/", "location": "Berlin"},
        "mirror": {"url": "mirror/", "location": "Berlin"},
    }
    made.write()
    return made


def test_one_store_alone_falls_short_of_nothing(archive):
    only = archive.stores
    archive.stores = {"primary": only["primary"]}
    archive.write()
    assert archive.run("audit").status == 0
    assert archive.run("status", "--output", "jsonl").records[0]["shortfalls"] == []
    archive.stores = only
    archive.write()


def test_every_version_that_lies_in_too_few_stores_is_named_until_it_is_replicated(archive):
    audit = archive.run("audit", "--output", "jsonl", "--report", "short.html")
    found = [one["finding"] for one in audit.records if "finding" in one]
    assert audit.status == 1, audit.err
    assert {one["code"] for one in found} == {"COPIES_TOO_FEW"}
    assert len(found) == audit.summary["too_few"] == 3
    assert {(one["actual"], one["next"]) for one in found} == {
        ("1 of 2 copies (primary)", "archiver replicate --to mirror")
    }
    assert "Versions with too few copies" in (archive.root / "short.html").read_text()
    assert archive.run("audit", "--store", "primary").status == 0

    said = archive.run("status")
    assert "too few copies: 3 versions with 1 of 2 copies (primary)" in said.out
    assert "next: archiver replicate --to mirror" in said.out
    assert found[0]["where"] in said.out
    assert 'archiver_short_versions{lacks="copies"} 3.0' in archive.run("status", "--output", "prometheus").out
    for kind in ("collection", "ndsa"):
        short = archive.run("report", kind, "--output", "jsonl").records[0]["shortfalls"]
        assert [one["versions"] for one in short] == [3]
        assert len(short[0]["items"]) == 3
        assert "too few copies: 3 versions" in archive.run("report", kind).out

    assert archive.run("replicate", "--to", "mirror").status == 0
    assert archive.run("audit").status == 0
    assert "too few" not in archive.run("status").out


def test_copies_in_one_place_are_too_few_places_where_two_are_asked_for(archive):
    asked = {"ARCHIVER_ARCHIVE__MIN_PLACES": "2"}
    archive.run("replicate", "--to", "mirror")
    done = archive.run("audit", "--output", "jsonl", **asked)
    found = [one["finding"] for one in done.records if "finding" in one]
    assert done.status == 1
    assert {(one["expected"], one["actual"]) for one in found} == {("2 places", "1 of 2 places (Berlin)")}
    assert all(one["next"].startswith("add a [stores.NAME]") for one in found)


def test_a_damaged_copy_is_too_few_in_the_status_and_only_damage_in_the_audit(archive):
    archive.run("replicate", "--to", "mirror")
    victim = next(path for path in next(iter(archive.bags("mirror").values())).joinpath("data").iterdir())
    victim.write_bytes(b"other bytes")
    done = archive.run("audit", "--all", "--output", "jsonl")
    assert done.status == 1
    assert {one["finding"]["code"] for one in done.records if "finding" in one} == {"OBJECT_CHANGED"}
    short = archive.run("status", "--output", "jsonl").records[0]["shortfalls"]
    assert [(one["versions"], one["not_good_in"], one["next"]) for one in short] == [
        (1, ["mirror"], "archiver repair --dry-run")
    ]
