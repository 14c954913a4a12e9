"""Every benchmark, or some of them by name: what `make bench` runs.

    python benchmarks/run.py                       # all parts, one after the other: some hours
    python benchmarks/run.py startup latency       # these
    python benchmarks/run.py --small               # each on a small corpus: minutes, to see that it works
    python benchmarks/run.py --write               # bring the figures of earlier runs into docs/performance.md, with the chart

Each part prints its table, and keeps it in `build/bench/PART.txt` and its figures in `build/bench/PART.json`. A part that
fails is named at the end, and the others run all the same. `--write` keeps the figures in `benchmarks/results/`; those of
a small run are never kept.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import peers
import writing

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent / "build" / "bench"
_LESS = "--rounds 1 --megabytes 40"
_FEW = "--rounds 1 --items 16"
PARTS = {
    "startup": ("startup.py --pairs 100", "--pairs 5"),
    "harvest": ("harvest.py forty --rounds 5", _LESS),
    "forty": ("harvest.py forty --beside limits --rounds 5", _LESS),
    "tiny": ("harvest.py tiny --rounds 3", _FEW),
    "tiny-tls": ("harvest.py tiny --tls --rounds 3", _FEW),
    "latency": ("harvest.py latency --rounds 3", _FEW),
    "large": ("harvest.py large --beside limits --rounds 3", _LESS),
    "large-chain": ("harvest.py large --rounds 3", _LESS),
    "harvest-s3": ("harvest.py forty --store s3 --rounds 3", _LESS),
    "forty-s3": ("harvest.py forty --store s3 --beside limits --rounds 3", _LESS),
    "tiny-s3": ("harvest.py tiny --items 300 --store s3 --rounds 3", _FEW),
    "latency-s3": ("harvest.py latency --store s3 --rounds 3", _FEW),
    "large-s3": ("harvest.py large --store s3 --rounds 2", _LESS),
    "memory": ("memory.py", "--gibibytes 0.1 --files 50"),
    "audit": ("audit.py read --rounds 5", "--rounds 1 --megabytes 100"),
    "audit-s3": ("audit.py s3 --rounds 5", "--rounds 1 --megabytes 60"),
    "catalogue": ("catalogue.py 10000 100000 1000000 10000000", "catalogue.py 10000"),
    "cluster": ("cluster.py speed --rounds 3", "--rounds 1 --items 24"),
    "chaos": ("cluster.py chaos", "--items 60"),
}
"""The command of each part, and what is added or put in its place for a small one; the later of two options counts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if arguments.write:
        keep(arguments.parts or list(PARTS))
        writing.write(list(PARTS))
        return
    peers.install()
    place = PLACE / "small" if arguments.small else PLACE
    place.mkdir(parents=True, exist_ok=True)
    failed = [part for part in arguments.parts or PARTS if not did(part, place, is_small=arguments.small)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; see {place}")


def did(part: str, place: Path, *, is_small: bool) -> bool:
    """Run one part, print and keep what it says, and tell whether it went well."""
    full, less = PARTS[part]
    command = full if not is_small else less if ".py" in less else f"{full} {less}"
    script, *options = command.split()
    print(f"## {part}\n", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(HERE / script), *options, "--json", str(place / f"{part}.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{done.stdout}\n({time.monotonic() - began:.0f} s)\n", flush=True)
    (place / f"{part}.txt").write_text(done.stdout)
    return done.returncode == 0


def keep(parts: list[str]) -> None:
    """Take over the figures of those parts that were run at full size."""
    writing.RESULTS.mkdir(exist_ok=True)
    for part in parts:
        if (PLACE / f"{part}.json").exists():
            shutil.copy(PLACE / f"{part}.json", writing.RESULTS)


if __name__ == "__main__":
    main()
