"""How fast copies are chosen and read: the due query over many copies, and an audit beside the bare SHA-256 loop.

python benchmarks/audit.py due 10000000
python benchmarks/audit.py read 2000        # megabytes
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import spread

from archiver.catalogue import open_catalogue
from archiver.clock import SystemClock
from archiver.core.audits import DueCopy
from archiver.core.fixity import Algorithm, Digest, Grade
from archiver.core.holdings import HeldFile
from archiver.core.packages import ItemId
from archiver.engines.threads import ThreadEngine
from archiver.stores.directory import DirectoryStore
from archiver.workflows.check import check_copy

if TYPE_CHECKING:
    from collections.abc import Callable


def due(number: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "catalogue.sqlite"
        open_catalogue(f"sqlite:///{file}").close()
        raw = sqlite3.connect(file)
        raw.execute("PRAGMA synchronous=OFF")
        raw.execute("PRAGMA foreign_keys=OFF")
        with raw:
            raw.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                "INSERT INTO item (id, source, name, latest_version) SELECT i, 's', 'n' || i, 1 FROM n",
                (number,),
            )
            raw.execute(
                "INSERT INTO aip SELECT id, id, 1, 'bags/s/' || id || '/v1/', '', '', '', '', '', 1, 1000, '', "
                "'2020-01-01 00:00:00.000000', '{}' FROM item"
            )
            raw.execute(
                "INSERT INTO copy SELECT id, 'primary', 'k', 'good', 4, "
                "datetime('2020-01-01', '+' || ((id * 7919) % 100000000) || ' seconds') || '.000000', "
                "'2020-01-01 00:00:00.000000', '2020-01-01 00:00:00.000000', 4, '2020-01-01 00:00:00.000000', 1 FROM aip"
            )
        raw.close()
        catalogue = open_catalogue(f"sqlite:///{file}")
        for offset in (0, 100):
            copies = catalogue.due(
                "primary", grade=Grade.READ, until=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(3650)
            )
            for _ in range(offset):
                list(islice(copies, 1000))
            began = time.perf_counter()
            found = list(islice(copies, 1000))
            print(
                f"{number} copies, behind {offset * 1000}: {len(found)} chosen in {(time.perf_counter() - began) * 1e3:.1f} ms"
            )
        catalogue.close()


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


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return wall and CPU seconds of a piece of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    {"due": due, "read": read}[sys.argv[1]](int(sys.argv[2]))
