"""How fast copies are read: an audit beside the bare SHA-256 loop.

python benchmarks/audit.py read 2000        # megabytes
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import spread

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
    {"read": read}[sys.argv[1]](int(sys.argv[2]))
