"""A harvest that is killed again and again: what the next run sees, and that the last one leaves everything whole."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive, prove_bag
from tests.servers.s3_servers import BUCKET

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once
SEED = 20261124
KILLS = 20
ITEMS = 50


def collection():
    draw = random.Random(SEED)
    return [
        DoubleItem(
            f"item-{number:02}",
            tuple(
                DoubleFile(f"{track:02} track.flac", draw.randbytes(draw.randrange(1, 600_000)))
                for track in range(draw.randrange(1, 5))
            ),
            {"licenseurl": LICENCE},
        )
        for number in range(ITEMS)
    ]


def bags_with_a_tag_manifest_are_complete(store: Path) -> int:
    """Check what a reader may rely on at any moment; return how many bags are finished."""
    finished = 0
    for last in store.rglob("tagmanifest-sha512.txt"):
        finished += 1
        bag = last.parent
        for line in (bag / "manifest-sha512.txt").read_text().splitlines():
            assert (bag / line.split("  ", 1)[1]).is_file(), line
        for line in last.read_text().splitlines():
            assert (bag / line.split("  ", 1)[1]).is_file(), line
    return finished


def kill_now_and_then(archive: Archive, stores: list[str]) -> int:
    draw = random.Random(SEED + 1)
    killed = 0
    for _ in range(KILLS):
        process = archive.start("harvest", "all", "--output", "jsonl", "--jobs", "4")
        time.sleep(draw.uniform(0.3, 1.6))
        if process.poll() is None:
            killed += 1
        process.kill()
        process.communicate(timeout=30)
        for name in stores:
            bags_with_a_tag_manifest_are_complete(archive.store(name))
    return killed


def prove_final_state(archive: Archive, items: list[DoubleItem], stores: list[str]) -> None:
    final = archive.harvested("--jobs", "4")
    assert final.status == 0, final.err
    assert {name for name, (outcome, _) in final.outcomes.items() if outcome in {"stored", "unchanged"}} == {
        item.identifier for item in items
    }
    assert archive.left_in_staging() == []
    for name in stores:
        bags = archive.bags(name)
        assert bags.keys() == {f"{item.identifier}/v1" for item in items}  # nothing twice
        for item in items:
            prove_bag(bags[f"{item.identifier}/v1"], item)
        files = [path for path in (archive.store(name) / "bags").rglob("*") if path.is_file()]
        assert all(any(path.is_relative_to(bag) for bag in bags.values()) for path in files), "an unfinished write"
    listed = archive.run("list", "--output", "jsonl").records
    assert len(listed) == len(items)
    assert all(len(record["copies"]) == len(archive.stores) for record in listed)
    again = archive.harvested()
    assert {outcome for outcome, _ in again.outcomes.values()} == {"unchanged"}


@pytest.mark.timeout(280)
def test_twenty_kills_leave_whole_bags_and_nothing_else(tmp_path):
    items = collection()
    stores = {"primary": {"url": "store/"}, "second": {"url": "second/"}}
    with ArchiveDouble(items) as double:
        double.latency = 0.02
        archive = Archive(tmp_path / "archive", double.url, stores)
        killed = kill_now_and_then(archive, ["primary", "second"])
        prove_final_state(archive, items, ["primary", "second"])
    assert killed > KILLS // 2  # or this test proves little


@pytest.mark.timeout(280)
@pytest.mark.xdist_group("ministack")
def test_twenty_kills_leave_the_same_bags_in_a_directory_and_a_bucket(tmp_path, ministack):
    items = collection()
    stores = {
        "primary": {"url": "store/"},
        "mirror": {"url": f"s3://{BUCKET}/{tmp_path.name}", "endpoint": ministack.endpoint, "addressing": "path"},
    }
    keys = {"AWS_ACCESS_KEY_ID": ministack.access_key, "AWS_SECRET_ACCESS_KEY": ministack.secret_key}
    with ArchiveDouble(items) as double:
        archive = Archive(tmp_path / "archive", double.url, stores, extra_environment=keys)
        killed = kill_now_and_then(archive, ["primary"])
        prove_final_state(archive, items, ["primary"])
    assert killed > KILLS // 2
    client = ministack.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{tmp_path.name}/")
    there = {entry["Key"].partition("/")[2]: entry["Key"] for page in pages for entry in page.get("Contents", [])}
    here = {str(path.relative_to(archive.store())): path for path in archive.store().rglob("*") if path.is_file()}
    assert there.keys() == here.keys()
    for key, path in here.items():
        assert client.get_object(Bucket=BUCKET, Key=there[key])["Body"].read() == path.read_bytes(), key
    assert client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    client.close()
