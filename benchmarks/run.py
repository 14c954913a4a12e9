"""Every benchmark, or some of them by name: what `make bench` runs.

    python benchmarks/run.py                       # all parts, one after the other: some hours
    python benchmarks/run.py startup latency       # these
    python benchmarks/run.py --small               # each on a small corpus: minutes, to see that it works
    python benchmarks/run.py --chart FILE.svg      # draw the ratios that earlier runs left in build/bench

Each part prints its table, which is kept in `build/bench/PART.txt` with the command that made it, and its figures in
`build/bench/PART.json`. A part that fails is named at the end, and the others run all the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent / "build" / "bench"
PARTS: dict[str, tuple[list[str], list[str]]] = {
    "startup": (["startup.py", "--pairs", "100"], ["--pairs", "5"]),
    "harvest": (["harvest.py", "--rounds", "5"], ["--rounds", "1", "--megabytes", "80"]),
    "forty": (["pipeline.py", "forty", "--rounds", "5"], ["--rounds", "1", "--megabytes", "80"]),
    "tiny": (["pipeline.py", "tiny", "--rounds", "3"], ["--rounds", "1", "--items", "40"]),
    "latency": (["pipeline.py", "latency", "--rounds", "5"], ["--rounds", "1", "--items", "16"]),
    "large": (["pipeline.py", "large", "--rounds", "3"], ["--rounds", "1", "--megabytes", "100"]),
    "memory": (["memory.py"], ["--gibibytes", "0.1", "--files", "50"]),
    "audit": (["audit.py", "read", "1100"], []),
    "audit-s3": (["audit.py", "s3", "600"], []),
    "catalogue": (["catalogue.py", "10000", "100000", "1000000", "10000000"], []),
    "cluster": (["cluster.py", "speed", "--rounds", "3"], ["--rounds", "1", "--items", "24"]),
    "chaos": (["cluster.py", "chaos"], ["--items", "60"]),
}
"""The command of each part, and what is added or put in its place for a small one."""
WITHOUT_JSON = frozenset({"memory", "audit", "audit-s3"})
SMALL_INSTEAD = {
    "audit": ["audit.py", "read", "100"],
    "audit-s3": ["audit.py", "s3", "50"],
    "catalogue": ["catalogue.py", "10000"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--chart", type=Path)
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if arguments.chart:
        draw(arguments.chart)
        return
    PLACE.mkdir(parents=True, exist_ok=True)
    failed = [part for part in arguments.parts or PARTS if not did(part, is_small=arguments.small)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; see {PLACE}")


def did(part: str, *, is_small: bool) -> bool:
    """Run one part, print and keep what it says, and tell whether it went well."""
    full, less = PARTS[part]
    command = SMALL_INSTEAD.get(part, [*full, *less]) if is_small else full
    if part not in WITHOUT_JSON:
        command = [*command, "--json", str(PLACE / f"{part}.json")]
    said = f"## {part}\n\n    python benchmarks/{' '.join(command)}\n"
    print(said, flush=True)
    done = subprocess.run(
        [sys.executable, str(HERE / command[0]), *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout, flush=True)
    (PLACE / f"{part}.txt").write_text(f"{said}\n{done.stdout}")
    return done.returncode == 0


def draw(file: Path) -> None:
    """Draw a bar for each ratio that was measured, with the spread of its rounds; shorter is better."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - no other part needs it

    bars: list[tuple[str, list[float]]] = []
    for part in PARTS:
        path = PLACE / f"{part}.json"
        bars += ratios(part, json.loads(path.read_text())) if path.exists() else []
    if not bars:
        raise SystemExit(f"nothing was measured yet: no figures in {PLACE}")
    figure = Figure(figsize=(9, 0.45 * len(bars) + 1))
    axes = figure.subplots()
    for place, (_, values) in enumerate(reversed(bars)):
        axes.barh(place, median(values), color="#4477aa")
        axes.plot([min(values), max(values)], [place, place], color="#222222")
    axes.set_yticks(range(len(bars)), [name for name, _ in reversed(bars)])
    axes.axvline(1, color="#888888", linewidth=0.8)
    axes.set_xlabel("ratio of archiver to the other side; medians, lines from the least to the greatest round")
    figure.tight_layout()
    figure.savefig(file)


def ratios(part: str, figures: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Return the ratios of a part's rounds, by what they say."""
    if part == "startup":
        return [(name, values["cpu"]) for name, values in figures["ratios"].items()]
    if part in {"forty", "tiny", "latency", "large"}:
        mine, other = list(figures["rounds"][0])
        return [
            (f"{part}: {what}, {mine} / {other}", [one[mine][what] / one[other][what] for one in figures["rounds"]])
            for what in ("wall", "cpu")
        ]
    if part == "cluster":
        return [("three workers / one worker: wall", [1 / ratio for ratio in figures["ratios"]])]
    return []


if __name__ == "__main__":
    main()
