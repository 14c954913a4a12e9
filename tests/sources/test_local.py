"""Folders that the operator holds, through the whole program."""

import hashlib
import os
from datetime import UTC, datetime

import bagit
import pytest

from archiver.core.errors import SourceProtocolError
from archiver.core.licences.policies import policy_named
from archiver.core.selections import Selection
from archiver.ports.offers import Surroundings
from archiver.sources.local import LocalOffer
from archiver.sources.sidecars import parse_sidecar
from tests.archive import Archive
from tests.sources.test_manners import FakeClock

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
        f'{settings.read_text()}[sources.local]\nbackoff = 0.05\n[sources.local.options]\nfolder = "{incoming}"\nsettle = "0"\n'
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


def flac(fingerprint):
    """The head of a FLAC file (RFC 9639 §8.2): the marker, the header of a STREAMINFO block, and the block."""
    return b"fLaC" + bytes([0x80, 0, 0, 34]) + bytes(18) + bytes.fromhex(fingerprint) + BYTES


def test_a_table_of_a_spreadsheet_is_a_sidecar_too(archive):
    place = archive.root.parent / "incoming" / "album"
    place.mkdir()
    (place / "item.csv").write_text(
        "\ufefffile;Title;Artist;License;URL\n"
        f";Bells of Berlin;A. Musician; {BY} ;https://example.org/bells\n"
        f"one.wav;First bell;B. Player;{BY};\n\n",
        "utf-8",
    )
    (place / "one.wav").write_bytes(BYTES)
    ended = archive.harvested(selection="mine")
    assert ended.outcomes == {"album": ("stored", ())}, ended.err
    (bag,) = archive.bags().values()
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    for words in ("Bells of Berlin", "A. Musician, B. Player", "First bell", "https://example.org/bells"):
        assert words in credits_
    assert (bag / "metadata/source/item.csv").is_file()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("title,rights\nx,y\n", "column 'rights'"),
        ("title,title\nx,y\n", "column"),
        ("title\nx,y\n", "more cells"),
        (f"title,licence\nx,{BY}\ny,{BY}\n", "a second time"),
        ('title\n"x', "no table"),
        ("", "column"),
    ],
)
def test_a_table_that_says_what_nobody_knows_is_refused(table, words):
    with pytest.raises(SourceProtocolError, match=words):
        parse_sidecar("item.csv", table.encode(), what="local/album")


def test_every_form_of_a_checksum_list_is_compared(archive):
    """A FLAC fingerprint with the head of its file, other lists with all bytes; a licence of one file is weighed too."""
    forms = [
        ("MD5SUMS", "{md5}  disc 1/one.wav"),
        ("a.sha256sum", "SHA256 (disc 1/one.wav) = {sha256}"),
        ("disc 1/a.sha1", "{sha1} *one.wav"),
        ("a.ffp", "; made by a program\ndisc 1/one.flac:{ffp}"),
    ]
    for number, (name, line) in enumerate(forms):
        for kind, content in (("good", BYTES), ("bad", b"other")):
            place = folder(archive, f"{kind}-{number}")
            (place / "disc 1/one.flac").write_bytes(flac(hashlib.md5(BYTES).hexdigest()))
            digests = {kind: hashlib.new(kind, content).hexdigest() for kind in ("md5", "sha1", "sha256")}
            (place / name).write_text(line.format(**digests, ffp=digests["md5"]) + "\n")
    (folder(archive, "mixed") / "item.toml").rename(archive.root / "gone")
    other = "https://creativecommons.org/licenses/by-nc/4.0/"
    for name, row in (("mixed", f"disc 1/one.wav,{other}"), ("unnamed", f"gone.wav,{BY}")):
        place = archive.root.parent / "incoming" / name
        place.mkdir(exist_ok=True)
        (place / "item.csv").write_text(f"file,licence\n,{BY}\n{row}\n")
    found = {name: outcome for name, (outcome, _) in archive.harvested(selection="mine").outcomes.items()}
    assert found.pop("mixed") == "quarantined"
    assert found.pop("unnamed") == "failed"
    assert found == {
        f"{kind}-{number}": outcome for kind, outcome in (("good", "stored"), ("bad", "failed")) for number in range(4)
    }


def test_a_folder_that_is_still_filled_is_left_for_the_next_run(archive):
    place = folder(archive, "slow")
    folder(archive, "done")
    (folder(archive, "halfway") / "two.wav.part").write_bytes(BYTES)
    with (place / "two.wav").open("wb") as file:
        file.write(BYTES)
        file.flush()
        ended = archive.harvested(selection="mine")
        assert ended.status == 0
        assert ended.outcomes == {"done": ("stored", ())}
        file.write(BYTES)
    ended = archive.harvested(selection="mine")
    assert ended.outcomes == {"done": ("unchanged", ()), "slow": ("stored", ())}
    bag = next(path for path in archive.bags().values() if "slow" in str(path))
    assert (bag / "data/two.wav").read_bytes() == BYTES * 2
    assert archive.harvested(selection="mine").outcomes == {"done": ("unchanged", ()), "slow": ("unchanged", ())}


def test_a_folder_that_changes_while_it_is_looked_at_is_left_for_the_next_run(tmp_path):
    class Clock(FakeClock):
        def now(self):
            return datetime.now(UTC)

        def wait(self, seconds):
            (tmp_path / "growing" / "two.wav").write_bytes(b"more")

    for name in ("growing", "done"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "item.toml").write_text(f'licence = "{BY}"')
    around = Surroundings("local", "", "", Clock(), 0, 5, {"folder": str(tmp_path), "settle": "30"})
    chosen = Selection("x", "x", "local", "*", (), policy_named("all-cc"), ("originals",), ("primary",))
    (page,) = LocalOffer().open(around).enumerate(chosen)
    assert [item.name for item in page.items] == ["done"]
