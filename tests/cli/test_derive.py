"""Derivatives: made of proven bytes only, only where the licence lets them, the same bytes each time, never half."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import sqlite3
import time
from contextlib import closing

import av
import numpy as np
import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive
from tests.listening import JPEG, comments_of, decoded, png, recording, with_picture
from tests.servers.s3_servers import BUCKET

ND = "http://creativecommons.org/licenses/by-nc-nd/3.0/"
NC = "http://creativecommons.org/licenses/by-nc/4.0/"
PICTURE = png(8, 8)
HOSTILE = "Ti\0tle\n\u202ewith \u0085breaks"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """An archive of three items, harvested once; tests work on copies."""
    one = (
        DoubleFile("disc 1/ü 100%.flac", with_picture(recording(32), PICTURE), format="Flac", extra={"title": HOSTILE}),
        DoubleFile("two.wav", recording(2, form="wav", codec="pcm_s16le", channels=1), format="WAVE"),
        DoubleFile("notes.txt", b"no sound", format="Text"),
        DoubleFile("noise.mp3", bytes(range(7, 250)) * 40, format="VBR MP3"),
    )
    items = [
        DoubleItem("one", one, {"licenseurl": LICENCE, "title": "An Album", "creator": ["Ann", "Bob"]}),
        DoubleItem("shares-only", (DoubleFile("a.flac", recording(1.5), format="Flac"),), {"licenseurl": ND}),
        DoubleItem("other", (DoubleFile("b.flac", recording(2), format="Flac"),), {"licenseurl": NC}),
    ]
    root = tmp_path_factory.mktemp("derive") / "archive"
    with ArchiveDouble(items) as double:
        made = Archive(root, double.url, {"primary": {"url": "store/"}, "mirror": {"url": "mirror/"}})
        assert {name: ended for name, (ended, _) in made.harvested().outcomes.items()} == {
            "one": "stored",
            "shares-only": "stored",
            "other": "stored",
        }
    return made


@pytest.fixture(scope="module")
def made(original, tmp_path_factory):
    """A copy of it with everything made of the first item, for tests that only look."""
    root = tmp_path_factory.mktemp("made") / "archive"
    shutil.copytree(original.root, root)
    archive = Archive(root, original.endpoint, original.stores)
    archive.bag_before = contents(archive.bags()["one/v1"])
    archive.record = derived(archive, "one")
    return archive


@pytest.fixture
def archive(original, tmp_path):
    shutil.copytree(original.root, tmp_path / "archive")
    return Archive(tmp_path / "archive", original.endpoint, original.stores)


def place(archive, item="one", kind=""):
    found = list(archive.store().glob(f"derivatives/internet-archive/*/*/{item}/v1/{kind}"))
    return found[0] if found else None


def contents(directory):
    if directory is None or not directory.exists():
        return {}
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def derivatives_of(directory):
    return {name: content for name, content in contents(directory).items() if "/data/" in f"/{name}"}


def derived(archive, *arguments, status=0):
    done = archive.run("derive", *arguments, "--output", "jsonl")
    assert done.status == status, (done.out, done.err)
    return done.records[0]


def test_everything_that_applies_is_made_beside_the_bag_and_every_byte_is_in_a_manifest(made):
    record = made.record
    assert {kind: (one["outcome"], one["files"]) for kind, one in record["kinds"].items()} == {
        "opus": ("made", 2),
        "waveform": ("made", 4),
        "spectrogram": ("made", 2),
        "preview": ("made", 2),
        "cover": ("made", 1),
        "loudness": ("made", 2),
    }
    assert contents(made.bags()["one/v1"]) == made.bag_before
    assert place(made).parents[3].name == "internet-archive"
    for kind in record["kinds"]:
        found = contents(place(made, kind=kind))
        manifest = json.loads(found.pop("manifest.json"))
        listed = {one["path"]: (one["bytes"], one["sha256"]) for one in manifest["files"]}
        assert listed == {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in found.items()}
        sources = {one["source"]["path"] for one in manifest["files"] if one["source"]}
        assert sources <= {"data/disc 1/ü 100%.flac", "data/two.wav"}
        assert "data/noise.mp3" in [one["source"]["path"] for one in manifest["unmade"]]
    assert made.left_in_staging() == []
    # Nothing of it is taken for a part of a bag, or for something that should not be there.
    assert made.run("audit", "--all", "--grade", "read").status == 0
    assert made.run("status").status == 0


def test_what_is_there_is_left_and_what_is_made_again_has_the_same_bytes(archive, made):
    first = derivatives_of(place(made))
    assert derived(made, "one")["outcome"] == "present"
    assert derived(archive, "one")["outcome"] == "made"
    assert derivatives_of(place(archive)) == first
    assert len(first) == 13


def test_an_opus_copy_plays_as_long_as_its_source_and_says_whose_it_is(made):
    found = derivatives_of(place(made))
    opus = found["opus/data/disc 1/ü 100%.flac.opus"]
    samples = decoded(opus)
    assert samples.shape == (2, 32 * 48_000)
    assert float(np.abs(samples).max()) > 0.2
    assert decoded(found["opus/data/two.wav.opus"]).shape == (1, 2 * 48_000)
    comments = comments_of(opus)
    assert comments["artist"] == "Ann, Bob"
    assert comments["album"] == "An Album"
    assert comments["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert comments["source"].endswith("/details/one")
    assert "is licensed under CC BY 4.0" in comments["description"]
    assert comments["title"] == "Ti tle with breaks"
    assert comments["derived_from"].startswith("data/disc 1/ü 100%.flac sha256:")
    beside = contents(place(made))["opus/ATTRIBUTION.txt"].decode()
    assert "Changes: encoded as Ogg Opus" in beside
    assert "bit-identical copies" not in beside


def test_the_bitrate_is_constrained(made):
    opus = derivatives_of(place(made))["opus/data/disc 1/ü 100%.flac.opus"]
    assert 60_000 < len(opus) * 8 / 32 < 80_000


def test_a_preview_is_thirty_seconds_and_its_ends_are_faded(made):
    found = derivatives_of(place(made))
    samples = decoded(found["preview/data/disc 1/ü 100%.flac.opus"])
    assert samples.shape[1] == 30 * 48_000
    loudness = [float(np.abs(part).max()) for part in np.array_split(samples, 300, axis=1)]
    assert loudness[0] < 0.2 * max(loudness)
    assert loudness[-1] < 0.2 * max(loudness)
    # A recording that is shorter is a preview of itself.
    assert decoded(found["preview/data/two.wav.opus"]).shape[1] == 2 * 48_000


def test_a_waveform_is_peaks_as_players_read_them_and_a_drawing_without_anybody_s_text(made):
    found = derivatives_of(place(made))
    peaks = json.loads(found["waveform/data/disc 1/ü 100%.flac.json"])
    assert {key: peaks[key] for key in ("version", "channels", "bits", "sample_rate")} == {
        "version": 2,
        "channels": 1,
        "bits": 8,
        "sample_rate": 44_100,
    }
    assert peaks["length"] * 2 == len(peaks["data"])
    assert (
        (peaks["length"] - 1) * peaks["samples_per_pixel"] < 32 * 44_100 <= peaks["length"] * peaks["samples_per_pixel"]
    )
    assert max(peaks["data"]) > 40
    assert min(peaks["data"]) < -40
    drawing = found["waveform/data/disc 1/ü 100%.flac.svg"].decode()
    assert re.fullmatch(r'<svg [^<>]*><path fill="#1b6b93" d="[ML0-9 .Z-]*"/></svg>\n', drawing)


def test_a_spectrogram_shows_the_tone_that_is_played(made):
    content = derivatives_of(place(made))["spectrogram/data/disc 1/ü 100%.flac.png"]
    with av.open(io.BytesIO(content)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="gray")
    brightest = int(picture.mean(axis=1).argmax())
    # 220 to 330 Hz of 22,050 over 512 rows: the lowest dozen.
    assert picture.shape[0] == 512
    assert 498 <= brightest <= 511
    assert b"tIME" not in content
    assert b"tEXt" not in content


def test_a_licence_without_derivatives_lets_the_whole_be_in_another_format_and_nothing_else(archive):
    record = derived(archive, "shares-only")
    assert {kind: one["outcome"] for kind, one in record["kinds"].items()} == {
        "opus": "made",
        "waveform": "refused",
        "spectrogram": "refused",
        "preview": "refused",
        "cover": "none",
        "loudness": "made",
    }
    assert record["kinds"]["preview"]["reasons"] == ["LICENCE_NO_DERIVATIVES"]
    assert derived(archive, "shares-only", "--preview", status=1)["outcome"] == "refused"
    assert {name.partition("/")[0] for name in derivatives_of(place(archive, "shares-only"))} == {"opus", "loudness"}


def test_the_settings_may_allow_less(archive):
    strict = {"ARCHIVER_DERIVATIVES__NO_DERIVATIVES": "nothing", "ARCHIVER_DERIVATIVES__POLICY": "commercial-ok"}
    done = archive.run("derive", "shares-only", "other", "--opus", "--output", "jsonl", **strict)
    assert done.status == 1
    assert [record["reasons"] for record in done.records[:2]] == [["POLICY_EXCLUDES"], ["POLICY_EXCLUDES"]]
    done = archive.run("get", "shares-only", "out", "--format", "opus", ARCHIVER_DERIVATIVES__NO_DERIVATIVES="nothing")
    assert done.status == 1
    assert "LICENCE_NO_DERIVATIVES" in done.err
    assert not (archive.root / "out").exists() or not list((archive.root / "out").iterdir())


def test_nothing_is_made_of_what_is_withdrawn_and_what_was_made_goes_at_once(archive):
    derived(archive, "one", "--opus", "--cover")
    assert derivatives_of(place(archive))
    assert archive.run("withdraw", "one", "--reason", "r", "--approver", "a").status == 0
    assert contents(place(archive)) == {}
    record = derived(archive, "one", status=1)
    assert record["reasons"] == ["ITEM_WITHDRAWN"]
    assert contents(place(archive)) == {}
    assert archive.run("get", "one", "out", "--format", "opus").status == 1
    assert archive.run("restore", "one", "--approver", "a").status == 0
    assert derived(archive, "one", "--opus")["outcome"] == "made"


def test_a_damaged_copy_is_never_derived_from(archive):
    for store in ("primary", "mirror"):
        victim = archive.bags(store)["one/v1"] / "data" / "two.wav"
        content = bytearray(victim.read_bytes())
        content[-100] ^= 1
        victim.write_bytes(content)
        if store == "primary":
            # The other copy is sound.
            assert derived(archive, "one", "--opus")["outcome"] == "made"
            shutil.rmtree(archive.store() / "derivatives")
    record = derived(archive, "one", "--opus", status=3)
    assert record["reasons"] == ["OBJECT_DAMAGED"]
    assert "archiver repair" in record["kinds"]["opus"]["detail"]
    assert "opus/manifest.json" not in contents(place(archive))


def test_a_damaged_derivative_is_made_again_when_it_is_asked_for(archive):
    derived(archive, "one")
    whole = derivatives_of(place(archive))
    for name in ("opus/data/two.wav.opus", "waveform/data/two.wav.svg"):
        victim = place(archive) / name
        victim.write_bytes(victim.read_bytes()[:-1] + b"\0")
    assert derived(archive, "one")["outcome"] == "present"  # by names and sizes
    assert derived(archive, "one", "--check")["outcome"] == "made"
    assert derivatives_of(place(archive)) == whole
    (place(archive) / "opus/data/two.wav.opus").unlink()
    assert derived(archive, "one")["kinds"]["opus"]["outcome"] == "made"
    assert derivatives_of(place(archive)) == whole


def test_listening_copies_are_handed_out_with_what_is_to_be_printed_and_damage_does_not_get_through(archive):
    done = archive.run("get", "one", "out", "--format", "opus", "--output", "jsonl")
    assert done.status == 0, done.err
    found = contents(archive.root / "out")
    assert found.keys() == {"disc 1/ü 100%.flac.opus", "two.wav.opus", "ATTRIBUTION.txt", "licence.json"}
    assert done.records[-1]["left"] == [{"path": "data/noise.mp3", "reason": "NO_AUDIO"}]
    kept = derivatives_of(place(archive))
    assert found["two.wav.opus"] == kept["opus/data/two.wav.opus"]
    victim = place(archive) / "opus/data/two.wav.opus"
    victim.write_bytes(victim.read_bytes()[:-1] + b"\0")
    assert archive.run("get", "one", "again", "--format", "opus").status == 0
    assert contents(archive.root / "again") == found
    assert derivatives_of(place(archive)) == kept
    assert archive.run("get", "one", "x", "--format", "opus", "--as", "tar").status == 2


def test_a_selection_says_what_is_made_and_a_directory_may_keep_it(archive):
    archive.select("all", derivatives=["waveform"])
    with (archive.root / "archiver.toml").open("a") as settings:
        settings.write('[derivatives]\ndirectory = "listen/"\n')
    done = archive.run("derive", "--selection", "all", "--output", "jsonl")
    assert done.status == 0
    assert {record["item"].partition("/")[2]: record["outcome"] for record in done.records[:-1]} == {
        "one": "made",
        "other": "made",
        "shares-only": "refused",
    }
    assert not (archive.store() / "derivatives").exists()
    names = {path.suffix for path in (archive.root / "listen").rglob("data/**/*") if path.is_file()}
    assert names == {".json", ".svg"}


def test_a_harvest_makes_what_its_selection_asks_for(tmp_path):
    item = DoubleItem("fresh", (DoubleFile("a.flac", recording(1), format="Flac"),), {"licenseurl": LICENCE})
    with ArchiveDouble([item]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        archive.select("all", derivatives=["opus"])
        done = archive.harvested()
    assert done.status == 0, done.err
    assert done.outcomes["fresh"][0] == "stored"
    assert [record["derived"]["kinds"]["opus"]["outcome"] for record in done.records if "derived" in record] == ["made"]
    assert list(derivatives_of(place(archive, "fresh"))) == ["opus/data/a.flac.opus"]


def test_the_making_is_in_the_log_and_in_a_premis_file_with_the_source_of_each(made):
    from lxml import etree

    from archiver.core.premis import PREMIS

    events = [record["event"] for record in made.run("show", "one", "--output", "jsonl").records if "event" in record]
    digest = hashlib.sha256((place(made) / "opus/manifest.json").read_bytes()).hexdigest()
    making = [event["detail"] for event in events if event["type"] == "creation"]
    assert len(making) == 6
    assert sum(digest in detail for detail in making) == 1
    root = etree.fromstring((place(made) / "opus/premis.xml").read_bytes())
    names = {"p": PREMIS}
    assert [etree.QName(child).localname for child in root[:4]] == ["object", "object", "event", "agent"]
    assert root.findtext(".//p:relationshipType", namespaces=names) == "derivation"
    sources = root.xpath(".//p:relatedObjectIdentifier[p:relatedObjectIdentifierType='path in bag']", namespaces=names)
    assert [one[1].text for one in sources] == ["data/disc 1/ü 100%.flac", "data/two.wav"]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (png(8, 8, padding=10_000_000), "COVER_TOO_LARGE"),
        (png(60_000, 1), "COVER_TOO_LARGE"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "COVER_NOT_AN_IMAGE"),
        (b"<html><script>alert(1)</script>", "COVER_NOT_AN_IMAGE"),
        (b"", "COVER_NOT_AN_IMAGE"),
        (JPEG[:4], "COVER_NOT_AN_IMAGE"),
        (JPEG, ""),
        (PICTURE, ""),
    ],
    ids=["10 MB", "wide", "svg", "html", "empty", "cut", "jpeg", "png"],
)
def test_a_cover_is_handed_on_bit_for_bit_or_not_at_all(tmp_path, picture, reason):
    from archiver.audio.covers import NoCoverError, cover_of

    file = tmp_path / "a.flac"
    file.write_bytes(with_picture(recording(0.1), picture))
    if not reason:
        assert cover_of(file)[0] == picture
        return
    with pytest.raises(NoCoverError) as caught:
        cover_of(file)
    assert caught.value.reason == reason


def test_what_is_suspicious_is_reported_from_what_was_measured(archive):
    assert archive.run("derive", "--all", "--loudness").status == 0
    done = archive.run("report", "suspicious", "--output", "jsonl", "--report", "a.html", "--report", "a.csv")
    assert done.status == 0, done.err
    found = [(one["suspicion"]["path"], one["suspicion"]["code"]) for one in done.records[:-1]]
    assert found == [("data/noise.mp3", "NO_AUDIO")]
    assert done.summary["measured"] == 5
    assert "data/noise.mp3" in (archive.root / "a.csv").read_text()
    assert "1 of 5 recordings should be listened to" in (archive.root / "a.html").read_text()
    # A catalogue that lost what was measured knows it again after the same command.
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue:
        catalogue.execute("DELETE FROM loudness")
        catalogue.commit()
    assert derived(archive, "one", "--loudness")["outcome"] == "present"
    again = archive.run("report", "suspicious", "--output", "jsonl").summary
    assert again["codes"] == {"NO_AUDIO": 1}


def test_examining_files_measures_them_when_it_is_asked_to_and_leaves_nothing_behind(tmp_path):
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    (archive.root / "music").mkdir()
    (archive.root / "music/a.flac").write_bytes(recording(2))
    (archive.root / "music/page.mp3").write_bytes(b"<html>" + b"x" * 3000)
    done = archive.run("examine", "music/a.flac", "music/page.mp3", "--loudness", "--output", "jsonl")
    found = {record["file"]: record.get("loudness") for record in done.records[:-1]}
    assert found["music/page.mp3"] is None
    assert -30 < found["music/a.flac"]["integrated"] < -5
    assert found["music/a.flac"]["signs"] == []
    assert sorted(path.name for path in (archive.root / "music").iterdir()) == ["a.flac", "page.mp3"]
    assert "LUFS" in archive.run("examine", "music/a.flac", "--loudness").out
    assert archive.run("examine", "music/a.flac", "--output", "jsonl").records[0].get("loudness") is None


def test_a_run_that_is_killed_between_two_files_leaves_nothing_whole_and_the_next_goes_on(archive, made):
    for _ in range(2):
        process = archive.start("derive", "one", "--opus")
        waiting = time.monotonic() + 60
        while not derivatives_of(place(archive)) and time.monotonic() < waiting and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.communicate(timeout=30)
        if "opus/manifest.json" in contents(place(archive)):
            break  # it was faster than we are; the rest of the test says what it says all the same
    assert derived(archive, "one", "--opus")["kinds"]["opus"]["files"] == 2
    whole = {name: content for name, content in derivatives_of(place(made)).items() if name.startswith("opus/")}
    assert {
        name: content for name, content in derivatives_of(place(archive)).items() if name.startswith("opus/")
    } == whole
    assert archive.left_in_staging() == []


def test_an_item_that_came_into_doubt_after_it_was_stored_is_not_derived_from(archive):
    assert derived(archive, "other", "--opus")["outcome"] == "made"
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue:
        catalogue.execute(
            "INSERT INTO review_case (item_id, title, collections, item_set, whole_set, batch_set, reasons, decision, "
            "opened_at) SELECT id, '', '[]', 'a', '', 'b', '[\"CONFLICT_TOOLS\"]', '{}', '2999-01-01 00:00:00.000000' "
            "FROM item WHERE name = 'other'"
        )
        catalogue.commit()
    record = derived(archive, "other", "--opus", status=1)
    assert record["reasons"] == ["ITEM_QUARANTINED"]
    assert derivatives_of(place(archive, "other")) == {}
    assert archive.run("get", "other", "out", "--format", "opus").status == 1


@pytest.mark.xdist_group("ministack")
def test_a_bucket_keeps_the_same_derivatives_as_a_directory(archive, made, tmp_path, ministack):
    bucket = {"url": f"s3://{BUCKET}/{tmp_path.name}", "endpoint": ministack.endpoint, "addressing": "path"}
    archive.stores["cloud"] = bucket
    archive.write()
    keys = {"AWS_ACCESS_KEY_ID": ministack.access_key, "AWS_SECRET_ACCESS_KEY": ministack.secret_key}
    archive.extra_environment.update(keys, ARCHIVER_DERIVATIVES__STORE="cloud")
    assert derived(archive, "one", "--opus", "--waveform")["outcome"] == "made"
    client = ministack.client()

    def there():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{tmp_path.name}/derivatives/")
        found = [entry["Key"] for page in pages for entry in page.get("Contents", []) if "/data/" in entry["Key"]]
        return {
            key.partition("/v1/")[2]: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in sorted(found)
        }, found

    wanted = {
        name: content
        for name, content in derivatives_of(place(made)).items()
        if name.startswith(("opus/", "waveform/"))
    }
    found, names = there()
    assert found == wanted
    client.put_object(Bucket=BUCKET, Key=names[0], Body=b"damaged")
    assert archive.run("get", "one", "out", "--format", "opus").status == 0
    assert there()[0] == wanted
    assert archive.run("withdraw", "one", "--reason", "r", "--approver", "a").status == 0
    assert there()[0] == {}
    client.close()


def test_tags_of_gigabytes_are_not_loaded(tmp_path):
    from archiver.audio.covers import NoCoverError, cover_of

    file = tmp_path / "a.mp3"
    size = 250 << 20
    head = b"APIC" + (size - 10).to_bytes(4, "big") + b"\0\0" + b"\0image/png\0\3\0"
    with file.open("wb") as out:
        out.write(b"ID3\3\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + head)
        out.truncate(size + 10)
    with pytest.raises(NoCoverError) as caught:
        cover_of(file)
    assert caught.value.reason == "COVER_TOO_LARGE"


def test_a_catalogue_that_was_altered_gives_no_permission(archive):
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue:
        catalogue.execute("UPDATE aip SET licence = 'https://creativecommons.org/licenses/by/4.0/'")
        catalogue.commit()
    record = derived(archive, "shares-only", "--preview", status=3)
    assert record["reasons"] == ["OBJECT_DAMAGED"]
    assert derivatives_of(place(archive, "shares-only")) == {}
