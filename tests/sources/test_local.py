"""Folders that the operator holds, through the whole program."""

import hashlib
import os

import bagit
import pytest

from tests.archive import Archive

BYTES = b"not really audio, but bytes " * 4000
SIDECAR = 'title = "Bells"\ncreator = "A. Musician"\nlicence = "{licence}"\nsource_url = "https://example.org/bells"\n'
BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    settings = archive.root / "archiver.toml"
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    settings.write_text(
        f'{settings.read_text()}[sources.local]\nbackoff = 0.05\n[sources.local.options]\nfolder = "{incoming}"\n'
    )
    archive.select("mine", source="local", query="*")
    return archive


def folder(archive, name, *, licence=BY):
    place = archive.root.parent / "incoming" / name
    (place / "disc 1").mkdir(parents=True)
    (place / "item.toml").write_text(SIDECAR.format(licence=licence))
    (place / "disc 1" / "one.wav").write_bytes(BYTES)
    return place


def test_a_folder_becomes_a_valid_bag_once_with_its_licence_and_its_maker(archive):
    place = folder(archive, "bells")
    (place / "bells.md5").write_text(f"{hashlib.md5(BYTES).hexdigest()} *disc 1/one.wav\n")
    ended = archive.harvested(selection="mine")
    assert ended.status == 0, ended.err
    (bag,) = archive.bags().values()
    bagit.Bag(str(bag)).validate(processes=1)
    assert (bag / "data/disc 1/one.wav").read_bytes() == BYTES
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "A. Musician" in credits_
    assert "https://example.org/bells" in credits_
    assert archive.harvested(selection="mine").outcomes == {"bells": ("unchanged", ())}


def test_bytes_that_differ_from_their_checksum_file_are_not_stored(archive):
    place = folder(archive, "bells")
    (place / "bells.md5").write_text(f"{hashlib.md5(b'other').hexdigest()}  disc 1/one.wav\n")
    ended = archive.harvested(selection="mine")
    assert ended.status == 3
    assert ended.outcomes["bells"][0] == "failed"
    assert not archive.bags()


def test_each_folder_answers_for_itself(archive, tmp_path):
    folder(archive, "good")
    folder(archive, "reserved", licence="All rights reserved")
    folder(archive, "none", licence="")
    (folder(archive, "missing") / "a.sha256").write_text(f"{'0' * 64}  gone.wav\n")
    (folder(archive, "garbled") / "a.md5").write_text("no digest here\n")
    (folder(archive, "odd") / "item.toml").write_text("title = [")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (folder(archive, "linked") / "x.wav").symlink_to(tmp_path / "secret.wav")
    os.mkfifo(folder(archive, "pipe") / "x.wav")
    found = {name: outcome for name, (outcome, _) in archive.harvested(selection="mine").outcomes.items()}
    assert found.pop("good") == "stored"
    assert found.pop("reserved") in {"refused", "quarantined"}
    assert found == {
        "none": "refused",
        "missing": "failed",
        "garbled": "failed",
        "odd": "failed",
        "linked": "refused",
        "pipe": "refused",
    }
    assert list(archive.bags()) == ["good/v1"]


def test_a_drop_folder_must_be_an_absolute_path(archive):
    settings = archive.root / "archiver.toml"
    settings.write_text(settings.read_text().replace(str(archive.root.parent / "incoming"), "incoming"))
    refused = archive.harvested(selection="mine")
    assert refused.status == 4
    assert "sources.local.options.folder" in refused.err
