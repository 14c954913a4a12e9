"""Bags with holes: completed from their fetch file when asked to, and only with what every manifest vouches for."""

from __future__ import annotations

import hashlib
import random
import tarfile

import bagit
import pytest

from tests.archive import Archive
from tests.servers.raw_http import raw_server, redirect, whole

BYTES = random.Random(23).randbytes(120_000)
BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture
def server():
    with raw_server() as served:
        yield served


@pytest.fixture
def archive(tmp_path, server):
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    allow(archive, "127.0.0.1")
    return archive


def allow(archive, *hosts):
    archive.write()
    settings = archive.root / "archiver.toml"
    listed = ", ".join(f'"{host}"' for host in hosts)
    settings.write_text(f"{settings.read_text()}[network]\nallow_private = [{listed}]\n")


def holed(place, server, *, holes=("one.wav",), length=None, url=None, checksums=("sha256", "sha512"), keep=False):
    """A bag that lacks files, with a fetch file; ``server`` has them."""
    for name in ("one.wav", "here.txt", "two.wav"):
        (place).mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(BYTES if name != "two.wav" else BYTES[:1000])
    bag = bagit.make_bag(str(place), {"External-Identifier": place.name}, checksums=list(checksums))
    lines = []
    for name in holes:
        content = (place / "data" / name).read_bytes()
        server.answers[f"/{name}"] = whole(content)
        size = len(content) if length is None else length
        lines.append(f"{url or server.url}/{name} {size} data/{name}\n")
        if not keep:
            (place / "data" / name).unlink()
    (place / "fetch.txt").write_text("".join(lines))
    # bagit-python would ask for the files to make the tag manifests again: they are written here.
    for algorithm in checksums:
        tags = ("bagit.txt", "bag-info.txt", "fetch.txt", *(f"manifest-{one}.txt" for one in checksums))
        text = "".join(f"{hashlib.new(algorithm, (place / tag).read_bytes()).hexdigest()}  {tag}\n" for tag in tags)
        (place / f"tagmanifest-{algorithm}.txt").write_text(text)
    assert bag is not None
    return place


def verified(archive, *arguments):
    return archive.run("verify", "--output", "jsonl", *map(str, arguments))


def fetched(result):
    return {one["fetched"]["path"]: one["fetched"]["reason"] for one in result.records if "fetched" in one}


def test_without_being_asked_nothing_is_fetched(archive, tmp_path, server):
    bag = holed(tmp_path / "bag", server)
    assert verified(archive, bag).status == 1
    assert server.heads == []


def test_a_bag_is_completed_in_its_place_and_is_valid_for_others_too(archive, tmp_path, server):
    bag = holed(tmp_path / "bag", server, holes=("one.wav", "two.wav"))
    result = verified(archive, bag, "--fetch")
    assert result.status == 0, result.err
    assert fetched(result) == {"data/one.wav": "", "data/two.wav": ""}
    assert (bag / "data/one.wav").read_bytes() == BYTES
    bagit.Bag(str(bag)).validate(processes=1)
    assert not (bag / ".archiver-incoming").exists()
    server.heads.clear()
    assert verified(archive, bag, "--fetch").status == 0
    assert server.heads == []


WRONG = {
    "short": ({"length": len(BYTES) - 1}, None, "SIZE_MISMATCH"),
    "long": ({"length": len(BYTES) + 1}, None, "SIZE_MISMATCH"),
    "changed": ({}, whole(BYTES[:-1] + b"x"), "DIGEST_MISMATCH"),
    "gone": ({}, whole(b"", status="404 Not Found"), "FILE_REFUSED"),
    "led-inside": ({}, redirect("http://192.168.1.7/one.wav"), "SOURCE_PROTOCOL"),
    "led-to-a-file": ({}, redirect("file:///etc/passwd"), "SOURCE_PROTOCOL"),
    "metadata-service": ({"url": "http://169.254.169.254"}, None, "SOURCE_PROTOCOL"),
    "loopback": ({"url": "http://[::1]"}, None, "SOURCE_PROTOCOL"),
}


