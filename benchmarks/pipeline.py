"""A harvest where waiting, small things or one large thing decide, beside `ia download` and a bare loop.

    python benchmarks/pipeline.py tiny [--items 5000]          # items of one small file: items per second
    python benchmarks/pipeline.py latency [--items 100]        # each answer comes 100 ms late; 16 jobs
    python benchmarks/pipeline.py large [--megabytes 4096]     # one file: CPU and memory
    python benchmarks/pipeline.py forty [--megabytes 1100]     # 40 files beside the bare loop

Into a directory store, from one static server on loopback, in rounds whose order turns. Examining is off where the other
side does not examine. With `--json FILE` every figure is written there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from harvest import BIN, HERE, SELECTION, SETTINGS, build_corpus, free_port, wait_for
from measuring import Cost, run, spread

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["tiny", "latency", "large", "forty"])
    parser.add_argument("--items", type=int)
    parser.add_argument("--megabytes", type=float)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    items, files, size, latency, jobs = {
        "tiny": (5000, 1, 2_000, 0.0, 4),
        "latency": (100, 1, 20_000, 0.1, 16),
        "large": (1, 1, 4096e6, 0.0, 4),
        "forty": (8, 5, 1100e6 / 40, 0.0, 4),
    }[arguments.part]
    items = arguments.items or items
    if arguments.megabytes:
        size = arguments.megabytes * 1e6 / items / files
    work = Path(tempfile.mkdtemp(prefix="archiver-bench-"))
    server = None
    try:
        total = build_corpus(work / "corpus", items=items, files=items * files, size=int(size * items * files))
        port = free_port()
        command = [
            sys.executable,
            str(HERE / "static_archive.py"),
            str(work / "corpus"),
            str(port),
            "--latency",
            str(latency),
        ]
        server = subprocess.Popen(command)
        wait_for(port)
        sides: dict[str, Callable[[Path], Cost]] = {"archiver harvest": lambda home: ours(home, port, jobs, items)}
        if arguments.part in {"tiny", "latency"}:
            sides["ia download"] = lambda home: theirs(home, port, work / "corpus")
        else:
            sides["bare loop"] = lambda home: bare(home, port, work / "corpus")
        rounds = [one_round(work, sides, number) for number in range(arguments.rounds)]
    finally:
        if server is not None:
            server.terminate()
            server.wait(timeout=10)
        shutil.rmtree(work, ignore_errors=True)
    report(arguments.part, rounds, items, total)
    if arguments.json:
        figures = [{name: asdict(cost) for name, cost in costs.items()} for costs in rounds]
        arguments.json.write_text(
            json.dumps({"command": sys.argv, "bytes": total, "items": items, "rounds": figures}, indent=1)
        )


def one_round(work: Path, sides: dict[str, Callable[[Path], Cost]], number: int) -> dict[str, Cost]:
    """Run every side once; each round begins with another one."""
    names = list(sides)
    costs = {}
    for name in names[number % len(names) :] + names[: number % len(names)]:
        home = work / "home"
        home.mkdir()
        os.sync()
        costs[name] = sides[name](home)
        shutil.rmtree(home)
    return {name: costs[name] for name in names}


def ours(home: Path, port: int, jobs: int, items: int) -> Cost:
    settings = SETTINGS.format(port=port).replace(
        "requests_per_second = 1000\ndownloads = 4\n", "requests_per_second = 0\n"
    )
    (home / "archiver.toml").write_text(settings)
    (home / "bench.toml").write_text(SELECTION)
    program = [sys.executable, "-m", "archiver", "--config", "archiver.toml", "--home", str(home), "-q"]
    cost = run([*program, "harvest", "bench.toml", "--jobs", str(jobs)], cwd=home, env={"PYTHONPATH": str(HERE.parent)})
    stored = sum(1 for _ in home.glob("store/bags/*/*/*/*/v1/tagmanifest-sha512.txt"))
    if stored != items:
        raise SystemExit(f"{stored} of {items} items stored; see {home / 'output.txt'}")
    return cost


def theirs(home: Path, port: int, corpus: Path) -> Cost:
    (home / "items.txt").write_text("\n".join(sorted(os.listdir(corpus))) + "\n")
    (home / "items").mkdir()
    server = f"127.0.0.1:{port}/archive.org"
    return run(
        [str(BIN / "ia"), "-i", "-H", server, "download", "--itemlist", "items.txt", "--destdir", "items"], cwd=home
    )


def bare(home: Path, port: int, corpus: Path) -> Cost:
    return run(
        [sys.executable, str(HERE / "bare_loop.py"), f"127.0.0.1:{port}", str(corpus), str(home / "items")], cwd=home
    )


def report(part: str, rounds: list[dict[str, Cost]], items: int, total: int) -> None:
    print(
        f"{part}: {items} items, {total / 1e6:,.1f} MB, {len(rounds)} rounds; medians, with the least and the greatest"
    )
    print("| | wall s | CPU s | read x | written x | peak MB | items/s |\n|---|---|---|---|---|---|---|")
    for name in rounds[0]:
        costs = [one[name] for one in rounds]
        last = costs[-1]
        wall, cpu = spread([cost.wall for cost in costs]), spread([cost.cpu for cost in costs])
        rate = spread([items / cost.wall for cost in costs])
        print(
            f"| {name} | {wall} | {cpu} | {last.read / total:.2f} | {last.written / total:.2f} | {last.peak / 1e6:.0f} | {rate} |"
        )
    mine, other = list(rounds[0])
    for what in ("wall", "cpu"):
        ratios = [getattr(costs[mine], what) / getattr(costs[other], what) for costs in rounds]
        print(f"{what}, {mine} / {other}: {spread(ratios)}")


if __name__ == "__main__":
    main()
