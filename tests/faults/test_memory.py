"""Memory does not grow with the size of a file, nor with their number.

`benchmarks/memory.py` does the same with 4 GiB and 2,000 files; here it is small enough to run each time.
"""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive, environment

pytestmark = pytest.mark.once
LIMIT = 150 << 20
"""Bytes of resident memory."""

MEASURE = """\
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run a command from a small process: Linux counts the memory of whoever starts a program to the program's own peak."""


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
        measured = subprocess.run(
            [sys.executable, "-S", "-c", MEASURE, *archive.command("-q", "harvest", "all")],
            cwd=archive.root,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
    status, peak = map(int, measured.stdout.split())

    assert status == 0, measured.stderr
    assert archive.bags().keys() == {"large/v1", "many/v1"}
    assert peak * 1024 < LIMIT
