"""A harvest beside the chain of tools that does the same work, and beside what no program could undercut.

    python benchmarks/harvest.py forty                # 40 files, 1.1 GB
    python benchmarks/harvest.py tiny [--items 5000]  # 1,000 items of one file of 2 kB
    python benchmarks/harvest.py large                # one file of 4 GiB
    python benchmarks/harvest.py latency              # 100 items, each answer 100 ms late; 16 jobs
    … [--store s3] [--tls] [--beside chain|limits] [--rounds 3] [--json FILE]

From one static server on loopback into a directory store or a bucket. The chain is `ia download`, `ia download --checksum`
(the only way it compares what it fetched), `bagit.py --sha256 --sha512`, and for a bucket `aws s3 sync`, `rclone copy` or
`s5cmd cp`, each into a prefix of its own. The limits are those of `limits.py`. Examining is off, because no other side does it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import peers
from corpora import CORPORA, Corpus
from measuring import Comparison, Cost, Ratio, Report, run, take_turns
from servers import HERE, Bucket, Published, bucket, published

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = "archiver harvest"
FETCH, COMPARE, BAG = CHAIN = ("ia download", "ia download --checksum", "bagit.py")
UPLOADS = {"aws s3 sync": "aws", "rclone copy": "rclone", "s5cmd cp": "s5cmd"}
BARE = "bare loop"
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
{store}
[sources.internet-archive]
endpoint = "{endpoint}"
requests_per_second = 0
[audio]
examine = false
"""
DIRECTORY = 'url = "store/"'
GOALS: dict[str, dict[tuple[str, str], float]] = {
    "forty": {("wall", "the chain"): 0.4, ("cpu", "the chain"): 0.8, ("cpu", BARE): 1.25},
    "tiny": {("wall", FETCH): 0.2},
    "latency": {("wall", FETCH): 0.125},
    "large": {("cpu", BARE): 1.15},
}
"""By corpus, for the directory store: at most this ratio of what, to whom. 0.2 is five times as many items a second."""
GOALS_TLS = GOALS | {"tiny": {("wall", FETCH): 0.1}}
"""The same over TLS, where `ia download` makes a context for each item."""
GOALS_S3: dict[str, dict[tuple[str, str], float]] = {"forty": {("cpu", "the chain, aws s3 sync"): 0.5}}
"""For a bucket."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("--items", type=int)
    parser.add_argument("--megabytes", type=float)
    parser.add_argument("--store", choices=["directory", "s3"], default="directory")
    parser.add_argument("--s3", default="ministack", help="ministack, swift, or the URL of a server (servers.py)")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--beside", choices=["chain", "limits"], default="chain")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    corpus = CORPORA[arguments.corpus].scaled(items=arguments.items, megabytes=arguments.megabytes)
    work = Path(tempfile.mkdtemp(prefix="archiver-bench-"))
    try:
        corpus.build(work / "corpus")
        with published(work / "corpus", latency=corpus.latency, has_tls=arguments.tls) as source:
            sides = Sides(corpus, source, arguments.s3 if arguments.store == "s3" else "")
            rounds = take_turns(work, sides.turns(arguments.beside), rounds=arguments.rounds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report(sides, rounds, beside=arguments.beside).publish(arguments.json)


@dataclass(frozen=True, slots=True)
class Sides:
    """What takes turns over one corpus.

    Attributes:
        s3: The kind of the S3 server; empty for a directory store.
    """

    corpus: Corpus
    source: Published
    s3: str

    def turns(self, beside: str) -> dict[str, Callable[[Path], dict[str, Cost]]]:
        return {OURS: self.ours, beside: self.chain if beside == "chain" else self.limits}

    def ours(self, home: Path) -> dict[str, Cost]:
        """Harvest with archiver, and see that everything is stored."""
        if not self.s3:
            return {OURS: self.harvested(home, DIRECTORY, {})}
        with bucket(self.s3, home / "server") as there:
            store = f'url = "s3://{there.name}/archive"\nendpoint = "{there.endpoint}"\nregion = "us-east-1"'
            return {OURS: self.harvested(home, store, there.keys)}

    def harvested(self, home: Path, store: str, keys: dict[str, str]) -> Cost:
        (home / "archiver.toml").write_text(SETTINGS.format(store=store, endpoint=self.source.url))
        (home / "bench.toml").write_text(SELECTION)
        program = [sys.executable, "-m", "archiver", "--config", "archiver.toml", "--home", str(home)]
        command = [*program, "harvest", "bench.toml", "--jobs", str(self.corpus.jobs)]
        cost = run(command, cwd=home, env={"PYTHONPATH": str(HERE.parent), **keys, **self.source.trust})
        said = (home / "output.txt").read_text()
        if f"{self.corpus.items} stored" not in said:
            raise SystemExit(f"not every item was stored: {said[-2000:]}")
        return cost

    def chain(self, home: Path) -> dict[str, Cost]:
        """Download, compare, bag and upload the corpus with the tools of the field."""
        items = sorted(os.listdir(self.source.corpus))
        (home / "items.txt").write_text("\n".join(items) + "\n")
        (home / "items").mkdir()
        download = [peers.need("ia"), "-H", f"127.0.0.1:{self.source.port}/archive.org"]
        download += ["download", "--itemlist", "items.txt", "--destdir", "items"]
        if self.source.authority is None:
            download.insert(1, "-i")  # http instead of https
        costs = {
            FETCH: run(download, cwd=home, env=self.source.trust),
            COMPARE: run([*download, "--checksum"], cwd=home, env=self.source.trust),
        }
        bag = [peers.need("bagit.py"), "--sha256", "--sha512", *(f"items/{item}" for item in items)]
        costs[BAG] = run(bag, cwd=home)
        fetched = sum(path.stat().st_size for path in home.glob("items/*/data/*"))
        if fetched < self.corpus.bytes:
            raise SystemExit(f"the chain fetched {fetched} bytes: {(home / 'output.txt').read_text()[-2000:]}")
        return costs | self.uploads(home)

    def uploads(self, home: Path) -> dict[str, Cost]:
        if not self.s3:
            return {}
        with bucket(self.s3, home / "server") as there:
            commands = {name: upload(program, there) for name, program in UPLOADS.items() if peers.find(program)}
            return {name: run(command, cwd=home, env=there.rclone) for name, command in commands.items()}

    def limits(self, home: Path) -> dict[str, Cost]:
        """Take the bare loops over the same corpus."""
        loop, corpus = [sys.executable, str(HERE / "limits.py")], str(self.source.corpus)
        host = f"127.0.0.1:{self.source.port}"
        costs = {
            BARE: run([*loop, "harvest", host, corpus, str(home / "items")], cwd=home),
            "raw receive": run([*loop, "receive", host, corpus], cwd=home),
            "SHA-256 loop": run([*loop, "digest", corpus], cwd=home),
        }
        if self.s3:
            with bucket(self.s3, home / "server") as there:
                costs["unsigned PUT"] = run([*loop, "put", there.endpoint.removeprefix("http://"), corpus], cwd=home)
        return costs


def upload(program: str, there: Bucket) -> list[str]:
    """Return the command that takes the bags to a prefix of its own."""
    path = peers.need(program)
    if program == "rclone":
        return [path, "copy", "items", f"m:{there.name}/{program}"]
    options = ["--endpoint-url", there.endpoint]
    if program == "aws":
        return [path, *options, "s3", "sync", "--only-show-errors", "items", f"s3://{there.name}/{program}"]
    return [path, *options, "--log", "error", "cp", "items/", f"s3://{there.name}/{program}/"]


def report(sides: Sides, rounds: list[dict[str, Cost]], *, beside: str) -> Report:
    """Put together what the rounds say: each step, and the chains that are made of them."""
    steps = list(rounds[0])
    made: dict[str, tuple[str, ...]] = {step: (step,) for step in steps}
    compared = [step for step in steps if step not in (*CHAIN, *UPLOADS)]
    missing = []
    if beside == "chain":
        ends = [(f"the chain, {name}", (*CHAIN, name)) for name in UPLOADS if name in steps]
        made |= dict(ends if sides.s3 else [("the chain", CHAIN)])
        compared += [FETCH] if sides.corpus.items > 8 and not sides.s3 else []
        compared += [name for name in made if name.startswith("the chain")]
        missing = peers.missing(*UPLOADS.values()) if sides.s3 else []
    total, items = sides.corpus.bytes, sides.corpus.items
    shown = Comparison(rounds, made, total, items)
    goals = GOALS_S3 if sides.s3 else GOALS_TLS if sides.source.authority else GOALS
    ratios = Comparison(rounds, {side: made[side] for side in compared}, total, items).ratios(
        goals.get(sides.corpus.name, {})
    )
    if sides.corpus.name in ("forty", "large"):
        ours, most = shown.costs(OURS), 1.0 if sides.s3 else 0.05
        ratios.append(Ratio("bytes written for each byte harvested", [cost.written / total for cost in ours], 1.0))
        ratios.append(Ratio("bytes that the disk had to give for each", [cost.fetched / total for cost in ours], most))
    where = f"an S3 server ({sides.s3})" if sides.s3 else "a directory store"
    told = (
        f"{str(sides.corpus)[:-1]}, {'over TLS ' if sides.source.authority else ''}into {where}, {len(rounds)} rounds."
    )
    return Report(told, shown.table(), ratios, missing, {"bytes": total, "items": items, "rounds": rounds})


if __name__ == "__main__":
    main()
