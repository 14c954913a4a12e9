"""Harvest beside its peers: 40 files of about 1 GB from a loopback server into a directory store.

    python benchmarks/harvest.py [--rounds 3] [--files 40] [--megabytes 1100] [--json FILE]

In each round, one after the other on the same corpus: `archiver harvest`, and the chain that does the same work with the
tools of the field: `ia download`, `ia download --checksum` (the only way it compares what it fetched),
`bagit.py --sha256 --sha512`. Printed are ratios of the first to the second, round by round, with their spread.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from measuring import Cost, run, spread

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
SELECTION = """\
title = "Benchmark"
source = "internet-archive"
query = "collection:benchmark"
policy = "all-cc"
files = "originals"
stores = ["primary"]
"""
SETTINGS = """\
[archive]
organisation = "Benchmark"
contact = "mailto:benchmark@example.invalid"
[stores.primary]
url = "store/"
[sources.internet-archive]
endpoint = "http://127.0.0.1:{port}"
requests_per_second = 1000
downloads = 4
[audio]
examine = false
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--items", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=1100)
    parser.add_argument("--directory", type=Path, help="work here instead of in a temporary directory")
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="archiver-bench-", dir=arguments.directory))
    try:
        total = build_corpus(
            work / "corpus", items=arguments.items, files=arguments.files, size=arguments.megabytes * 10**6
        )
        port = free_port()
        server = subprocess.Popen([sys.executable, str(HERE / "static_archive.py"), str(work / "corpus"), str(port)])
        try:
            wait_for(port)
            rounds = [one_round(work, port, number) for number in range(arguments.rounds)]
        finally:
            server.terminate()
            server.wait(timeout=10)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report(rounds, total)
    if arguments.json:
        figures = [
            {"archiver": asdict(ours), "chain": {name: asdict(cost) for name, cost in chain.items()}}
            for ours, chain in rounds
        ]
        arguments.json.write_text(json.dumps({"command": sys.argv, "bytes": total, "rounds": figures}, indent=1))


def build_corpus(root: Path, *, items: int, files: int, size: int) -> int:
    """Write items of random bytes with the metadata that archive.org would give; return the bytes of their originals."""
    each, dice, total = size // files, random.Random(20261124), 0
    for number in range(items):
        item = f"bench-{number:04d}"
        (root / item).mkdir(parents=True)
        records = []
        for index in range(files // items):
            body = dice.randbytes(each)
            name = f"{index:02d} track.flac"
            (root / item / name).write_bytes(body)
            total += len(body)
            facts = (root / item / name).stat()
            records.append(
                {
                    "name": name,
                    "source": "original",
                    "format": "Flac",
                    "size": str(len(body)),
                    "mtime": str(int(facts.st_mtime)),
                    "md5": hashlib.md5(body).hexdigest(),
                    "sha1": hashlib.sha1(body).hexdigest(),
                }
            )
        metadata = {
            "identifier": item,
            "title": f"Benchmark {number}",
            "creator": "Nobody",
            "mediatype": "audio",
            "collection": ["benchmark"],
            "licenseurl": "https://creativecommons.org/licenses/by/4.0/",
        }
        record = {
            "created": 1760000000,
            "dir": f"/1/items/{item}",
            "files": records,
            "files_count": len(records),
            "item_last_updated": 1760000000,
            "item_size": sum(int(row["size"]) for row in records),
            "metadata": metadata,
            "server": "ia600001.us.archive.org",
            "uniq": number,
        }
        (root / item / "metadata.json").write_text(json.dumps(record))
    return total


def one_round(work: Path, port: int, number: int) -> tuple[Cost, dict[str, Cost]]:
    """Run both sides, in an order that changes from round to round."""
    sides = [
        lambda: ours(work / f"ours-{number}", port),
        lambda: chain(work / f"chain-{number}", port, work / "corpus"),
    ]
    if number % 2:
        second, first = sides[1](), sides[0]()
        return first, second  # type: ignore[return-value]
    return sides[0](), sides[1]()  # type: ignore[return-value]


def ours(home: Path, port: int) -> Cost:
    """Harvest the corpus with archiver."""
    home.mkdir()
    (home / "archiver.toml").write_text(SETTINGS.format(port=port))
    (home / "bench.toml").write_text(SELECTION)
    os.sync()
    cost = run(
        [str(BIN / "archiver"), "--config", "archiver.toml", "--home", str(home), "-q", "harvest", "bench.toml"],
        cwd=home,
    )
    shutil.rmtree(home)
    return cost


def chain(home: Path, port: int, corpus: Path) -> dict[str, Cost]:
    """Download, compare and bag the corpus with the tools of the field."""
    home.mkdir()
    items = sorted(os.listdir(corpus))
    (home / "items.txt").write_text("\n".join(items) + "\n")
    download = [
        str(BIN / "ia"),
        "-i",
        "-H",
        f"127.0.0.1:{port}/archive.org",
        "download",
        "--itemlist",
        "items.txt",
        "--no-directories",
    ]
    download = [*download[:-1], "--destdir", "items"]
    (home / "items").mkdir()
    os.sync()
    costs = {
        "ia download": run(download, cwd=home),
        "ia download --checksum": run([*download, "--checksum"], cwd=home),
        "bagit.py": run(
            [str(BIN / "bagit.py"), "--sha256", "--sha512", *(f"items/{item}" for item in items)], cwd=home
        ),
    }
    fetched = sum(path.stat().st_size for path in home.glob("items/*/data/*"))
    if fetched < sum(path.stat().st_size for path in corpus.glob("*/*.flac")):
        raise SystemExit(f"the chain did not fetch the corpus; see {home / 'output.txt'}")
    shutil.rmtree(home)
    return costs


def report(rounds: list[tuple[Cost, dict[str, Cost]]], total: int) -> None:
    """Print the figures and the ratios."""
    chains = [sum(costs.values(), Cost()) for _, costs in rounds]
    print(f"{total / 10**9:.2f} GB in {len(rounds)} rounds; medians, with the least and the greatest")
    rows = [("archiver harvest", [ours for ours, _ in rounds])]
    rows += [(name, [costs[name] for _, costs in rounds]) for name in rounds[0][1]]
    rows += [("the chain", chains)]
    print(f"{'':24} {'wall s':>24} {'CPU s':>24} {'read x':>8} {'disk x':>8} {'written x':>10} {'peak MB':>8}")
    for name, costs in rows:
        wall, cpu = spread([cost.wall for cost in costs]), spread([cost.cpu for cost in costs])
        last = costs[-1]
        print(
            f"{name:24} {wall:>24} {cpu:>24} {last.read / total:8.2f} {last.fetched / total:8.2f} "
            f"{last.written / total:10.2f} {last.peak / 10**6:8.0f}"
        )
    pairs = [(ours, other) for (ours, _), other in zip(rounds, chains, strict=True)]
    print(f"wall, archiver / chain: {spread([ours.wall / other.wall for ours, other in pairs])}")
    print(f"CPU, archiver / chain:  {spread([ours.cpu / other.cpu for ours, other in pairs])}")


def free_port() -> int:
    """Return a port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until the server answers, ten seconds at most."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
