"""The page of figures is written by a command: what it writes into must be well formed. The figures are not tested."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
REPORT = {
    "command": "python benchmarks/x.py", "date": "2026-12-01", "cores": 2, "others": 0.1, "corpus": "Little.", "table": ["| a |"],
    "missing": ["`rclone` is not there"],
    "ratios": [
        {"name": "wall, ours / `theirs` & <more>", "values": [0.5, 0.6], "goal": 0.4},
        {"name": "CPU", "values": [2.0], "goal": None},
    ],
}  # fmt: skip


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import run
    import writing

    yield run, writing
    for name in ("run", "writing", "measuring", "peers"):
        sys.modules.pop(name, None)


def test_every_marker_of_the_page_opens_a_known_part_or_ends_one(scripts):
    run, writing = scripts
    page = writing.PAGE.read_text()
    blocks = [block["part"] for block in writing.BLOCK.finditer(page)]
    assert re.findall("<!-- (.*?) -->", page) == [mark for part in blocks for mark in (f"figures: {part}", "end")]
    assert set(blocks) <= {*run.PARTS, writing.GOALS}
    assert len(blocks) == len(set(blocks))


def test_the_figures_of_a_part_take_the_place_of_the_earlier_ones_and_of_nothing_else(scripts):
    _, writing = scripts
    page = "before\n<!-- figures: goals -->\nold\n<!-- end -->\n<!-- figures: tiny -->\nold\n<!-- end -->\n<!-- figures: audit -->\nkept\n<!-- end -->\n"
    written = writing.rewritten(page, {"tiny": REPORT})
    assert "old" not in written
    assert "| wall, ours / `theirs` & <more> | 0.55 (0.50 to 0.60) | 0.4, **missed** |" in written
    assert "Missing: `rclone` is not there" in written
    assert written.startswith("before\n<!-- figures: goals -->")
    assert written.endswith("<!-- figures: audit -->\nkept\n<!-- end -->\n")
    assert writing.rewritten(written, {"tiny": REPORT}) == written


def test_the_chart_is_an_image_with_a_bar_for_each_ratio(scripts):
    _, writing = scripts
    drawn = ET.fromstring(writing.chart({"tiny": writing.ratios(REPORT)}))
    text = ["".join(one.itertext()) for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "wall, ours / theirs & <more>: 0.55" in text
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}rect"))) == 3  # the ground and two bars