def test_what_is_not_what_was_promised_gets_no_name(archive, tmp_path, server):
    for name, (change, answer, _) in WRONG.items():
        bag = holed(tmp_path / "bags" / name, server, **{"url": f"{server.url}/{name}", **change})
        server.answers[f"/{name}/one.wav"] = answer or whole(BYTES)
        assert not (bag / "data/one.wav").exists()
    result = verified(archive, tmp_path / "bags", "--fetch")
    found = [one["fetched"] for one in result.records if "fetched" in one]
    assert [one["reason"] for one in found] == [reason for _, (_, _, reason) in sorted(WRONG.items())], result.err
    assert result.status == 1
    for name in WRONG:
        assert sorted(path.name for path in (tmp_path / "bags" / name / "data").iterdir()) == ["here.txt", "two.wav"]


def test_a_private_address_is_asked_only_where_the_settings_name_it(archive, tmp_path, server):
    bag = holed(tmp_path / "bag", server)
    allow(archive)
    assert fetched(verified(archive, bag, "--fetch")) == {"data/one.wav": "SOURCE_PROTOCOL"}
    assert server.heads == []


def without(manifest, name):
    lines = [line for line in manifest.read_text().splitlines(keepends=True) if not line.endswith(f"  {name}\n")]
    manifest.write_text("".join(lines))


