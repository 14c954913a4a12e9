"""What others hand in: bags and loose files, through the same gate and walk as a harvest."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tarfile
import zipfile
from pathlib import Path

import bagit
import numpy as np
import pytest
import soundfile

from tests.archive import Archive

BYTES = random.Random(17).randbytes(400_000)
BY = "https://creativecommons.org/licenses/by/4.0/"
BY_NC = "https://creativecommons.org/licenses/by-nc/4.0/"


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive", "http://127.0.0.1:9")


def made(place, files, **info):
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    labels = {label.replace("_", "-"): value for label, value in info.items()}
    bagit.make_bag(str(place), labels, checksums=["md5", "sha512"])
    return place


FILES = {"one.wav": BYTES, "disc 1/Ωmega.txt": b"words\n", "100%.txt": b"percent"}


def bag_at(place, **info):
    return made(place, FILES, **{"External_Identifier": "deposit 17", "External_Description": "Bells", **info})


def added(archive, *arguments):
    return archive.run("add", *map(str, arguments), "--output", "jsonl")


def contents(place):
    return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def one(result):
    (record,) = (one for one in result.records if "item" in one)
    return record


def test_a_bag_of_others_is_kept_whole_and_can_be_made_again_byte_for_byte(archive, tmp_path):
    bag = bag_at(tmp_path / "theirs", Contact_Name="Their Archivist")
    (bag / "notes").mkdir()
    (bag / "notes/mods.xml").write_bytes(b"<mods/>")
    result = added(archive, bag, "--licence", BY, "--creator", "A. Musician")
    assert result.status == 0, result.err
    record = one(result)
    assert (record["item"], record["outcome"], record["files"]) == ("added/deposit 17", "stored", 3)
    assert result.summary["stored"] == 1
    (ours,) = archive.bags().values()
    checked = archive.run("verify", str(archive.store()), "--output", "jsonl")
    assert (checked.status, checked.summary["bags"]) == (0, 1)
    kept = {
        name.removeprefix("metadata/source/bag/"): content
        for name, content in contents(ours).items()
        if name.startswith(("data/", "metadata/source/bag/"))
    }
    assert kept == contents(bag)
    answers = {one["file"]: one for one in json.loads((ours / "metadata/licence.json").read_text())["answers"]}
    for name, content in contents(bag).items():
        if not name.startswith("data/"):
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert answers[f"metadata/source/bag/{name}"]["received"] == digest
    assert "A. Musician" in (ours / "ATTRIBUTION.txt").read_text()
    assert str(tmp_path) not in "".join(one["url"] for one in answers.values())


def test_a_bag_of_our_own_that_is_handed_in_again_loses_nothing(archive, tmp_path):
    """Written, read and written again: each bag is inside the next one, byte for byte."""
    words = ("--licence", BY, "--creator", "A. Musician", "--title", "Bells", "--source-url", "https://example.org/b")
    first = one(added(archive, bag_at(tmp_path / "theirs"), *words))
    assert archive.run("get", first["item"], str(tmp_path / "out"), "--as", "bag").status == 0
    second = added(archive, tmp_path / "out")
    assert (one(second)["item"], one(second)["outcome"]) == ("added/added/deposit 17", "stored"), second.err
    again = archive.bags()["added%2Fdeposit%2017/v1"]
    kept = {
        name.removeprefix("metadata/source/bag/"): content
        for name, content in contents(again).items()
        if name.startswith(("data/", "metadata/source/bag/"))
    }
    assert kept == contents(archive.bags()["deposit%2017/v1"])
    assert (again / "ATTRIBUTION.txt").read_text() == (tmp_path / "out/ATTRIBUTION.txt").read_text()
    assert "handed in as a valid bag of BagIt 1.0: 3 payload files" in (again / "metadata/premis.xml").read_text()
    assert archive.run("audit", "--all", "--grade", "read").status == 0


def packed(bag, form, place):
    if form == "zip":
        with zipfile.ZipFile(place / "theirs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents(bag).items():
                archive.writestr(f"theirs/{name}", content)
        return place / "theirs.zip"
    path = place / f"theirs.{form}"
    with tarfile.open(path, "w:gz" if form.endswith("gz") else "w") as archive:
        archive.add(bag, "theirs")
    return path


def test_the_same_bag_in_another_form_is_the_same_item_unchanged(archive, tmp_path):
    bag = bag_at(tmp_path / "theirs")
    stored = added(archive, packed(bag, "tar.gz", tmp_path), "--licence", BY)
    assert one(stored)["outcome"] == "stored", stored.err
    for path in (bag, packed(bag, "tar", tmp_path), packed(bag, "zip", tmp_path)):
        again = added(archive, path, "--licence", BY)
        assert (again.status, one(again)["outcome"]) == (0, "unchanged")
    assert list(archive.bags()) == ["deposit%2017/v1"]
    assert not (archive.root / "handed-in").exists()


def test_a_changed_bag_is_a_new_version_and_also_one_whose_tag_files_alone_changed(archive, tmp_path):
    bag = bag_at(tmp_path / "theirs")
    added(archive, bag, "--licence", BY)
    reopened = bagit.Bag(str(bag))
    reopened.info["External-Description"] = "Bells, corrected"
    reopened.save()
    assert one(added(archive, bag, "--licence", BY))["aip"].endswith("/v2")
    (bag / "data/one.wav").write_bytes(BYTES[:-1])
    bagit.Bag(str(bag)).save(manifests=True)
    third = one(added(archive, bag, "--licence", BY))
    assert third["aip"].endswith("/v3")
    assert third["recalled"] == third["bytes"] - len(BYTES) + 1
    shown = archive.run("show", "added/deposit 17", "--output", "jsonl").records
    first, second = (record["difference"] for record in shown if "difference" in record)
    assert (first["changed"], second["changed"]) == ([], ["data/one.wav"])
    assert "metadata/source/bag/bag-info.txt" in first["tag_files"]


def test_an_invalid_bag_stores_nothing_and_says_what_is_wrong(archive, tmp_path):
    bag = bag_at(tmp_path / "theirs")
    (bag / "data/one.wav").write_bytes(BYTES[:-1] + b"x")
    sound = bag_at(tmp_path / "sound", External_Identifier="sound")
    result = added(archive, bag, sound, "--licence", BY)
    assert result.status == 1
    codes = {record["finding"]["code"] for record in result.records if "finding" in record}
    assert codes == {"FILE_CHANGED"}
    assert result.outcomes == {"theirs": ("refused", ("BAG_INVALID",)), "sound": ("stored", ())}
    assert (result.summary["refused"], result.summary["stored"]) == (1, 1)
    assert list(archive.bags()) == ["sound/v1"]


def test_an_archive_that_is_cut_is_no_valid_bag(archive, tmp_path):
    path = packed(bag_at(tmp_path / "theirs"), "tar.gz", tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])
    result = added(archive, path, "--licence", BY)
    assert result.status == 1
    assert "SERIALIZATION_DAMAGED" in {record["finding"]["code"] for record in result.records if "finding" in record}
    assert not archive.bags()


SILENT = {
    "licensed": ({"License_URL": BY}, {}, "stored", None),
    "nothing": ({}, {}, "refused", "NO_LICENCE"),
    "sidecar": ({}, {"item.toml": f'title = "Bells"\nlicence = "{BY}"\n'.encode()}, "stored", None),
}
SPOKEN = {
    "agreed": ({"License_URL": BY}, {}, "stored", None),
    "other": ({"License_URL": BY_NC}, {}, "quarantined", "CONFLICT_TOOLS"),
    "reserved": ({"Rights": "All rights reserved."}, {}, "quarantined", "CONFLICT_RESERVED"),
    "aside": ({"Internal_Sender_Description": "All rights reserved."}, {}, "quarantined", "CONFLICT_RESERVED"),
    "members": ({"Access_Rights": "members only"}, {}, "quarantined", "UNRESOLVED_LICENCE_FIELD"),
    "stated": ({}, {"LICENSE.txt": b"This work is licensed under CC BY-NC 4.0.\n"}, "quarantined", "CONFLICT_TOOLS"),
    "of-ia": (
        {},
        {"bells_meta.xml": f"<metadata><licenseurl>{BY_NC}</licenseurl></metadata>".encode()},
        "quarantined",
        "CONFLICT_TOOLS",
    ),
}


@pytest.mark.parametrize(("cases", "options"), [(SILENT, ()), (SPOKEN, ("--licence", BY))])
def test_what_the_bag_says_of_its_licence_is_weighed_with_what_the_operator_says(archive, tmp_path, cases, options):
    bags = [
        made(tmp_path / name, {**FILES, **files}, External_Identifier=name, **info)
        for name, (info, files, _, _) in cases.items()
    ]
    result = added(archive, *bags, *options)
    assert result.status == 0
    found = result.outcomes
    assert {name: outcome for name, (outcome, _) in found.items()} == {name: case[2] for name, case in cases.items()}
    for name, (_, _, _, reason) in cases.items():
        assert reason is None or reason in found[name][1], name
    stored = {name for name, (outcome, _) in found.items() if outcome == "stored"}
    assert {name.partition("/")[0] for name in archive.bags()} == stored


def test_people_decide_what_is_quarantined_and_then_it_is_taken_in(archive, tmp_path):
    bag = bag_at(tmp_path / "theirs", Access_Rights="members only")
    assert one(added(archive, bag, "--licence", BY))["outcome"] == "quarantined"
    decided = archive.run(
        "review", "accept", "added/deposit 17", "--reviewer", "B. Curator", "--reason", "asked them", "--licence", BY
    )
    assert decided.status == 0, decided.err
    assert one(added(archive, bag, "--licence", BY))["outcome"] == "stored"


def test_loose_files_and_folders_become_one_item_once(archive, tmp_path):
    folder = tmp_path / "bells"
    (folder / "disc 1").mkdir(parents=True)
    (folder / "disc 1/one.wav").write_bytes(BYTES)
    (folder / "bells.sha256").write_text(f"{hashlib.sha256(BYTES).hexdigest()} *disc 1/one.wav\n")
    words = (
        "--licence",
        BY,
        "--title",
        "Bells of Berlin",
        "--creator",
        "A. Musician",
        "--source-url",
        "https://example.org/b",
    )
    stored = added(archive, folder, *words)
    record = one(stored)
    assert (stored.status, record["outcome"], record["files"]) == (0, "stored", 2), stored.err
    assert record["item"].startswith("added/bells-of-berlin-")
    (bag,) = archive.bags().values()
    assert (bag / "data/disc 1/one.wav").read_bytes() == BYTES
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "A. Musician" in credits_
    assert "https://example.org/b" in credits_
    assert json.loads((bag / "metadata/source/operator.json").read_text())["title"] == "Bells of Berlin"
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert one(added(archive, moved, *words))["outcome"] == "unchanged"
    (moved / "notes.txt").write_text("new")
    assert one(added(archive, moved, *words))["aip"].endswith("/v2")


def test_checksum_files_beside_loose_files_are_compared(archive, tmp_path):
    for name in ("one.wav", "two.wav"):
        (tmp_path / name).write_bytes(BYTES)
    (tmp_path / "one.wav.md5").write_text(hashlib.md5(BYTES).hexdigest())
    (tmp_path / "all.sha1").write_text(
        f"{hashlib.sha1(BYTES).hexdigest()}  ./one.wav\n{'0' * 40}  other.wav\n# two comes later\n"
    )
    (tmp_path / "unrelated.md5").write_text("no digest here\n")
    words = ("--licence", BY, "--title", "Loose")
    first = added(archive, tmp_path / "one.wav", tmp_path / "two.wav", *words)
    assert one(first)["outcome"] == "stored", first.err
    (bag,) = archive.bags().values()
    assert {path.name for path in (bag / "metadata/source/beside").iterdir()} == {"one.wav.md5", "all.sha1"}
    (tmp_path / "one.wav.md5").write_text(hashlib.md5(b"other").hexdigest())
    wrong = added(archive, tmp_path / "one.wav", *words, "--identifier", "alone")
    assert (wrong.status, one(wrong)["outcome"], one(wrong)["reasons"]) == (3, "failed", ["DIGEST_MISMATCH"])


def test_a_flac_fingerprint_is_compared_with_the_samples_and_not_with_what_the_head_says_of_them(archive, tmp_path):
    samples = np.frombuffer(BYTES[:88_200], "<i2")
    soundfile.write(tmp_path / "one.flac", samples, 44_100, "PCM_16")
    fingerprint = hashlib.md5(samples.tobytes()).hexdigest()
    (tmp_path / "one.ffp").write_text(f"one.flac:{fingerprint}\n")
    words = ("--licence", BY, "--title", "Loose", "--identifier")
    assert one(added(archive, tmp_path / "one.flac", *words, "right"))["outcome"] == "stored"
    content = bytearray((tmp_path / "one.flac").read_bytes())
    content[26:42] = forged = hashlib.md5(b"other").digest()
    (tmp_path / "one.flac").write_bytes(content)
    (tmp_path / "one.ffp").write_text(f"one.flac:{forged.hex()}\n")
    record = one(added(archive, tmp_path / "one.flac", *words, "forged"))
    assert (record["outcome"], record["reasons"]) == ("failed", ["DIGEST_MISMATCH"])
    assert fingerprint in record["detail"]


def test_a_folder_with_something_that_is_no_file_is_refused_and_nothing_outside_is_read(archive, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "bells"
    folder.mkdir()
    (folder / "x.wav").symlink_to(tmp_path / "secret")
    result = added(archive, folder, "--licence", BY, "--title", "Bells")
    assert result.status != 0
    assert "x.wav" in result.err
    assert not archive.bags()


def test_what_cannot_be_meant_is_said_before_anything_is_done(archive, tmp_path):
    (tmp_path / "one.wav").write_bytes(BYTES)
    assert added(archive, tmp_path / "one.wav", "--licence", BY).status == 2
    assert added(archive, tmp_path / "gone", "--licence", BY).status == 2
    two = [bag_at(tmp_path / name) for name in ("a", "b")]
    assert added(archive, *two, "--licence", BY, "--identifier", "both").status == 2
    assert not archive.bags()
    twice = added(archive, *two, "--licence", BY)
    assert (twice.status, [record["outcome"] for record in twice.records if "item" in record]) == (
        1,
        ["refused", "stored"],
    )


def test_a_rehearsal_stores_nothing(archive, tmp_path):
    result = added(archive, bag_at(tmp_path / "theirs"), "--licence", BY, "--dry-run")
    assert (result.status, one(result)["outcome"]) == (0, "stored")
    assert not archive.store().exists() or not archive.bags()


def test_a_hostile_identifier_stays_inside_the_store(archive, tmp_path):
    hostile = "../../../etc/passwd \u202e " + "x" * 600
    result = added(archive, bag_at(tmp_path / "theirs", External_Identifier=hostile), "--licence", BY)
    assert one(result)["outcome"] == "stored", result.err
    (bag,) = archive.bags().values()
    assert bag.resolve().is_relative_to(archive.store().resolve())
    assert archive.run("audit", "--all").status == 0
    item = one(result)["item"]
    assert archive.run("show", item).status == 0
    rebuilt = archive.root / "catalogue.sqlite"
    rebuilt.unlink()
    assert archive.run("rebuild", "--from", "primary").status == 0
    assert one(added(archive, tmp_path / "theirs", "--licence", BY))["outcome"] == "unchanged"
    assert Path(one(result)["aip"]).parts[0] == "bags"
