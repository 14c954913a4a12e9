"""Disks that fill up, stores that are down, catalogues and archives that others hold, signals: clear, whole, resumable."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.faults import Fault, Kind
from tests.archive import LICENCE, ROOT, Archive, environment, prove_bag
from tests.faults.test_kill import bags_with_a_tag_manifest_are_complete
from tests.servers.fault_proxy import SLOW_DOWN, FaultProxy, answer
from tests.servers.s3_servers import BUCKET

pytestmark = pytest.mark.once
ITEMS = [
    DoubleItem(f"item-{n}", (DoubleFile("a.flac", os.urandom(900_000)),), {"licenseurl": LICENCE}) for n in range(6)
]


@pytest.fixture
def double():
    with ArchiveDouble(ITEMS) as double:
        yield double


def everything_is_stored(archive, result):
    assert {outcome for outcome, _ in result.outcomes.values()} <= {"stored", "unchanged"}, result.err
    assert archive.left_in_staging() == []
    bags = archive.bags()
    assert bags.keys() == {f"{item.identifier}/v1" for item in ITEMS}
    for item in ITEMS:
        prove_bag(bags[f"{item.identifier}/v1"], item)


def on_a_small_disk(archive, directory, kibibytes):
    """Run a harvest with a file system of its own, so small, mounted on a directory; return status, text and errors."""
    directory.mkdir(parents=True, exist_ok=True)
    wrapped = ["unshare", "--user", "--map-root-user", "--mount"]
    probe = subprocess.run([*wrapped, "mount", "-t", "tmpfs", "tmpfs", directory], capture_output=True, check=False)
    if probe.returncode:
        wrapped = ["unshare", "--mount"]  # a container's root may mount where it may not make user namespaces
        probe = subprocess.run([*wrapped, "mount", "-t", "tmpfs", "tmpfs", directory], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"this machine lets nobody mount a small file system: {probe.stderr.decode().strip()}")
    look = (
        "from tests.faults.test_kill import bags_with_a_tag_manifest_are_complete as check; "
        f"from pathlib import Path; check(Path({str(directory)!r}))"
    )
    script = (
        f"mount -t tmpfs -o size={kibibytes}k tmpfs {shlex.quote(str(directory))} || exit 99\n"
        f"{shlex.join(archive.command('harvest', 'all', '--output', 'jsonl', '--jobs', '2'))}\nstatus=$?\n"
        f"{shlex.join([sys.executable, '-c', look])} || exit 98\nexit $status"
    )
    return subprocess.run(
        [*wrapped, "sh", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT, env=environment()
    )


def test_a_full_staging_disk_ends_the_run_with_what_to_do_and_the_next_run_finishes(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url, harvest={"staging": '"small/"'})

    done = on_a_small_disk(archive, archive.root / "small", 1200)

    assert done.returncode == 4, done.stderr
    assert "No space left on device" in done.stderr
    assert "next: df -h" in done.stderr
    assert "Traceback" not in done.stderr
    bags_with_a_tag_manifest_are_complete(archive.store())
    archive.harvest = {}
    archive.write()
    everything_is_stored(archive, archive.harvested())


def test_a_full_store_ends_the_run_and_no_bag_in_it_looks_finished_and_is_not(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)

    done = on_a_small_disk(archive, archive.store(), 2500)

    assert done.returncode == 4, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert '"stored": ' in done.stdout


def s3(tmp_path, endpoint, **keys):
    table = {"url": f"s3://{BUCKET}/{tmp_path.name}", "endpoint": endpoint, "addressing": "path", **keys}
    return {"primary": {"url": "store/"}, "mirror": table}


def keys_of(server):
    return {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}


def test_a_store_that_is_down_is_said_before_anything_is_asked_for(tmp_path, double):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    archive = Archive(
        tmp_path / "archive",
        double.url,
        s3(tmp_path, f"http://127.0.0.1:{port}"),
        extra_environment={
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "y",
            "ARCHIVER_STORES__MIRROR__ATTEMPTS": "1",
        },
    )

    result = archive.harvested()

    assert result.status == 4
    assert "store 'mirror' does not answer" in result.err
    assert "next:" in result.err
    assert double.requests == []
    assert archive.bags() == {}


@pytest.mark.xdist_group("ministack")
@pytest.mark.parametrize("kind", ["503", "cut"])
def test_a_store_that_fails_now_and_then_gets_every_bag_in_the_end(tmp_path, double, ministack, kind):
    with FaultProxy(ministack.port) as proxy:
        archive = Archive(
            tmp_path / "archive", double.url, s3(tmp_path, proxy.endpoint), extra_environment=keys_of(ministack)
        )
        count = [0]

        def now_and_then(request, *_):
            if request.method != "PUT":
                return None
            count[0] += 1
            if count[0] % 4:
                return None
            return answer("503 Slow Down", SLOW_DOWN) if kind == "503" else b""

        if kind == "503":
            proxy.respond = now_and_then
        else:
            proxy.alter_down = now_and_then
        results = [archive.harvested(timeout=200)]
        while results[-1].status == 3 and len(results) < 6:
            results.append(archive.harvested())

    assert count[0] > 8
    assert [result.status for result in results[:-1]] == [3] * (len(results) - 1)
    everything_is_stored(archive, results[-1])
    same_in_the_bucket(archive, tmp_path, ministack)


def same_in_the_bucket(archive, tmp_path, server):
    client = server.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{tmp_path.name}/")
    there = {entry["Key"].partition("/")[2]: entry["Key"] for page in pages for entry in page.get("Contents", [])}
    here = {str(path.relative_to(archive.store())): path for path in archive.store().rglob("*") if path.is_file()}
    assert there.keys() == here.keys()
    for key, path in here.items():
        assert client.get_object(Bucket=BUCKET, Key=there[key])["Body"].read() == path.read_bytes(), key
    client.close()


@pytest.mark.xdist_group("ministack")
def test_a_store_that_goes_down_fails_items_and_the_next_run_deposits_what_was_sealed(tmp_path, double, ministack):
    with FaultProxy(ministack.port) as proxy:
        archive = Archive(
            tmp_path / "archive",
            double.url,
            s3(tmp_path, proxy.endpoint),
            extra_environment=keys_of(ministack) | {"ARCHIVER_STORES__MIRROR__ATTEMPTS": "2"},
        )
        count = [0]

        def die(request):
            count[0] += request.method == "PUT"
            return answer("503 Slow Down", SLOW_DOWN) if count[0] > 12 else None

        proxy.respond = die
        first = archive.harvested("--jobs", "2", timeout=200)
        assert first.status == 3
        assert {reasons for outcome, reasons in first.outcomes.values() if outcome == "failed"} == {
            ("STORE_UNAVAILABLE",)
        }
        assert "next:" in first.err
        bags_with_a_tag_manifest_are_complete(archive.store())
        proxy.respond = lambda request: None
        double.requests.clear()
        second = archive.harvested()
    everything_is_stored(archive, second)
    assert double.asked_for_bytes() == []  # every item was captured and sealed before its store failed
    same_in_the_bucket(archive, tmp_path, ministack)


def test_a_catalogue_that_another_program_keeps_locked_is_said_and_nothing_is_lost(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.run("init", str(archive.root / "x"))
    archive.run("list")
    other = sqlite3.connect(archive.root / "catalogue.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    result = archive.harvested()

    other.execute("ROLLBACK")
    other.close()
    assert result.status == 4
    assert "locked by another process" in result.err
    assert "next:" in result.err
    everything_is_stored(archive, archive.harvested())


def test_a_second_run_is_kept_away_and_told_who_holds_the_archive(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    lock = (archive.root / "archiver.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)

    result = archive.harvested()

    lock.close()
    assert result.status == 4
    assert "another run works on this archive" in result.err
    assert double.requests == []
    assert archive.run("list").status == 0  # looking is always possible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_soon_says_how_to_go_on_and_the_same_command_does(tmp_path, double, number):
    archive = Archive(tmp_path / "archive", double.url)
    double.fail("node/item-3/a.flac", Fault(Kind.DRIP))
    process = archive.start("harvest", "all", "--output", "jsonl", "--jobs", "2")
    while not any(request.is_node and "item-3" in request.path for request in list(double.requests)):
        assert process.poll() is None
        time.sleep(0.02)
    asked = time.monotonic()
    process.send_signal(number)

    _, err = process.communicate(timeout=20)

    assert time.monotonic() - asked < 8
    assert process.returncode == 130
    assert "next: archiver harvest all" in err
    assert "Traceback" not in err
    bags_with_a_tag_manifest_are_complete(archive.store())
    double.faults.clear()
    everything_is_stored(archive, archive.harvested())