@pytest.mark.parametrize("version", ["0.97", "1.0"])
def test_a_file_that_one_manifest_leaves_out_is_not_asked_for(archive, tmp_path, server, version):
    bag = holed(tmp_path / "bag", server)
    (bag / "bagit.txt").write_text(f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n")
    without(bag / "manifest-sha256.txt", "data/one.wav")
    for tag in bag.glob("tagmanifest-*"):
        tag.unlink()
    result = verified(archive, bag, "--fetch")
    assert (result.status, fetched(result), server.heads) == (1, {}, [])
    assert "FETCH_NOT_LISTED (fetch.txt: data/one.wav)" in result.err


def test_a_fetch_file_that_is_not_the_one_its_sender_listed_is_not_followed(archive, tmp_path, server):
    bag = holed(tmp_path / "bag", server)
    (bag / "fetch.txt").write_text(f"{server.url}/evil {len(BYTES)} data/one.wav\n")
    assert fetched(verified(archive, bag, "--fetch")) == {}
    assert server.heads == []


def test_hostile_lines_are_not_followed_and_nothing_is_written_outside(archive, tmp_path, server):
    lines = ("file:///etc/passwd - data/one.wav", f"{server.url}/a - data/../../evil", "ftp://x.org/a - data/one.wav")
    for number, line in enumerate(lines):
        bag = holed(tmp_path / f"bags/{number}", server)
        (bag / "fetch.txt").write_text(f"{line}\n")
        for tag in bag.glob("tagmanifest-*"):
            tag.unlink()
    before = sorted(path for path in tmp_path.rglob("*") if "archive" not in path.parts)
    result = verified(archive, tmp_path / "bags", "--fetch")
    assert (result.status, fetched(result), server.heads) == (1, {}, [])
    assert sorted(path for path in tmp_path.rglob("*") if "archive" not in path.parts) == before


def test_a_link_in_the_place_of_a_directory_is_not_written_through(archive, tmp_path, server):
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "bag"
    (place / "sub").mkdir(parents=True)
    (place / "sub/one.wav").write_bytes(BYTES)
    bagit.make_bag(str(place), checksums=["sha256"])
    (place / "data/sub/one.wav").unlink()
    (place / "data/sub").rmdir()
    (place / "data/sub").symlink_to(outside)
    (place / "fetch.txt").write_text(f"{server.url}/one.wav {len(BYTES)} data/sub/one.wav\n")
    for tag in place.glob("tagmanifest-*"):
        tag.unlink()
    server.answers["/one.wav"] = whole(BYTES)
    assert verified(archive, place, "--fetch").status != 0
    assert list(outside.iterdir()) == []


def test_a_file_that_broke_off_is_gone_on_with(archive, tmp_path, server):
    bag = holed(tmp_path / "bag", server)
    begun = whole(BYTES, 'ETag: "a"')

    def broken(head):
        return [begun[: len(begun) - 50_000]]

    server.answers["/one.wav"] = broken
    first = verified(archive, bag, "--fetch")
    assert (first.status, fetched(first)) == (3, {"data/one.wav": "SOURCE_UNAVAILABLE"})
    assert sorted(path.name for path in (bag / "data").iterdir()) == ["here.txt", "two.wav"]

    def rest(head):
        start = int(head.partition("Range: bytes=")[2].partition("-")[0])
        fields = (f"Content-Range: bytes {start}-{len(BYTES) - 1}/{len(BYTES)}", 'ETag: "a"')
        return whole(BYTES[start:], *fields, status="206 Partial Content")

    server.answers["/one.wav"] = rest
    assert verified(archive, bag, "--fetch").status == 0
    assert "If-Range" in server.heads[-1]
    assert (bag / "data/one.wav").read_bytes() == BYTES
    assert not list((archive.root / "fetching").iterdir())


def test_add_asks_for_what_is_wanted_only_when_the_gate_let_the_bag_in_and_leaves_the_bag_as_it_was(
    archive, tmp_path, server
):
    bag = holed(tmp_path / "bag", server, checksums=("md5", "sha256"))
    before = {path: path.read_bytes() for path in bag.rglob("*") if path.is_file()}
    assert archive.run("add", str(bag), "--licence", BY).status == 1
    reserved = archive.run("add", str(bag), "--fetch", "--licence", "All rights reserved")
    assert "refused" in reserved.out
    assert server.heads == []
    with tarfile.open(tmp_path / "bag.tar.gz", "w:gz") as packed:
        packed.add(bag, "bag")
    stored = archive.run("add", str(tmp_path / "bag.tar.gz"), "--fetch", "--licence", BY, "--output", "jsonl")
    assert stored.outcomes == {"bag": ("stored", ())}, stored.err
    (ours,) = archive.bags().values()
    assert (ours / "data/one.wav").read_bytes() == BYTES
    assert (ours / "metadata/source/bag/fetch.txt").read_bytes() == (bag / "fetch.txt").read_bytes()
    assert {path: path.read_bytes() for path in bag.rglob("*") if path.is_file()} == before
    again = archive.run("add", str(bag), "--fetch", "--licence", BY, "--output", "jsonl")
    assert again.outcomes == {"bag": ("unchanged", ())}


def test_add_takes_nothing_in_that_one_of_the_manifests_denies(archive, tmp_path, server):
    bag = holed(tmp_path / "bag", server, checksums=("md5", "sha256"))
    manifest = bag / "manifest-md5.txt"
    manifest.write_text(manifest.read_text().replace(hashlib.md5(BYTES).hexdigest(), "0" * 32))
    for tag in bag.glob("tagmanifest-*"):
        tag.unlink()
    (bag / "data/here.txt").write_bytes(b"")
    failed = archive.run("add", str(bag), "--fetch", "--licence", BY, "--output", "jsonl")
    assert (failed.status, failed.outcomes) == (1, {"bag": ("refused", ("BAG_INVALID",))})
    (bag / "data/here.txt").write_bytes(BYTES)
    manifest.write_text(
        manifest.read_text().replace(f"{'0' * 32}  data/here.txt", f"{hashlib.md5(BYTES).hexdigest()}  data/here.txt")
    )
    failed = archive.run("add", str(bag), "--fetch", "--licence", BY, "--output", "jsonl")
    assert (failed.status, failed.outcomes) == (3, {"bag": ("failed", ("DIGEST_MISMATCH",))})
    assert not archive.bags()
