"""How long a command takes before it does anything: pairs of processes, one of ours and one of what it is held against.

    python benchmarks/startup.py [--pairs 60] [--json FILE]

Held against `python -c "import click"` and `ia --version`; each pair runs one right after the other, so that what else
the machine does meets both. Both sides run compiled modules, kept in a directory of their own, whatever the environment
says of writing them. Printed are the medians of the ratios of CPU and wall seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers
from measuring import Ratio, Report

CLICK, IA = '`python -c "import click"`', "`ia --version`"
GOALS = {CLICK: 1.5, IA: 0.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as home:
        program = [sys.executable, "-m", "archiver", "--home", home]
        ours = {"--help": [*program[:3], "--help"], "status": [*program, "status"]}
        others = {CLICK: [sys.executable, "-c", "import click"]}
        if ia := peers.find("ia"):
            others[IA] = [ia, "--version"]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = f"{home}/compiled"
        for command in (*ours.values(), *ours.values(), *others.values()):
            once(command, environment)  # makes the catalogue, remembers its sums, compiles what is imported
        ratios = []
        for name, command in ours.items():
            for other, against in others.items():
                pairs = [(once(command, environment), once(against, environment)) for _ in range(arguments.pairs)]
                for place, what in enumerate(("CPU", "wall")):
                    values = [mine[place] / theirs[place] for mine, theirs in pairs]
                    ratios.append(Ratio(f"{what}, archiver {name} / {other}", values, GOALS[other]))
    told = f"Whole processes, {arguments.pairs} pairs, one right after the other."
    Report(told, ratios=ratios, missing=peers.missing("ia")).publish(arguments.json)


def once(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command and return its CPU and wall seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


if __name__ == "__main__":
    main()
