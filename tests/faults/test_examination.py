"""Captured audio is listened to before it is bagged, from outside: what is found, where it stands, and what it never does."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from archiver.core.premis import PREMIS
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.sample_audio import tone
from archiver.shelf.technical import technical_schema
from tests.archive import LICENCE, Archive
from tests.audio import made

EXAMINING = {"examine": "true", "examiners": "1"}


def item(name, *files, **metadata):
    return DoubleItem(name, files, {"licenseurl": LICENCE, "title": name, "mediatype": "audio", **metadata})


@pytest.fixture(scope="module")
def flac(tmp_path_factory):
    return made.encode(tmp_path_factory.mktemp("flac") / "a.flac", "flac").read_bytes()


def collection(flac):
    return (
        item("sound", DoubleFile("a.wav", tone(440.0)), DoubleFile("notes.txt", b"words"), DoubleFile("b.flac", flac)),
        item("cut", DoubleFile("cut.flac", flac[: len(flac) // 2])),
        item("preview", DoubleFile("track.wav", tone(440.0), extra={"length": "4:05"})),
    )


@pytest.fixture(scope="module")
def harvested(tmp_path_factory, flac):
    """An archive that examined everything, its source, and what the harvest said."""
    with ArchiveDouble(collection(flac)) as double:
        archive = Archive(tmp_path_factory.mktemp("whole") / "archive", double.url, audio=EXAMINING)
        yield archive, double, archive.harvested()


def asked_for(double, name):
    return sum(path.endswith(name) for path in double.asked_for_bytes())


def technical(archive, name):
    return json.loads((archive.bags()[f"{name}/v1"] / "metadata/technical.json").read_bytes())


def test_every_recording_is_examined_and_the_bag_says_what_was_found(harvested):
    archive, _, result = harvested
    by_name = {record["item"].partition("/")[2]: record for record in result.records if "item" in record}

    assert result.status == 0
    assert by_name["sound"]["audio"] == {"valid": 2}
    assert by_name["sound"]["reasons"] == []
    assert by_name["cut"]["outcome"] == "stored"
    assert "AUDIO_LENGTH_DIFFERS:data/cut.flac" in by_name["cut"]["reasons"]
    assert "AUDIO_SHORTER_THAN_DECLARED:data/track.wav" in by_name["preview"]["reasons"]

    for name in ("sound", "cut", "preview"):
        jsonschema.Draft202012Validator(json.loads(technical_schema())).validate(technical(archive, name))
    entries = {entry["path"]: entry for entry in technical(archive, "sound")["files"]}
    assert entries["data/a.wav"]["examined"]["format"]["puid"] == "fmt/141"
    assert "examined" not in entries["data/notes.txt"]
    assert archive.run("verify", str(archive.bags()["cut/v1"])).status == 0


def test_premis_tells_what_each_tool_in_which_version_made_of_a_file(harvested):
    root = ET.parse(harvested[0].bags()["cut/v1"] / "metadata/premis.xml").getroot()

    def texts(path, element=root):
        return [found.text for found in element.iterfind("/".join(f"{{{PREMIS}}}{part}" for part in path.split("/")))]

    agents = texts("agent/agentName")
    assert texts("object/objectCharacteristics/format/formatRegistry/formatRegistryKey") == ["fmt/279"]
    assert any(name.startswith("pyav ") and "libavcodec" in name for name in agents)
    validations = [
        event for event in root.iterfind(f"{{{PREMIS}}}event") if texts("eventType", event) == ["validation"]
    ]
    assert texts("eventOutcomeInformation/eventOutcome", validations[-1]) == ["failure"]
    assert "format identification" in texts("event/eventType")


def test_damage_waits_for_a_person_where_the_selection_says_so_and_no_byte_is_asked_for_again(tmp_path, harvested):
    whole, double, _ = harvested
    archive = Archive(tmp_path / "elsewhere" / "deep", double.url, audio=EXAMINING)
    archive.select("all", damaged="quarantine")
    before = asked_for(double, "cut.flac")
    first = archive.harvested()
    assert first.outcomes["cut"] == ("quarantined", ("AUDIO_DAMAGED",))
    assert first.outcomes["sound"][0] == "stored"
    assert technical(archive, "sound") == technical(whole, "sound"), (
        "the same bytes examined twice give the same record"
    )

    assert asked_for(double, "cut.flac") == before + 1
    assert archive.harvested().outcomes["cut"][0] == "quarantined"
    accepted = archive.run(
        "review", "accept", "internet-archive/cut", "--reviewer", "A. Person", "--reason", "all there is of it",
        "--licence", "https://creativecommons.org/licenses/by/4.0/",
    )  # fmt: skip
    assert accepted.status == 0, accepted.err
    last = archive.harvested()

    assert last.outcomes["cut"][0] == "stored"
    assert asked_for(double, "cut.flac") == before + 1
    assert (archive.bags()["cut/v1"] / "data/cut.flac").read_bytes() == (
        whole.bags()["cut/v1"] / "data/cut.flac"
    ).read_bytes()
    review = json.loads((archive.bags()["cut/v1"] / "metadata/licence.json").read_bytes())["review"]
    assert review["quarantined_for"] == ["AUDIO_DAMAGED"]


def test_examining_can_be_turned_off(tmp_path, harvested):
    archive = Archive(tmp_path / "archive", harvested[1].url)
    result = archive.harvested()

    assert all("audio" not in record for record in result.records)
    assert result.outcomes["cut"] == ("stored", ())
    assert all("examined" not in entry for entry in technical(archive, "sound")["files"])


def test_the_catalogue_knows_recordings_also_after_it_was_made_again(harvested):
    archive, _, _ = harvested

    def known():
        with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as connection:
            return connection.execute("SELECT path, verdict, hex(pcm_md5) FROM sound ORDER BY path").fetchall()

    before = known()
    assert [row[:2] for row in before] == [
        ("data/a.wav", "valid"),
        ("data/b.flac", "valid"),
        ("data/cut.flac", "damaged"),
        ("data/track.wav", "damaged"),
    ]
    for file in archive.root.glob("catalogue.sqlite*"):
        file.unlink()
    assert archive.run("rebuild", "--from", "primary").status == 0
    assert known() == before
