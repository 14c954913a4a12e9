"""Peak memory of one harvest of a large file and of many small ones, with 8 jobs.

    python benchmarks/memory.py [--gibibytes 4] [--files 2000]

The source is the double of archive.org on loopback, in a process of its own; the large file needs no memory there either.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from multiprocessing import Pipe, Process
from pathlib import Path
from typing import TYPE_CHECKING

from harvest import DIRECTORY, SELECTION, SETTINGS
from measuring import Ratio, Report, run

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LIMIT = 150_000_000
"""Bytes of resident memory that a harvest may need."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gibibytes", type=float, default=4)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--directory", type=Path, help="work here instead of in a temporary directory")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="archiver-bench-", dir=arguments.directory))
    here, there = Pipe()
    source = Process(target=serve, args=(there, int(arguments.gibibytes * 1024), arguments.files), daemon=True)
    source.start()
    try:
        port = here.recv()
        (work / "archiver.toml").write_text(SETTINGS.format(store=DIRECTORY, endpoint=f"http://127.0.0.1:{port}"))
        (work / "bench.toml").write_text(SELECTION.replace("collection:benchmark", "mediatype:audio"))
        cost = run(
            [
                sys.executable,
                "-m",
                "archiver",
                "--config",
                "archiver.toml",
                "-q",
                "harvest",
                "bench.toml",
                "--jobs",
                "8",
            ],
            cwd=work,
        )
        stored = sum(path.stat().st_size for path in work.glob("store/bags/*/*/*/*/v1/data/*"))
    finally:
        here.send("stop")
        source.join(timeout=10)
        shutil.rmtree(work, ignore_errors=True)
    if stored < int(arguments.gibibytes * 1024) << 20:
        raise SystemExit("not everything was stored: the figure would mean nothing")
    told = f"One file of {arguments.gibibytes:g} GiB and an item of {arguments.files} files, 8 jobs, {cost.wall:.0f} s, {cost.cpu:.0f} s CPU."
    ratio = Ratio(f"peak of memory / {LIMIT / 1e6:.0f} MB", [cost.peak / LIMIT], 1.0)
    Report(told, [f"Peak: {cost.peak / 1e6:.0f} MB."], [ratio], figures=cost).publish(arguments.json)


def serve(pipe: Connection, mebibytes: int, files: int) -> None:
    draw = random.Random(7)
    large = DoubleFile("large.wav", draw.randbytes(1 << 20), repeat=mebibytes)
    small = tuple(DoubleFile(f"{number:05}.flac", draw.randbytes(2000)) for number in range(files))
    licence = {"licenseurl": "https://creativecommons.org/licenses/by/4.0/"}
    with ArchiveDouble([DoubleItem("large", (large,), licence), DoubleItem("many", small, licence)]) as double:
        pipe.send(int(double.url.rpartition(":")[2]))
        pipe.recv()


if __name__ == "__main__":
    main()
