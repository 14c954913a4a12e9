"""How long a command takes before it does anything: pairs of processes, one of ours and one of what it is held against.

    python benchmarks/startup.py [--pairs 60] [--json FILE]

Held against `python -c "import click"` and `ia --version`; each pair runs one right after the other, so that what else
the machine does meets both. Printed are the medians of the ratios of CPU and wall seconds, with the middle half.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

BIN = Path(sys.executable).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as home:
        program = [sys.executable, "-m", "archiver", "--home", home]
        once([*program, "status"])  # makes the catalogue
        ours = {"--help": [*program[:3], "--help"], "status": [*program, "status"]}
        others = {'python -c "import click"': [sys.executable, "-c", "import click"]}
        if (BIN / "ia").exists():
            others["ia --version"] = [str(BIN / "ia"), "--version"]
        figures = {}
        for name, command in ours.items():
            for other, against in others.items():
                pairs = [(once(command), once(against)) for _ in range(arguments.pairs)]
                figures[f"archiver {name} / {other}"] = {
                    "cpu": [mine[0] / theirs[0] for mine, theirs in pairs],
                    "wall": [mine[1] / theirs[1] for mine, theirs in pairs],
                }
    print("| | CPU | wall |\n|---|---|---|")
    for name, ratios in figures.items():
        print(f"| {name} | {middle(ratios['cpu'])} | {middle(ratios['wall'])} |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"command": sys.argv, "ratios": figures}, indent=1))


def once(command: list[str]) -> tuple[float, float]:
    """Run a command and return its CPU and wall seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


def middle(values: list[float]) -> str:
    """Return the median with the middle half."""
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
