"""A changed item becomes a version of its own, and what the archive holds already is not asked of the source again."""

from __future__ import annotations

import random
import shutil
from xml.etree import ElementTree as ET

import bagit
import pytest

from archiver.core.premis import PREMIS
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.faults import Fault, Kind
from tests.archive import LICENCE, Archive, prove_bag

BYTES = random.Random(11).randbytes(900_000)
STORES = {"primary": {"url": "store/"}, "mirror": {"url": "mirror/"}}


def song(name, start=0, size=300_000, **extra):
    return DoubleFile(name, BYTES[start : start + size], "original", "Flac", extra)


def album(*files, licence=LICENCE, **metadata):
    return DoubleItem("album", files, {"licenseurl": licence, **metadata})


FIRST = album(song("one.flac"), song("two.flac", 100_000), song("three.flac", 200_000), song("same.flac", 300_000))
SECOND = album(
    song("one.flac"),
    song("two.flac", 400_000),  # as long as before
    song("same.flac", 300_000),
    song("renamed/three.flac", 200_000),
    song("new.flac", 500_000, 50_000),
    title="Another title",
)


@pytest.fixture
def double():
    with ArchiveDouble([FIRST]) as double:
        yield double


@pytest.fixture
def archive(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url, stores=STORES)
    assert archive.harvested().status == 0
    double.add(SECOND)
    double.requests.clear()
    return archive


def asked_for(double):
    return sorted(path.rpartition("/album/")[2] for path in double.asked_for_bytes())


def events(bag):
    found = {}
    for event in ET.parse(bag / "metadata/premis.xml").getroot().iterfind(f"{{{PREMIS}}}event"):
        path = event.findtext(f"{{{PREMIS}}}linkingObjectIdentifier/{{{PREMIS}}}linkingObjectIdentifierValue")
        note = event.findtext(f".//{{{PREMIS}}}eventOutcomeDetailNote")
        found.setdefault(path, []).append((event.findtext(f"{{{PREMIS}}}eventType"), note))
    return found


def test_only_what_changed_is_asked_for_and_the_new_version_is_a_whole_bag(archive, double):
    (record,) = (one for one in archive.harvested().records if "item" in one)
    assert (record["outcome"], record["files"]) == ("stored", 5)
    assert asked_for(double) == ["new.flac", "two.flac"]
    assert record["bytes"] - record["recalled"] == 350_000
    for store in STORES:
        bags = archive.bags(store)
        prove_bag(bags["album/v1"], FIRST)
        prove_bag(bags["album/v2"], SECOND)
    assert archive.left_in_staging() == []
    double.requests.clear()
    assert archive.harvested().outcomes == {"album": ("unchanged", ())}
    assert asked_for(double) == []


def test_a_bag_says_which_of_its_files_came_from_the_version_before(archive):
    archive.harvested()
    told = events(archive.bags()["album/v2"])
    kind, note = told["data/renamed/three.flac"][0]
    assert kind == "replication"
    assert "version 1 in store primary, data/three.flac" in note
    assert told["data/two.flac"][0][0] == "capture"


def test_a_damaged_copy_is_passed_over_and_said_to_be_damaged(archive, double):
    damaged = archive.bags()["album/v1"] / "data/one.flac"
    damaged.write_bytes(b"x" + BYTES[1:300_000])
    assert archive.harvested().status == 0
    assert asked_for(double) == ["new.flac", "two.flac"]
    assert "store mirror" in events(archive.bags()["album/v2"])["data/one.flac"][0][1]
    shown = [one["event"] for one in archive.run("show", "album", "--output", "jsonl").records if "event" in one]
    (failure,) = (one for one in shown if one["outcome"] == "failure")
    assert (failure["type"], failure["store"], failure["version"], failure["path"]) == (
        "fixity check",
        "primary",
        1,
        "data/one.flac",
    )


def test_where_no_copy_is_right_the_source_is_asked(archive, double):
    shutil.rmtree(archive.bags("mirror")["album/v1"])
    (archive.bags()["album/v1"] / "data/one.flac").write_bytes(BYTES[: 300_000 - 1])
    (archive.bags()["album/v1"] / "data/same.flac").unlink()
    assert archive.harvested().outcomes == {"album": ("stored", ())}
    assert asked_for(double) == ["new.flac", "one.flac", "same.flac", "two.flac"]
    prove_bag(archive.bags()["album/v2"], SECOND)


