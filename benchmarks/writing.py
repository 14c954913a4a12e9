"""The figures of `benchmarks/results/` as they stand in `docs/performance.md`: a table for each part, and one chart.

In that page a table stands between `<!-- figures: PART -->` and `<!-- end -->`; everything else is written by hand.
"""

from __future__ import annotations

import json
import math
import re
from html import escape
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from measuring import Ratio, markdown, spread

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "performance.md"
CHART = PAGE.with_suffix(".svg")
BLOCK = re.compile(r"(?s)<!-- figures: (?P<part>[a-z0-9-]+) -->\n.*?<!-- end -->\n")
GOALS = "goals"
"""The block with every ratio that has a goal, of all parts."""


def write(parts: list[str]) -> None:
    """Write the tables and the chart anew; a part without figures keeps the table it has."""
    reports = {part: json.loads(path.read_text()) for part in parts if (path := RESULTS / f"{part}.json").exists()}
    PAGE.write_text(rewritten(PAGE.read_text(), reports))
    CHART.write_text(chart({part: ratios(report) for part, report in reports.items()}))


def rewritten(page: str, reports: dict[str, Any]) -> str:
    """Return the page with the tables of these parts."""
    return BLOCK.sub(lambda block: _block(block, reports), page)


def ratios(report: dict[str, Any]) -> list[Ratio]:
    return [Ratio(**one) for one in report["ratios"]]


def _block(block: re.Match[str], reports: dict[str, Any]) -> str:
    part = block["part"]
    if part == GOALS:
        lines = ["| part | less is better | measured | goal: at most |", "|---|---|---|---|"]
        lines += [
            f"| {name} | {one.name} | {spread(one.values)} | {one.goal:g}{', **missed**' if one.is_missed else ''} |"
            for name, report in reports.items()
            for one in ratios(report)
            if one.goal is not None
        ]
    elif part in reports:
        lines = markdown(reports[part])
    else:
        return block[0]
    text = "\n".join(lines).strip("\n")
    return f"<!-- figures: {part} -->\n\n{text}\n\n<!-- end -->\n"


ROW, LEFT, WIDTH = 16, 470, 900
LEAST, MOST = 0.05, 50.0


def chart(parts: dict[str, list[Ratio]]) -> str:
    """Draw a bar for each ratio from 1 on a logarithmic scale, a line for its spread, and a tick where its goal is."""
    rows = [(part, one) for part, found in parts.items() for one in found]
    height = ROW * (len(rows) + len(parts) + 3)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        "<title>What archiver takes for each unit that the other side takes</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20):
        colour = "#444" if tick == 1 else "#ddd"
        drawn.append(f'<path d="M{_x(tick)} {ROW * 2}V{height - ROW}" stroke="{colour}"/>')
        drawn.append(f'<text x="{_x(tick)}" y="{ROW * 1.5}" text-anchor="middle" fill="#444">{tick:g}</text>')
    drawn.append(
        f'<text x="4" y="{ROW * 1.5}" fill="#444">archiver / the other side; left is better; red line: the goal</text>'
    )
    y = ROW * 2.0
    for part, group in groupby(rows, key=lambda row: row[0]):
        y += ROW
        drawn.append(f'<text x="4" y="{y}" font-weight="bold">{escape(part)}</text>')
        for _, one in group:
            y += ROW
            drawn += _bar(one, y)
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _bar(one: Ratio, y: float) -> list[str]:
    middle, ends = _x(median(one.values)), (_x(min(one.values)), _x(max(one.values)))
    start, width = min(middle, _x(1)), abs(middle - _x(1))
    colour = "#c9a227" if one.is_missed else "#4477aa"
    drawn = [
        f'<text x="12" y="{y}">{escape(one.name.replace("`", ""))}: {median(one.values):.2f}</text>',
        f'<rect x="{start}" y="{y - 9}" width="{width:.1f}" height="9" fill="{colour}"/>',
        f'<path d="M{ends[0]} {y - 4.5}H{ends[1]}" stroke="#222"/>',
    ]
    if one.goal is not None:
        drawn.append(f'<path d="M{_x(one.goal)} {y - 12}v14" stroke="#c00" stroke-width="2"/>')
    return drawn


def _x(value: float) -> float:
    share = math.log(min(max(value, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + share * (WIDTH - LEFT - 10), 1)
