"""How fast copies are read: an audit beside the tools of the field and a bare SHA-256 loop.

python benchmarks/audit.py read [--megabytes 1100] [--rounds 5] [--json FILE]   # a directory store
python benchmarks/audit.py s3 [--megabytes 600]                                 # a bucket; beside rclone, from the same server
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import limits
import peers
from measuring import Comparison, Cost, Ratio, Report, run, take_turns
from servers import HERE, bucket

from archiver.clock import SystemClock
from archiver.core.audits import DueCopy
from archiver.core.fixity import Algorithm, Digest, Grade
from archiver.core.holdings import HeldFile
from archiver.core.items import ItemId
from archiver.engines.threads import ThreadEngine
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.stores.directory import DirectoryStore
from archiver.workflows.check import check_copy
from tests.archive import LICENCE, Archive, environment

if TYPE_CHECKING:
    from collections.abc import Callable


FILE = 50 << 20
"""Bytes of each file of the directory store."""


def read(megabytes: int, *, rounds: int) -> Report:
    """Audit a directory store, and let the tools of the field read the same bytes, by turns; all of it is warm."""
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as name:
        place = Path(name)
        items = [item(number, (FILE,) * 2) for number in range(max(1, megabytes * 1_000_000 // FILE // 2))]
        archive = harvested(place / "archive", items, {"primary": {"url": "store/"}})
        bags = archive.store() / "bags"
        shutil.copytree(bags, place / "second")
        payload = sorted(bags.rglob("data/*"))
        total = sum(path.stat().st_size for path in payload)
        commands = of_the_field(place, bags, payload)
        commands = {OURS: archive.command("audit", "--all", "--store", "primary"), **commands}

        def turn(side: str, home: Path) -> dict[str, Cost]:
            for path in payload:
                path.read_bytes()
            if side == INSIDE:
                return inside(home, payload)
            return {side: run(commands[side], cwd=home, env=environment())}

        turns = {side: partial(turn, side) for side in (*commands, INSIDE)}
        done = take_turns(place, turns, rounds=rounds)
    shown = Comparison(done, {side: (side,) for side in (*commands, INSIDE, LOOP)}, total, len(items))
    compared = Comparison(done, {side: (side,) for side in commands}, total, len(items)).ratios()
    reading = Comparison(done, {INSIDE: (INSIDE,), LOOP: (LOOP,)}, total, len(items)).ratios({("wall", LOOP): 1.05})
    told = f"A directory store with {len(items)} bags and {len(payload)} files, {total / 1e6:,.0f} MB, {rounds} rounds."
    missing = peers.missing("bagit.py", "rclone", "sha256sum", "openssl")
    return Report(told, shown.table(), compared + reading, missing, {"bytes": total, "rounds": done})


OURS, INSIDE, LOOP = "archiver audit", "the audit without its start", "SHA-256 loop in the same process"


def of_the_field(place: Path, bags: Path, payload: list[Path]) -> dict[str, list[str]]:
    """Return the command of each peer that is there; bagit.py reads each byte for SHA-256 and for SHA-512."""
    roots = [str(path.parent) for path in bags.rglob("bagit.txt")]
    files = [str(path) for path in payload]
    (place / "sums").write_text("".join(f"{_sha256(path)}  {path}\n" for path in payload))
    commands = {
        "bagit.py --validate": ["bagit.py", "--validate", *roots],
        "bagit.py --validate --processes 2": ["bagit.py", "--validate", "--processes", "2", *roots],
        "rclone check --download": ["rclone", "check", "--download", str(bags), str(place / "second")],
        "rclone hashsum": ["rclone", "hashsum", "sha256", str(bags)],
        "sha256sum -c": ["sha256sum", "--quiet", "-c", str(place / "sums")],
        "openssl dgst": ["openssl", "dgst", "-sha256", *files],
    }
    found = {name: [path, *rest] for name, (program, *rest) in commands.items() if (path := peers.find(program))}
    loop = [sys.executable, str(HERE / "limits.py"), "digest", str(bags)]
    return {**found, "SHA-256 loop, two threads": loop}


def inside(place: Path, payload: list[Path]) -> dict[str, Cost]:
    """Check every byte as one bag with two threads of this process, and take the bare loop over the same files."""
    data = place / "bags/x/v1/data"
    data.mkdir(parents=True)
    for number, path in enumerate(payload):
        (data / f"{number}.wav").hardlink_to(path)
    unread = Digest(Algorithm.SHA512, "0" * 128)
    files = [
        HeldFile(f"data/{path.name}", path.stat().st_size, Digest(Algorithm.SHA256, _sha256(path)), unread)
        for path in sorted(data.iterdir())
    ]
    total = sum(file.size for file in files)
    copy = DueCopy(ItemId("s", "x"), 1, "primary", "bags/x/v1/", len(files), total, datetime.now(UTC), 1)
    engine = ThreadEngine(2, name="file")

    def audit() -> None:
        result = check_copy(
            copy,
            files=files,
            root=unread,
            store=DirectoryStore("primary", place),
            grade=Grade.READ,
            engine=engine,
            clock=SystemClock(),
        )
        if result.bytes != total:
            raise SystemExit("not every byte was read: the figure would mean nothing")

    def loop() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(limits.digest, payload))

    try:
        return {INSIDE: timed(audit), LOOP: timed(loop)}
    finally:
        engine.close()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


SIZES = (200_000, 30_000_000, 32_000_000)
"""Bytes of the files of each item of the bucket: a booklet and two lossless tracks."""
CHECK = "rclone check --download"


def s3(megabytes: int, *, rounds: int, kind: str) -> Report:
    """Audit every byte of a bucket, and let rclone compare the same objects with the same bags on disk, by turns."""
    peers.need("rclone")
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as name, bucket(kind, Path(name) / "server") as there:
        place = Path(name)
        items = [item(number, SIZES) for number in range(max(1, megabytes * 1_000_000 // sum(SIZES)))]
        mirror = {"url": f"s3://{there.name}/archive", "endpoint": there.endpoint, "region": "us-east-1"}
        stores = {"primary": {"url": "store/"}, "mirror": mirror}
        archive = harvested(place / "archive", items, stores, **there.keys)
        audit = archive.command("audit", "--all", "--store", "mirror", "--output", "jsonl")
        bags = [str(archive.store() / "bags"), f"m:{there.name}/archive/bags"]
        reading = []

        def ours(home: Path) -> dict[str, Cost]:
            cost = run(audit, cwd=home, env=environment(**there.keys))
            # What the audit itself took, without the start of Python and the records at the end.
            last = (home / "output.txt").read_text().splitlines()[-1]
            reading.append(float(json.loads(last)["summary"]["seconds"]))
            return {OURS: cost}

        def theirs(home: Path) -> dict[str, Cost]:
            return {
                CHECK: run([peers.need("rclone"), *CHECK.split()[1:], *bags], cwd=home, env=environment(**there.rclone))
            }

        done = take_turns(place, {OURS: ours, CHECK: theirs}, rounds=rounds)
    total = sum(SIZES) * len(items)
    shown = Comparison(done, {OURS: (OURS,), CHECK: (CHECK,)}, total, len(items))
    own = [seconds / one[CHECK].wall for seconds, one in zip(reading, done, strict=True)]
    ratios = [Ratio(f"the audit's own seconds / wall of {CHECK}", own, 1.0), *shown.ratios({("wall", CHECK): 1.0})]
    told = f"An S3 server ({kind}) with {len(items)} bags, {total / 1e6:,.0f} MB, {rounds} rounds."
    return Report(told, shown.table(), ratios, [], {"bytes": total, "rounds": done, "own": reading})


def item(number: int, sizes: tuple[int, ...]) -> DoubleItem:
    """Return an item with files of these sizes, the same bytes each time."""
    files = tuple(
        DoubleFile(f"{index}.wav", random.Random(f"{number}/{index}").randbytes(size))
        for index, size in enumerate(sizes)
    )
    return DoubleItem(
        f"item-{number:04}", files, {"licenseurl": LICENCE, "title": f"Item {number}", "mediatype": "audio"}
    )


def harvested(root: Path, items: list[DoubleItem], stores: dict[str, dict[str, str]], **keys: str) -> Archive:
    """Return an archive that holds the items."""
    with ArchiveDouble(tuple(items)) as double:
        archive = Archive(root, double.url, stores, source={"timeout": "60"}, extra_environment=keys)
        done = archive.harvested(timeout=900)
    if done.status:
        raise SystemExit(f"the harvest ended with {done.status}: {done.err[-500:]}")
    return archive


def timed(work: Callable[[], None]) -> Cost:
    """Return wall and CPU seconds of a piece of work in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["read", "s3"])
    parser.add_argument("--megabytes", type=int, help="1100 in a directory store, 600 in a bucket")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--s3", default="ministack", help="ministack, swift, or the URL of a server (servers.py)")
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    if arguments.part == "read":
        report = read(arguments.megabytes or 1100, rounds=arguments.rounds)
    else:
        report = s3(arguments.megabytes or 600, rounds=arguments.rounds, kind=arguments.s3)
    report.publish(arguments.json)


if __name__ == "__main__":
    main()