def test_a_forged_record_of_what_the_source_said_brings_no_wrong_byte_in(archive, double):
    """The record in the bag is a hint only: here it calls the old bytes of a changed file those of today."""
    changed = next(file for file in SECOND.files if file.name == "two.flac").entry()["sha1"]
    earlier = next(file for file in FIRST.files if file.name == "two.flac").entry()["sha1"]
    for store in STORES:
        premis = archive.bags(store)["album/v1"] / "metadata/premis.xml"
        premis.write_text(premis.read_text().replace(earlier, changed))
    assert archive.harvested().status == 0
    assert asked_for(double) == ["new.flac", "two.flac"]
    prove_bag(archive.bags()["album/v2"], SECOND)


def test_without_that_record_the_same_name_and_size_are_tried(archive, double):
    for store in STORES:
        (archive.bags(store)["album/v1"] / "metadata/premis.xml").write_text("<premis")
    assert archive.harvested().status == 0
    assert asked_for(double) == ["new.flac", "renamed/three.flac", "two.flac"]
    prove_bag(archive.bags()["album/v2"], SECOND)


def test_an_interrupted_run_goes_on_and_still_knows_what_came_from_where(archive, double):
    double.fail("node/album/new.flac", Fault(Kind.STATUS, 1, 404))
    assert archive.harvested().outcomes == {"album": ("failed", ("FILE_REFUSED",))}
    for store in STORES:  # what is whole in staging is needed from nowhere any more
        shutil.rmtree(archive.bags(store)["album/v1"] / "data")
    double.requests.clear()
    assert archive.harvested().outcomes == {"album": ("stored", ())}
    assert asked_for(double) == ["new.flac"]
    told = events(archive.bags()["album/v2"])
    assert [told[f"data/{name}"][0][0] for name in ("one.flac", "two.flac")] == ["replication", "capture"]
    prove_bag(archive.bags()["album/v2"], SECOND)


def test_another_licence_alone_asks_for_no_byte(archive, double):
    double.add(album(*FIRST.files, licence="http://creativecommons.org/licenses/by-sa/4.0/"))
    assert archive.harvested().outcomes == {"album": ("stored", ())}
    assert asked_for(double) == []
    bagit.Bag(str(archive.bags()["album/v2"])).validate(processes=1)


def test_show_tells_what_each_version_changed(archive, double):
    archive.harvested()
    double.add(album(*SECOND.files, licence="http://creativecommons.org/licenses/by-sa/4.0/", title="Another title"))
    archive.harvested()
    first, second = (
        one["difference"] for one in archive.run("show", "album", "--output", "jsonl").records if "difference" in one
    )
    assert (first["from"], first["to"], second["from"], second["to"]) == (1, 2, 2, 3)
    assert first["added"] == ["data/new.flac", "data/renamed/three.flac"]
    assert first["removed"] == ["data/three.flac"]
    assert first["moved"] == [["data/three.flac", "data/renamed/three.flac"]]
    assert first["changed"] == ["data/two.flac"]
    assert (first["unchanged"], first["licence"], first["unread"]) == (2, None, "")
    assert {"field": "title", "before": "Title of album", "after": "Another title"} in first["metadata"]
    assert first["tag_files"] == ["metadata/source/metadata.json"]
    assert (second["added"], second["removed"], second["changed"], second["unchanged"]) == ([], [], [], 5)
    assert [licence.rpartition("licenses/")[2] for licence in second["licence"]] == ["by/4.0/", "by-sa/4.0/"]
    text = archive.run("show", "album").out
    assert "v1 to v2: 2 added, 1 removed, 1 changed, 1 of them moved, 2 files unchanged" in text
    assert "    > data/three.flac is now data/renamed/three.flac" in text
    for store in STORES:
        shutil.rmtree(archive.store(store) / "bags")
    (first, _) = (one for one in archive.run("show", "album", "--output", "jsonl").records if "difference" in one)
    assert first["difference"]["changed"] == ["data/two.flac"]
    assert first["difference"]["unread"]
