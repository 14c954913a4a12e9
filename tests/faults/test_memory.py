"""Memory does not grow with the size of a file, nor with their number.

`benchmarks/memory.py` does the same with 4 GiB and 2,000 files; here it is small enough to run each time.
"""

from __future__ import annotations

import os
import random
import subprocess

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive, environment

LIMIT = 150 << 20
"""Bytes of resident memory."""


def test_a_large_file_and_many_small_ones_stay_below_the_limit(tmp_path):
    draw = random.Random(7)
    large = DoubleFile("large.wav", draw.randbytes(1 << 20), repeat=512)
    small = [DoubleFile(f"{n:04}.flac", draw.randbytes(2000)) for n in range(600)]
    items = [
        DoubleItem("large", (large,), {"licenseurl": LICENCE}),
        DoubleItem("many", tuple(small), {"licenseurl": LICENCE}),
    ]
    with ArchiveDouble(items) as double:
        archive = Archive(tmp_path / "archive", double.url, harvest={"jobs": "8"})
        process = subprocess.Popen(
            archive.command("-q", "harvest", "all"), cwd=archive.root, env=environment(), stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)

    assert process.returncode == 0
    assert archive.bags().keys() == {"large/v1", "many/v1"}
    assert usage.ru_maxrss * 1024 < LIMIT
