"""A DIP holds what was stored, byte for byte, or is not handed out."""

from __future__ import annotations

import hashlib
import random
import tarfile
from pathlib import Path

import bagit
import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive

BIG = random.Random(2).randbytes(2_500_000)
FILES = {"big.flac": BIG, "disc 1/ü 100%.flac": b"u" * 3000, "empty.txt": b"", "ATTRIBUTION.txt": b"the source's own"}


@pytest.fixture
def archive(tmp_path):
    files = tuple(DoubleFile(name, content, format="Flac") for name, content in FILES.items())
    with ArchiveDouble([DoubleItem("one", files, {"licenseurl": LICENCE})]) as double:
        made = Archive(tmp_path / "archive", double.url, {"primary": {"url": "store/"}, "mirror": {"url": "mirror/"}})
        assert made.harvested().outcomes["one"][0] == "stored"
    return made


def contents(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def damage(archive, store, path):
    (victim,) = archive.store(store).glob(f"bags/*/*/*/one/v1/{path}")
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)


def test_the_files_come_out_with_attribution_and_licence(archive):
    done = archive.run("get", "one", "out", "--output", "jsonl")
    assert done.status == 0, done.err
    found = contents(archive.root / "out")
    # The source had a file of that name: it keeps it, and ours has another.
    assert found.keys() == {*FILES, "archive-ATTRIBUTION.txt", "licence.json"}
    assert {name: found[name] for name in FILES} == FILES
    assert b"creativecommons.org/licenses/by/4.0" in found["archive-ATTRIBUTION.txt"]
    assert done.records[-1]["files"] == 6
    events = [
        record["event"]["type"]
        for record in archive.run("show", "one", "--output", "jsonl").records
        if "event" in record
    ]
    assert events[-1] == "dissemination"


def test_a_bag_comes_out_as_it_is_kept(archive):
    assert archive.run("get", "one", "bag", "--as", "bag").status == 0
    (kept,) = archive.store().glob("bags/*/*/*/one/v1")
    assert contents(archive.root / "bag") == contents(kept)
    assert archive.run("verify", "bag").status == 0


def test_a_tar_comes_out_with_the_bag_in_it(archive, tmp_path):
    assert archive.run("get", "one", "out", "--as", "tar").status == 0
    path = archive.root / "out" / "one-v1.tar"
    assert archive.run("verify", str(path)).status == 0
    with tarfile.open(path) as tar:
        # Before 3.11.4 there is no filter, and nothing to fear in an archive of our own.
        tar.extractall(tmp_path / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (kept,) = archive.store().glob("bags/*/*/*/one/v1")
    assert contents(tmp_path / "unpacked" / "one-v1") == contents(kept)
    assert bagit.Bag(str(tmp_path / "unpacked" / "one-v1")).version_info == (1, 0)


@pytest.mark.parametrize("form", ["files", "bag", "tar"])
def test_what_is_damaged_in_one_store_comes_from_the_other(form, archive):
    damage(archive, "primary", "data/big.flac")
    damage(archive, "mirror", "data/disc 1/*.flac")
    assert archive.run("get", "one", "out", "--as", form).status == 0
    if form == "files":
        found = contents(archive.root / "out")
        assert {name: found[name] for name in FILES} == FILES
    else:
        assert archive.run("verify", "out" if form == "bag" else "out/one-v1.tar").status == 0


@pytest.mark.parametrize("form", ["files", "bag", "tar"])
def test_what_is_damaged_everywhere_is_not_handed_out(form, archive):
    for store in ("primary", "mirror"):
        damage(archive, store, "data/big.flac")
    done = archive.run("get", "one", "out", "--as", form)
    assert done.status == 3
    assert "no copy gives the promised bytes" in done.err
    assert "next: archiver repair internet-archive/one" in done.err
    assert not list((archive.root / "out").rglob("*big.flac*"))
    assert not list((archive.root / "out").rglob("*.part"))
    assert not list((archive.root / "out").rglob("*.tar"))


def forge(bag):
    """Change a payload file and every manifest that speaks of it, so that the bag agrees with itself."""
    (bag / "data/big.flac").write_bytes(b"forged")
    for algorithm in ("sha256", "sha512"):
        manifest = bag / f"manifest-{algorithm}.txt"
        digest = hashlib.new(algorithm, b"forged").hexdigest()
        lines = manifest.read_text().splitlines()
        manifest.write_text(
            "".join(f"{digest}  data/big.flac\n" if "big.flac" in line else f"{line}\n" for line in lines)
        )
    info = bag / "bag-info.txt"
    info.write_text("".join(line for line in info.read_text().splitlines(keepends=True) if "Payload-Oxum" not in line))
    for algorithm in ("sha256", "sha512"):
        tags = bag / f"tagmanifest-{algorithm}.txt"
        names = [line.split("  ", 1)[1] for line in tags.read_text().splitlines()]
        tags.write_text("".join(f"{hashlib.new(algorithm, (bag / n).read_bytes()).hexdigest()}  {n}\n" for n in names))


def test_manifests_that_were_rewritten_with_their_payload_prove_nothing(archive):
    for store in ("primary", "mirror"):
        (bag,) = archive.store(store).glob("bags/*/*/*/one/v1")
        forge(bag)
    assert archive.run("verify", "store/bags").status == 0  # the forged bag agrees with itself
    done = archive.run("get", "one", "out")
    assert (done.status, "can be proven" in done.err) == (3, True)
    assert not (archive.root / "out").exists()


def test_the_same_command_goes_on_and_leaves_other_peoples_files(archive):
    assert archive.run("get", "one", "out").status == 0
    again = archive.run("get", "one", "out", "--output", "jsonl")
    assert again.records[-1]["kept"] == 6
    (archive.root / "out" / "big.flac").unlink()
    assert archive.run("get", "one", "out", "--output", "jsonl").records[-1]["kept"] == 5
    (archive.root / "out" / "big.flac").write_bytes(b"mine")
    refused = archive.run("get", "one", "out")
    assert (refused.status, (archive.root / "out" / "big.flac").read_bytes()) == (3, b"mine")
    assert "is there already" in refused.err


def test_a_tar_never_takes_the_place_of_another_file(archive):
    (archive.root / "out").mkdir()
    other = archive.root / "out" / "one-v1.tar"
    other.write_bytes(b"mine")
    done = archive.run("get", "one", "out", "--as", "tar")
    assert (done.status, other.read_bytes()) == (3, b"mine"), done.err
    assert "archiver get ITEM ANOTHER-DIRECTORY" in done.err
    assert [path.name for path in (archive.root / "out").iterdir()] == ["one-v1.tar"]
    other.unlink()
    assert archive.run("get", "one", "out", "--as", "tar").status == 0
    assert archive.run("get", "one", "out", "--as", "tar").status == 0  # the same again is no conflict


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a /proc")
def test_a_place_that_takes_no_files_is_said(archive):
    done = archive.run("get", "one", "/proc/none")
    assert done.status == 4
    assert "Traceback" not in done.err
    assert "/proc/none" in done.err


def test_what_is_not_held_is_said(archive):
    assert archive.run("get", "nobody", "out").status == 1
    assert archive.run("get", "one", "out", "--version", "7").status == 1
