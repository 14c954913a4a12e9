"""Withdrawal, replication, rebuild and drill, through the command line."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import time

import pytest

from archiver.rehearsal.double import ArchiveDouble
from tests.damage import NAMES, audited, flip, item, overwrite, path_of


def listed(archive):
    return archive.run("list", "--output", "jsonl").out


def events(archive, name):
    return [r["event"] for r in archive.run("show", name, "--output", "jsonl").records if "event" in r]


@pytest.mark.parametrize("store", ["primary", "mirror"])
def test_the_catalogue_is_made_again_from_either_store_events_included(archive, store):
    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    audited(archive, "--repair")
    withdrawn = archive.run("withdraw", NAMES[1], "--reason", "asked", "--approver", "A. Archivist")
    assert withdrawn.status == 0, withdrawn.err
    before, happened = listed(archive), events(archive, NAMES[0])
    chains = rows(archive, "SELECT id, chain FROM event")
    blocked = rows(archive, "SELECT sha256 FROM blocked ORDER BY sha256")

    for leftover in archive.root.glob("catalogue.sqlite*"):
        leftover.unlink()
    rebuilt = archive.run("rebuild", "--from", store, "--output", "jsonl")

    assert rebuilt.status == 0, rebuilt.out + rebuilt.err
    assert rebuilt.summary == {"bags": len(NAMES), "files": 2 * len(NAMES), "findings": 0}
    assert listed(archive) == before
    assert events(archive, NAMES[0]) == happened
    assert rows(archive, "SELECT id, chain FROM event") == chains
    assert rows(archive, "SELECT sha256 FROM blocked ORDER BY sha256") == blocked
    assert archive.run("audit", "--all").status == 0
    assert archive.run("rebuild", "--from", store).status == 4


def rows(archive, query):
    catalogue = sqlite3.connect(archive.root / "catalogue.sqlite")
    try:
        return catalogue.execute(query).fetchall()
    finally:
        catalogue.close()


def test_bags_alone_are_enough_when_nothing_lies_beside_them(archive):
    before = [json.loads(line) for line in listed(archive).splitlines()]
    shutil.rmtree(archive.store() / "archive")
    for leftover in archive.root.glob("catalogue.sqlite*"):
        leftover.unlink()

    assert archive.run("rebuild", "--from", "primary").status == 0

    after = [json.loads(line) for line in listed(archive).splitlines()]
    keys = ("item", "aip", "version", "title", "licence", "files", "bytes", "tag_manifest")
    assert [[one[key] for key in keys] for one in after] == [[one[key] for key in keys] for one in before]
    assert {one["type"] for one in events(archive, NAMES[0])} >= {"capture", "appraisal"}
    with ArchiveDouble([item(name) for name in NAMES]) as double:
        archive.endpoint = double.url
        archive.write()
        assert {outcome for outcome, _ in archive.harvested().outcomes.values()} <= {"unchanged", "stored"}
        assert all(copy["store"] for one in archive.run("list", "--output", "jsonl").records for copy in one["copies"])
        assert [one["version"] for one in archive.run("list", "--output", "jsonl").records] == [1] * len(NAMES)


def test_a_withdrawn_item_is_dark_and_neither_it_nor_its_bytes_come_back(archive):
    assert archive.run("withdraw", NAMES[0], "--reason", "asked", "--approver", "A. Archivist").status == 0

    assert NAMES[0] not in listed(archive)
    assert any(one["type"] == "deaccession" for one in events(archive, NAMES[0]))
    twin = item(NAMES[0])
    other = type(twin)("elsewhere", twin.files, {**twin.metadata, "title": "another name"})
    with ArchiveDouble([item(name) for name in NAMES] + [other]) as double:
        archive.endpoint = double.url
        archive.write()
        outcomes = archive.harvested().outcomes
    assert outcomes[NAMES[0]] == ("refused", ("ITEM_WITHDRAWN",))
    assert outcomes["elsewhere"][0] in {"refused", "quarantined"}

    assert archive.run("restore", NAMES[0], "--approver", "A. Archivist").status == 0
    assert NAMES[0] in listed(archive)


@pytest.mark.parametrize("form", ["files", "bag", "tar"])
def test_a_withdrawn_item_is_not_handed_out(archive, form):
    assert archive.run("withdraw", NAMES[0], "--reason", "asked", "--approver", "A. Archivist").status == 0

    refused = archive.run("get", NAMES[0], "out", "--as", form)

    assert (refused.status, refused.out) == (1, "")
    assert "withdrawn" in refused.err
    assert not (archive.root / "out").exists()
    assert archive.run("restore", NAMES[0], "--approver", "A. Archivist").status == 0
    assert archive.run("get", NAMES[0], "out", "--as", form).status == 0


def test_a_harvest_without_the_old_catalogue_says_how_to_go_on_and_leaves_nothing_in_the_way(archive):
    with ArchiveDouble([item(name) for name in NAMES]) as double:
        archive.endpoint = double.url
        archive.write()
        for leftover in archive.root.glob("catalogue.sqlite*"):
            leftover.unlink()
        lost = archive.harvested()
        assert {one for one, _ in lost.outcomes.values()} == {"failed"}
        assert "archiver rebuild --from primary" in lost.err
        for leftover in archive.root.glob("catalogue.sqlite*"):
            leftover.unlink()
        assert archive.run("rebuild", "--from", "primary").status == 0
        again = archive.harvested()
    assert again.status == 0, again.err
    assert {one for one, _ in again.outcomes.values()} == {"unchanged"}
    assert archive.left_in_staging() == []


def test_bytes_go_only_where_the_settings_allow_it_and_after_the_delay(archive):
    assert archive.run("withdraw", "--delete-due").status == 4
    allowed = {"ARCHIVER_WITHDRAWAL__DELETE": "true", "ARCHIVER_WITHDRAWAL__DELETE_AFTER": "1 second"}
    archive.run("withdraw", NAMES[0], "--reason", "asked", "--approver", "A. Archivist", **allowed)
    time.sleep(1.1)

    deleted = archive.run("withdraw", "--delete-due", "--output", "jsonl", **allowed)

    assert deleted.status == 0, deleted.err
    assert f"{NAMES[0]}/v1" not in {name for name, bag in archive.bags().items() if any(bag.rglob("*.txt"))}
    assert audited(archive).status == 0
    assert archive.run("show", NAMES[0]).status == 0


def test_a_store_that_is_added_gets_every_bag(archive):
    archive.stores = {**archive.stores, "third": {"url": "third/"}}
    archive.write()

    first = archive.run("replicate", "--to", "third", "--output", "jsonl")
    again = archive.run("replicate", "--to", "third", "--output", "jsonl")

    assert first.summary == {"replicated": len(NAMES), "present": 0, "failed": 0}
    assert again.summary == {"replicated": 0, "present": len(NAMES), "failed": 0}
    assert archive.run("verify", "third/bags").status == 0
    assert audited(archive, "--store", "third").summary["good"] == len(NAMES)


def test_a_drill_restores_a_sample_and_certifies_it_and_says_so_when_it_cannot(archive):
    good = archive.run("drill", "--count", "2", "--certificate", "drill.json", "--output", "jsonl")
    assert good.status == 0, good.out + good.err
    assert json.loads((archive.root / "drill.json").read_text())["summary"]["certified"] == 2

    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    bad = archive.run("drill", "--count", str(len(NAMES)), "--store", "mirror", "--output", "jsonl")
    assert bad.status == 1
    assert bad.summary["certified"] == len(NAMES) - 1


def test_a_repair_that_is_killed_at_any_moment_never_leaves_fewer_good_copies(archive):
    draw = random.Random(7)
    for name in NAMES:
        overwrite(path_of(archive, name, "data/a.wav"), flip)
        overwrite(path_of(archive, name, "data/b.wav", "primary"), flip)
    audited(archive)
    right = {
        (name, track): {file.name: file.content for file in item(name).files}[f"{track}.wav"]
        for name in NAMES
        for track in "ab"
    }

    def good():
        paths = ((name, track, store) for name, track in right for store in ("mirror", "primary"))
        return {
            (name, track, store)
            for name, track, store in paths
            if (path := path_of(archive, name, f"data/{track}.wav", store)).is_file()
            and path.read_bytes() == right[name, track]
        }

    before = good()
    for _ in range(5):
        process = archive.start("repair")
        time.sleep(draw.uniform(0.3, 1.2))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert before <= good()
        before = good()
    assert archive.run("repair").status == 0
    assert audited(archive).status == 0
    assert len(good()) == 4 * len(NAMES)
