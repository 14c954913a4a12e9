"""`archiver audit --grade decode`: the audio plays, from the bytes that are in the store."""

from __future__ import annotations

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.sample_audio import tone
from tests.archive import LICENCE, Archive

WAVE = tone(440.0, seconds=0.5)


def item(name, **files):
    declared = tuple(DoubleFile(file.replace("_", "."), content) for file, content in files.items())
    return DoubleItem(name, declared, {"licenseurl": LICENCE, "title": name, "mediatype": "audio"})


@pytest.fixture
def archive(tmp_path):
    items = (
        item("plays", a_wav=WAVE, notes_txt=b"no audio, and nobody decodes it"),
        item("silent", a_wav=WAVE, b_flac=b"fLaC" + bytes(range(256)) * 20),
    )
    with ArchiveDouble(items) as double:
        made = Archive(tmp_path / "archive", double.url)
        assert made.harvested().status == 0
        yield made


def findings(result):
    return [(one["finding"]["code"], one["finding"]["where"].rpartition("/v1/")[2]) for one in result.records
            if "finding" in one]  # fmt: skip


def copies(archive):
    listed = archive.run("list", "--output", "jsonl").records
    return {one["item"].partition("/")[2]: one["copies"][0] for one in listed}


def test_right_bytes_that_do_not_play_are_a_finding_and_no_damage(archive):
    done = archive.run("audit", "--all", "--grade", "decode", "--output", "jsonl")

    assert done.status == 1, done.err
    assert findings(done) == [("OBJECT_UNDECODABLE", "data/b.flac")]
    checked = {one["checked"]["item"]: one["checked"] for one in done.records if "checked" in one}
    assert {name: one["decoded"] for name, one in checked.items()} == {
        "internet-archive/plays": 1,
        "internet-archive/silent": 2,
    }
    assert done.summary["good"] == 2
    assert done.summary["damaged"] == 0
    held = copies(archive)
    assert (held["plays"]["grade"], held["plays"]["status"]) == ("decode", "good")
    assert (held["silent"]["grade"], held["silent"]["status"]) == ("read", "good")
    events = [one["event"] for one in archive.run("show", "silent", "--output", "jsonl").records if "event" in one]
    heard = [(one["outcome"], one["path"]) for one in events if one["type"] == "validation"]
    assert heard == [("warning", ""), ("warning", "data/b.flac")]
    assert archive.run("repair").status == 0
    assert not archive.left_in_staging()


def test_other_bytes_are_damage_whether_they_play_or_not(archive):
    victim = archive.bags()["plays/v1"] / "data/a.wav"
    victim.unlink()
    victim.write_bytes(tone(220.0, seconds=0.5))

    done = archive.run("audit", "--item", "plays", "--grade", "decode", "--output", "jsonl")

    assert done.status == 1
    assert findings(done) == [("OBJECT_CHANGED", "data/a.wav")]
    assert copies(archive)["plays"]["status"] == "damaged"
