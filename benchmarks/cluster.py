"""Many machines on one: worker processes of a Dask scheduler on loopback, with a real PostgreSQL.

    python benchmarks/cluster.py speed [--items 240] [--rounds 3]    # three workers beside one, each answer 100 ms late
    python benchmarks/cluster.py chaos [--items 600]                 # a worker killed every 5 s, and the scheduler once

`speed` prints the ratio of the seconds of one worker to those of three. `chaos` ends with status 1 unless every item was
stored exactly once: one version in the catalogue, one bag in the store with the bytes that the catalogue promises, and
nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import Ratio, Report

from archiver.catalogue.opening import open_catalogue
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive
from tests.servers.dask_cluster import DaskCluster
from tests.servers.postgresql import run_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.postgresql import PostgreSql

KILL_EVERY = 5.0
"""Seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["speed", "chaos"])
    parser.add_argument("--items", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="archiver-bench-"))
    servers = run_postgresql()
    try:
        database = next(servers)
        part = speed if arguments.part == "speed" else chaos
        report = part(work, database, arguments)
    finally:
        next(servers, None)
        shutil.rmtree(work, ignore_errors=True)
    report.publish(arguments.json)
    raise SystemExit(0 if report.figures.get("is_exact", True) else 1)


def speed(work: Path, database: PostgreSql, arguments: argparse.Namespace) -> Report:
    """Harvest the same items with one worker and with three, in turns."""
    seconds: dict[int, list[float]] = {1: [], 3: []}
    with published(arguments.items or 240, arguments.latency) as double:
        for number in range(arguments.rounds):
            for workers in (1, 3) if number % 2 else (3, 1):
                place = work / f"{number}-{workers}"
                with started(place, workers) as cluster:
                    archive = archive_of(place, double, database, cluster)
                    began = time.perf_counter()
                    result = archive.harvested("--engine", "dask", "--jobs", str(arguments.jobs), timeout=3600)
                    # The command's own seconds, without the start of its process.
                    seconds[workers].append(result.summary["seconds"])
                    took = time.perf_counter() - began
                    print(f"{workers} workers: {result.summary['stored']} stored in {took:.1f} s", flush=True)
                shutil.rmtree(place)
    ratios = [three / one for one, three in zip(seconds[1], seconds[3], strict=True)]
    told = f"{arguments.items or 240} items, each answer {arguments.latency * 1000:.0f} ms late, {arguments.jobs} jobs a worker."
    return Report(told, ratios=[Ratio("wall, three workers / one worker", ratios, 0.4)], figures={"seconds": seconds})


def chaos(work: Path, database: PostgreSql, arguments: argparse.Namespace) -> Report:
    """Kill on and on while a harvest runs, and count what is there at its end."""
    number = arguments.items or 600
    with published(number, arguments.latency) as double, started(work, 3) as cluster:
        archive = archive_of(work, double, database, cluster)
        run = archive.start("harvest", "all", "--engine", "dask", "--output", "jsonl", "--jobs", str(arguments.jobs))
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(run.stdout or ()))
        reader.start()
        began, killed, is_scheduler_killed = time.monotonic(), 0, False
        while run.poll() is None:
            time.sleep(0.2)
            cluster.replace_ended()
            if time.monotonic() - began > KILL_EVERY * (killed + 1):
                killed += 1
                cluster.kill_worker()
                cluster.start_worker()
            if not is_scheduler_killed and len(archive.bags()) > number // 2:
                is_scheduler_killed = True
                cluster.kill_scheduler()
                cluster.start_scheduler()
        reader.join()
        outcomes = Counter(json.loads(line).get("outcome") for line in lines if '"outcome"' in line)
        exact = is_exact(archive, number)
    told = f"{number} items; {killed} workers killed, one every {KILL_EVERY:g} s, and {int(is_scheduler_killed)} scheduler, in {time.monotonic() - began:.0f} s."
    said = f"Status {run.returncode}, {dict(outcomes)}; every item stored exactly once: {'yes' if exact else '**no**'}."
    return Report(told, [said], figures={"is_exact": exact and not run.returncode})


def is_exact(archive: Archive, number: int) -> bool:
    """Tell whether catalogue and store have each item once, and the same bag of it."""
    catalogue = open_catalogue(archive.catalogue)
    try:
        held = {f"{one.item.name}/v{one.version}": one for one in catalogue.holdings()}
    finally:
        catalogue.close()
    bags = archive.bags()
    return (
        len(held) == number
        and held.keys() == bags.keys()
        and all(
            hashlib.sha512((bag / "tagmanifest-sha512.txt").read_bytes()).hexdigest() == held[name].tag_manifest.value
            for name, bag in bags.items()
        )
    )


@contextmanager
def published(number: int, latency: float) -> Iterator[ArchiveDouble]:
    items = [
        DoubleItem(
            f"item-{n:05}", (DoubleFile("a.wav", b"RIFF" + n.to_bytes(4, "big") * 500),), {"licenseurl": LICENCE}
        )
        for n in range(number)
    ]
    with ArchiveDouble(items) as double:
        double.latency = latency
        yield double


@contextmanager
def started(place: Path, workers: int) -> Iterator[DaskCluster]:
    place.mkdir(exist_ok=True)
    cluster = DaskCluster(place)
    try:
        cluster.start(workers)
        time.sleep(5)  # every worker is there before the first item
        yield cluster
    finally:
        cluster.stop()


def archive_of(place: Path, double: ArchiveDouble, database: PostgreSql, cluster: DaskCluster) -> Archive:
    settings = {"ARCHIVER_ENGINE__SCHEDULER": cluster.address, "ARCHIVER_AUDIO__EXAMINE": "false"}
    return Archive(place / "archive", double.url, catalogue=database.new_database(), extra_environment=settings)


if __name__ == "__main__":
    main()
