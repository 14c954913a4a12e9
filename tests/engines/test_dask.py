"""Many machines: a real scheduler, worker processes and a real PostgreSQL, driven through the command line."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter

import pytest

from archiver.catalogue.opening import open_catalogue
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive, prove_bag
from tests.servers.dask_cluster import DaskCluster

pytestmark = pytest.mark.xdist_group("postgresql")


def items(number):
    return [
        DoubleItem(f"item-{n:03}", (DoubleFile("a.wav", b"RIFF" + bytes([n]) * 2000),), {"licenseurl": LICENCE})
        for n in range(number)
    ]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = DaskCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start(3)
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def archive(tmp_path, postgresql, cluster):
    return Archive(
        tmp_path / "archive",
        "http://127.0.0.1:1",
        catalogue=postgresql.new_database(),
        extra_environment={"ARCHIVER_ENGINE__SCHEDULER": cluster.address, "ARCHIVER_ENGINE__PATIENCE": "60 s"},
    )


def test_a_cluster_walks_and_audits_every_item_as_one_machine_does(archive):
    published = items(24)
    with ArchiveDouble(published) as double:
        archive.endpoint = double.url
        archive.write()
        harvested = archive.harvested("--engine", "dask")
        again = archive.harvested("--engine", "dask")
    assert (harvested.status, harvested.summary["stored"]) == (0, 24), harvested.err
    assert (again.status, again.summary["unchanged"]) == (0, 24), again.err
    assert len(double.asked_for_bytes()) == 24
    for item in published[:3]:
        prove_bag(archive.bags()[f"{item.identifier}/v1"], item)
    assert archive.left_in_staging() == []

    damaged = archive.bags()["item-007/v1"] / "data" / "a.wav"
    damaged.write_bytes(b"X" * damaged.stat().st_size)
    audited = archive.run("audit", "--all", "--engine", "dask", "--output", "jsonl")
    assert audited.status == 1, audited.err
    assert (audited.summary["good"], audited.summary["damaged"]) == (23, 1)
    assert [one["finding"]["code"] for one in audited.records if "finding" in one] == ["OBJECT_CHANGED"]


@pytest.mark.once
def test_killed_workers_and_a_killed_scheduler_lose_nothing_and_do_nothing_twice(archive, cluster):
    published = items(60)
    with ArchiveDouble(published) as double:
        double.latency = 0.1
        archive.endpoint = double.url
        archive.write()
        run = archive.start("harvest", "all", "--engine", "dask", "--output", "jsonl", "--jobs", "2")
        try:
            when(lambda: len(archive.bags()) >= 5, run)
            cluster.kill_worker()
            cluster.start_worker()
            when(lambda: len(archive.bags()) >= 20, run)
            cluster.kill_scheduler()
            cluster.start_scheduler()
            while run.poll() is None:
                cluster.replace_ended()
                time.sleep(0.1)
            out, err = run.communicate(timeout=5)
        finally:
            run.kill()
    outcomes = Counter(json.loads(line).get("outcome") for line in out.splitlines())
    assert (run.returncode, outcomes["stored"]) == (0, 60), err
    assert sorted(archive.bags()) == sorted(f"{item.identifier}/v1" for item in published)
    catalogue = open_catalogue(archive.catalogue)
    try:
        held = list(catalogue.holdings())
    finally:
        catalogue.close()
    for one in held:
        root = archive.store() / one.prefix / "tagmanifest-sha512.txt"
        assert hashlib.sha512(root.read_bytes()).hexdigest() == one.tag_manifest.value
    assert [len(one.copies) for one in held] == [1] * 60


def when(is_so, run):
    deadline = time.monotonic() + 60
    while not is_so():
        if run.poll() is not None or time.monotonic() > deadline:
            run.kill()
            pytest.fail(f"it never came to that: {run.communicate(timeout=5)}")
        time.sleep(0.02)


@pytest.mark.once
def test_a_run_that_is_asked_to_stop_leaves_nothing_going_on_behind_its_back(archive):
    with ArchiveDouble(items(60)) as double:
        double.latency = 0.1
        archive.endpoint = double.url
        archive.write()
        run = archive.start("harvest", "all", "--engine", "dask", "--jobs", "2")
        when(lambda: len(archive.bags()) >= 3, run)
        run.terminate()
        _, err = run.communicate(timeout=40)
        stored = len(archive.bags())
        asked = len(double.requests)
        time.sleep(0.5)
        assert (run.returncode, stored, asked) == (130, len(archive.bags()), len(double.requests)), err
        assert stored < 60
        assert "the same command goes on" in err
        finished = archive.harvested("--engine", "dask")
    assert finished.summary["stored"] + finished.summary["unchanged"] == 60


def test_a_limit_of_a_source_holds_for_the_whole_cluster(archive):
    with ArchiveDouble(items(12)) as double:
        archive.endpoint = double.url
        archive.source = {**archive.source, "requests_per_second": "20", "downloads": "1"}
        archive.write()
        began = time.monotonic()
        result = archive.harvested("--engine", "dask")
        taken = time.monotonic() - began
    asked = [request for request in double.requests if not request.is_node and request.path.startswith("/metadata")]
    assert result.summary["stored"] == 12, result.err
    assert taken > (len(asked) - 1) / 20


def test_a_directory_that_is_another_one_on_the_workers_is_refused(tmp_path):
    from archiver.core.errors import StoreRefusedError
    from archiver.stores.directory import DirectoryStore
    from archiver.wiring import cluster as circuit

    with circuit._marked({"primary": DirectoryStore("primary", tmp_path / "here")}) as driver:
        circuit._refuse_other_directories({"primary": DirectoryStore("primary", tmp_path / "here")}, driver)
        (tmp_path / "there").mkdir()
        with pytest.raises(StoreRefusedError, match="another one"):
            circuit._refuse_other_directories({"primary": DirectoryStore("primary", tmp_path / "there")}, driver)
    assert not [path for path in (tmp_path / "here").rglob("*") if path.is_file()]


@pytest.mark.parametrize("command", [["harvest", "all"], ["audit", "--all"]])
def test_a_cluster_with_an_sqlite_file_is_refused_with_the_next_command(tmp_path, command):
    archive = Archive(tmp_path, "http://127.0.0.1:1")
    result = archive.run(*command, "--engine", "dask", ARCHIVER_ENGINE__SCHEDULER="tcp://127.0.0.1:1")
    assert result.status == 4
    assert "postgresql+psycopg://" in result.err.splitlines()[-1]


@pytest.mark.once
def test_a_scheduler_that_does_not_answer_ends_the_run_with_the_next_command(tmp_path, postgresql):
    archive = Archive(tmp_path, "http://127.0.0.1:1", catalogue=postgresql.new_database())
    settings = {"ARCHIVER_ENGINE__SCHEDULER": "tcp://127.0.0.1:1", "ARCHIVER_ENGINE__PATIENCE": "1 s"}
    result = archive.run("harvest", "all", "--engine", "dask", **settings)
    assert result.status == 4
    assert "next: dask scheduler" in result.err


def test_an_engine_without_a_scheduler_is_refused(tmp_path):
    archive = Archive(tmp_path, "http://127.0.0.1:1", catalogue="postgresql+psycopg://nobody@127.0.0.1:1/none")
    result = archive.run("audit", "--engine", "dask")
    assert (result.status, "ARCHIVER_ENGINE__SCHEDULER" in result.err) == (4, True)
