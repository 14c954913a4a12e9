"""How fast copies are read: an audit beside the bare SHA-256 loop, and beside rclone from the same S3 server.

python benchmarks/audit.py read 2000        # megabytes
python benchmarks/audit.py s3 600           # megabytes; beside `rclone check --download`, from the same server
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import Cost, run, spread

from archiver.clock import SystemClock
from archiver.core.audits import DueCopy
from archiver.core.fixity import Algorithm, Digest, Grade
from archiver.core.holdings import HeldFile
from archiver.core.packages import ItemId
from archiver.engines.threads import ThreadEngine
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.stores.directory import DirectoryStore
from archiver.workflows.check import check_copy

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.archive import LICENCE, Archive, environment
from tests.servers.s3_servers import BUCKET, run_ministack

if TYPE_CHECKING:
    from collections.abc import Callable


def read(megabytes: int) -> None:

    size = 50 << 20
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "bags/x/v1/data"
        data.mkdir(parents=True)
        files = []
        for number in range(max(2, megabytes // 50)):
            content = os.urandom(size)
            (data / f"{number}.bin").write_bytes(content)
            digest = Digest(Algorithm.SHA256, hashlib.sha256(content).hexdigest())
            files.append(HeldFile(f"data/{number}.bin", size, digest, Digest(Algorithm.SHA512, "0" * 128)))
        total = size * len(files)

        def bare(path: Path) -> None:
            sha256, buffer = hashlib.sha256(), bytearray(1 << 20)
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    sha256.update(memoryview(buffer)[:count])

        engine = ThreadEngine(2, name="file")
        now = datetime.now(UTC)
        copy = DueCopy(ItemId("s", "x"), 1, "primary", "bags/x/v1/", len(files), total, now, 1)
        root = Digest(Algorithm.SHA512, "0" * 128)

        def ours() -> None:
            result = check_copy(
                copy,
                files=files,
                root=root,
                store=DirectoryStore("primary", Path(place)),
                grade=Grade.READ,
                engine=engine,
                clock=SystemClock(),
            )
            if result.bytes != total:
                raise SystemExit("not every byte was read: the figure would mean nothing")

        def limit() -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(bare, sorted(data.iterdir())))

        walls, cpus = [], []
        for number in range(9):
            # Both sides take turns in going first: the machine may not be ours alone.
            sides = [timed(ours), timed(limit)] if number % 2 else [timed(limit), timed(ours)][::-1]
            (our_wall, our_cpu), (bare_wall, bare_cpu) = sides
            walls.append(bare_wall / our_wall)
            cpus.append(our_cpu / bare_cpu)
            print(f"bare {total / bare_wall / 1e6:.0f} MB/s, audit {total / our_wall / 1e6:.0f} MB/s")
        print(f"speed, audit / bare: {spread(walls)}")
        print(f"CPU, audit / bare:   {spread(cpus)}")
        engine.close()


SIZES = (200_000, 30_000_000, 32_000_000)
"""Bytes of the files of each item: a booklet and two lossless tracks."""


def s3(megabytes: int) -> None:
    """Audit every byte of a bucket, and let rclone compare the same objects with the same bags on disk, by turns."""
    if shutil.which("rclone") is None:
        raise SystemExit("rclone is not there; next: apt-get install rclone")
    os.environ.pop("AWS_CA_BUNDLE", None)  # rclone ends where there is one, also when it is not asked to use it
    with tempfile.TemporaryDirectory() as place, contextmanager(run_ministack)(Path(place)) as server:
        files = tuple((f"{number}.wav", size) for number, size in enumerate(SIZES))
        items = tuple(
            DoubleItem(
                f"item-{number:04}",
                tuple(DoubleFile(name, random.Random(f"{number}/{name}").randbytes(size)) for name, size in files),
                {"licenseurl": LICENCE, "title": f"Item {number}", "mediatype": "audio"},
            )
            for number in range(max(1, megabytes * 1_000_000 // sum(SIZES)))
        )
        keys = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
        bucket = {"url": f"s3://{BUCKET}/archive", "endpoint": server.endpoint, "region": "us-east-1"}
        with ArchiveDouble(items) as double:
            archive = Archive(
                Path(place) / "archive",
                double.url,
                {"primary": {"url": "store/"}, "mirror": bucket},
                source={"timeout": "60"},
                extra_environment=keys,
            )
            done = archive.harvested(timeout=900)
        if done.status:
            raise SystemExit(f"the harvest ended with {done.status}: {done.err[-500:]}")
        audit = archive.command("audit", "--all", "--store", "mirror", "--output", "jsonl")
        rclone = {
            "RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_M_TYPE": "s3", "RCLONE_CONFIG_M_PROVIDER": "Other",
            "RCLONE_CONFIG_M_ENDPOINT": server.endpoint, "RCLONE_CONFIG_M_ENV_AUTH": "true", "RCLONE_CONFIG_M_REGION": "us-east-1",
        }  # fmt: skip
        check = ["rclone", "check", "--download", str(archive.store() / "bags"), f"m:{BUCKET}/archive/bags"]
        walls, cpus, readings = [], [], []
        for number in range(5):
            work = Path(place) / f"round-{number}"
            work.mkdir()
            sides: dict[str, Cost] = {}
            for side in ("ours", "rclone") if number % 2 else ("rclone", "ours"):
                command = audit if side == "ours" else check
                sides[side] = run(command, cwd=work, env=environment(**keys, **(rclone if side == "rclone" else {})))
                if side == "ours":
                    # What the audit itself took, without the start of Python and the records at the end.
                    last = (work / "output.txt").read_text().splitlines()[-1]
                    reading = float(json.loads(last)["summary"]["seconds"])
            walls.append(sides["ours"].wall / sides["rclone"].wall)
            readings.append(reading / sides["rclone"].wall)
            cpus.append(sides["ours"].cpu / sides["rclone"].cpu)
            told = ", ".join(f"{side} {cost.wall:.1f} s, {cost.cpu:.1f} s CPU" for side, cost in sides.items())
            print(f"{sum(SIZES) * len(items) / 1e6:.0f} MB in {len(items)} bags: {told}", flush=True)
        print(f"wall, audit / rclone check --download: {spread(walls)}")
        print(f"the audit's own seconds / rclone's wall: {spread(readings)}")
        print(f"CPU, audit / rclone check --download:  {spread(cpus)}")


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return wall and CPU seconds of a piece of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    {"read": read, "s3": s3}[sys.argv[1]](int(sys.argv[2]))
