"""What scratch promises: in memory, on the disk, and on the disk a few rows at a time."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from archiver.core.errors import StagingFullError
from archiver.staging import scratch as scratch_module
from archiver.staging.scratch import DiskScratch
from archiver.workflows.judge_bag import Memory
from tests.archive import ROOT

DRAW = random.Random(4)
ROWS = [(DRAW.choice(["ü", "a\udcff", "", "b/c", "\n"]), DRAW.randrange(3), number, b"x") for number in range(1000)]


@pytest.fixture(params=["memory", "disk", "disk, three rows", "disk, all but one"])
def scratch(request, tmp_path):
    if request.param == "memory":
        yield Memory()
        return
    rows = {"disk": 40_000, "disk, three rows": 3, "disk, all but one": len(ROWS)}[request.param]
    with DiskScratch(tmp_path, rows=rows) as opened:
        yield opened
    assert list(tmp_path.iterdir()) == []


def test_rows_come_in_order_each_as_often_as_it_was_given(scratch):
    assert list(scratch.in_order(iter(ROWS + ROWS[:10]))) == sorted(ROWS + ROWS[:10])
    assert list(scratch.in_order([])) == []


def test_kept_rows_come_as_they_were_again_and_again_also_at_once(scratch):
    kept = scratch.kept(iter(ROWS))
    assert list(kept) == ROWS
    assert list(zip(kept, kept, strict=True)) == list(zip(ROWS, ROWS, strict=True))
    assert list(scratch.kept([])) == []


def test_held_bytes_can_be_read_again_whatever_the_chunks(scratch, monkeypatch):
    monkeypatch.setattr(scratch_module, "BYTES", 1000)
    for size in (0, 999, 1000, 1001, 5000):
        content = DRAW.randbytes(size)
        file = scratch.held(content[at : at + 300] for at in range(0, size, 300))
        assert file.read() == content
        file.seek(0)
        assert file.read() == content


def test_several_orders_can_be_read_at_once(scratch):
    first, second = scratch.in_order(ROWS), scratch.in_order([(number,) for number in range(1000)])
    assert list(zip(first, second, strict=True)) == list(zip(sorted(ROWS), ((n,) for n in range(1000)), strict=True))


def test_a_full_disk_says_where_else_to_go(tmp_path, monkeypatch):
    with (
        DiskScratch(tmp_path / "gone", rows=2) as scratch,
        pytest.raises(StagingFullError, match="No such file") as said,
    ):
        scratch.kept(ROWS)
    assert "TMPDIR" in said.value.next_command


def test_nothing_is_left_of_a_process_that_is_killed(tmp_path):
    killed = f"""
import os, pathlib
from archiver.staging.scratch import DiskScratch
scratch = DiskScratch(pathlib.Path({str(tmp_path)!r}), rows=2)
scratch.kept((number,) for number in range(100))
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", killed], cwd=ROOT, check=False).returncode == -9
    assert list(tmp_path.iterdir()) == []
