"""How fast bags are validated: beside a bare SHA-256 loop, beside bagit.py, and how much memory a large bag takes.

    python benchmarks/validate.py large [--rounds 7]      # 320 files, 1 GB: CPU and speed beside the bare loop
    python benchmarks/validate.py small [--rounds 5]      # 100,000 small files: beside bagit.py --validate --processes 2
    python benchmarks/validate.py memory [--entries 1000000] [--forms directory tar zip]

Bags have one payload manifest, of SHA-256. Sides are whole processes and take turns; the bags lie in the page cache.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from measuring import Cost, run, spread

BIN = Path(sys.executable).parent
VERIFY = [sys.executable, "-m", "archiver", "verify", "--jobs", "2", "bag"]
# The same files, each once, with the smallest program that does it; it starts no other thread and imports nothing else.
BARE = """
import hashlib, os
buffer = bytearray(1 << 20)
view = memoryview(buffer)
for directory, _, names in os.walk("bag"):
    for name in names:
        sha256 = hashlib.sha256()
        with open(os.path.join(directory, name), "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                sha256.update(view[:count])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["large", "small", "memory"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--forms", nargs="+", default=["directory", "tar", "zip"], choices=["directory", "tar", "zip"])
    parser.add_argument("--directory", type=Path, help="work here instead of in a temporary directory")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="archiver-bench-", dir=arguments.directory))
    try:
        if arguments.what == "large":
            large(work, arguments.rounds)
        elif arguments.what == "small":
            small(work, arguments.rounds)
        else:
            memory(work, arguments.entries, arguments.forms)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def large(work: Path, rounds: int) -> None:
    """Compare with the bare loop, whole processes; and with the time that starting takes left out of both."""
    draw = random.Random(4)
    total = make_bag(work / "bag", (draw.randbytes(3_125_000) for _ in range(320)))
    make_bag(work / "empty/bag", [b""])
    sides = {"archiver": VERIFY, "bare": [sys.executable, "-c", BARE]}
    whole = in_turns(work, rounds, sides)
    starts = in_turns(work / "empty", rounds, sides)
    print(f"{total / 1e9:.2f} GB in 320 files, {rounds} rounds in turns; medians, with the least and the greatest")
    for name, costs in whole.items():
        print(f"{name:10} wall {spread([c.wall for c in costs])} s, CPU {spread([c.cpu for c in costs])} s")
        print(f"{'':10} of which starting: CPU {spread([c.cpu for c in starts[name]])} s")
    ratios = list(zip(whole["archiver"], whole["bare"], strict=True))
    print(f"CPU, archiver / bare loop:   {spread([ours.cpu / bare.cpu for ours, bare in ratios])}")
    work_only = [
        (ours.cpu - began.cpu) / (bare.cpu - other.cpu)
        for (ours, bare), began, other in zip(ratios, starts["archiver"], starts["bare"], strict=True)
    ]
    print(f"CPU without starting:        {spread(work_only)}")
    print(f"speed, archiver / bare loop: {spread([bare.wall / ours.wall for ours, bare in ratios])}")


def small(work: Path, rounds: int) -> None:
    """Compare with bagit.py on two processes."""
    total = make_bag(work / "bag", ((b"%d " % number) * (1 + number % 300) for number in range(100_000)))
    theirs = [sys.executable, str(BIN / "bagit.py"), "--validate", "--processes", "2", "--quiet", "bag"]
    costs = in_turns(work, rounds, {"archiver": VERIFY, "bagit.py": theirs})
    print(f"100,000 files, {total / 1e6:.0f} MB, {rounds} rounds in turns; medians, with the least and the greatest")
    for name, some in costs.items():
        print(f"{name:10} wall {spread([c.wall for c in some])} s, CPU {spread([c.cpu for c in some])} s")
    pairs = list(zip(costs["archiver"], costs["bagit.py"], strict=True))
    print(f"speed, archiver / bagit.py: {spread([theirs.wall / ours.wall for ours, theirs in pairs])}")
    print(f"CPU, bagit.py / archiver:   {spread([theirs.cpu / ours.cpu for ours, theirs in pairs])}")


def memory(work: Path, entries: int, forms: list[str]) -> None:
    """Measure the largest resident memory for a bag of so many entries."""
    make_bag(work / "bag", (b"%d" % number for number in range(entries)))
    for form in forms:
        place = work / "bag"
        if form != "directory":
            place = work / f"bag.{form}"
            pack(work / "bag", place, form)
        cost = run([*VERIFY[:-1], str(place)], cwd=work)
        print(f"{entries} entries, {form:9}: peak {cost.peak / 1e6:.0f} MB, {cost.wall:.0f} s, CPU {cost.cpu:.0f} s")


def in_turns(work: Path, rounds: int, sides: dict[str, list[str]]) -> dict[str, list[Cost]]:
    """Run each side once in each round, in an order that changes; one round before is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in list(sides)[:: 1 if number % 2 else -1]:
            cost = run(sides[name], cwd=work)
            if number:
                costs[name].append(cost)
    return costs


def make_bag(root: Path, contents: object) -> int:
    """Write a bag of these files, a thousand in each directory; return the payload's bytes."""
    total = number = 0
    (root / "data").mkdir(parents=True)
    with (root / "manifest-sha256.txt").open("w") as manifest:
        for number, content in enumerate(contents, start=1):  # type: ignore[call-overload]
            path = f"data/{number // 1000:04d}/Track {number:07d}.flac"
            if number == 1 or number % 1000 == 0:
                (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(content)
            manifest.write(f"{hashlib.sha256(content).hexdigest()}  {path}\n")
            total += len(content)
    (root / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (root / "bag-info.txt").write_text(f"Payload-Oxum: {total}.{number}\n")
    names = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")
    lines = (f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (root / "tagmanifest-sha256.txt").write_text("".join(lines))
    os.sync()
    return total


def pack(source: Path, target: Path, form: str) -> None:
    """Put the bag into an archive, uncompressed."""
    if form == "tar":
        with tarfile.open(target, "w") as archive:
            archive.add(source, "bag")
        return
    with zipfile.ZipFile(target, "w") as archive:
        for directory, _, names in os.walk(source):
            for name in names:
                path = Path(directory, name)
                archive.write(path, f"bag/{path.relative_to(source)}")


if __name__ == "__main__":
    main()
