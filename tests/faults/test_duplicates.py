"""Recordings that are held more than once, from outside."""

from __future__ import annotations

import mutagen
import numpy as np
import pytest

from archiver.audio.fingerprints import is_possible
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive
from tests.audio import made

ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"


def item(name, *files, licence=LICENCE):
    return DoubleItem(name, files, {"licenseurl": licence, "title": name, "mediatype": "audio"})


def retagged(path, target):
    target.write_bytes(path.read_bytes())
    tagged = mutagen.File(target, easy=True)
    if tagged.tags is None:
        tagged.add_tags()
    tagged["title"], tagged["artist"] = "Another name", "Somebody else"
    tagged.save()
    return target.read_bytes()


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    work = tmp_path_factory.mktemp("duplicates")
    song, other = made.sound(8), made.sound(8, seed=9)
    faster = np.stack([np.interp(np.arange(0, song.shape[1] - 1, 1.03), np.arange(song.shape[1]), row) for row in song])
    mp3 = made.encode(work / "a.mp3", "libmp3lame", song, bit_rate=128000)
    wav = made.encode(work / "a.wav", "pcm_s16le", other)
    flac = made.encode(work / "a.flac", "flac", other)
    fast = made.encode(work / "fast.wav", "pcm_s16le", faster.astype(np.int16))
    with ArchiveDouble() as double:
        double.add(
            item("first", DoubleFile("song.mp3", mp3.read_bytes())),
            item("second", DoubleFile("track 01.mp3", retagged(mp3, work / "b.mp3")), licence=ZERO),
            item("wave", DoubleFile("master.wav", wav.read_bytes())),
            item("packed", DoubleFile("master.flac", retagged(flac, work / "b.flac"))),
            item("faster", DoubleFile("song.wav", fast.read_bytes())),
            item(
                "apart",
                DoubleFile("other.flac", made.encode(work / "c.flac", "flac", made.sound(8, seed=5)).read_bytes()),
            ),
        )
        audio = {"examine": "true", "examiners": "1", "fingerprints": "true" if is_possible() else "false"}
        archive = Archive(work / "archive", double.url, audio=audio)
        assert archive.harvested().status == 0
        yield archive


def groups(archive, *options):
    result = archive.run("report", "duplicates", "--output", "jsonl", *options)
    assert result.status == 0, result.err
    found = {}
    for record in result.records[:-1]:
        one = record["duplicate"]
        found.setdefault(one["sameness"], []).append({place["item"].partition("/")[2] for place in one["recordings"]})
    return found, result.summary


def test_retagged_copies_and_lossless_ones_in_other_containers_are_found_and_nothing_else(reported):
    found, summary = groups(reported, "--exact")

    assert found == {"packets": [{"first", "second"}], "samples": [{"wave", "packed"}]}
    assert (summary["recordings"], summary["groups"]) == (6, 2)


@pytest.mark.skipif(not is_possible(), reason="the extra 'fingerprint' is not installed")
def test_what_is_played_faster_is_not_alike_by_its_fingerprint(reported):
    found, summary = groups(reported)

    assert summary["fingerprints"] == 6
    assert all("faster" not in group for group in found.get("alike", []))


def test_the_report_is_written_in_every_form_and_names_licences_that_differ(reported, tmp_path):
    files = [tmp_path / f"duplicates.{ending}" for ending in ("html", "json", "csv")]
    result = reported.run("report", "duplicates", *(part for file in files for part in ("--report", str(file))))

    assert result.status == 0
    assert "UNDER DIFFERENT LICENCES" in result.out
    assert all("first" in file.read_text() for file in files)


def test_an_item_that_is_withdrawn_is_in_no_group(reported):
    withdrawn = reported.run("withdraw", "internet-archive/second", "--reason", "a test", "--approver", "A. Person")
    assert withdrawn.status == 0, withdrawn.err
    assert groups(reported, "--exact")[0] == {"samples": [{"wave", "packed"}]}
