"""What an audit promises, tried from outside on 300 bags in a directory and in S3: each line that fails ends the run.

python benchmarks/fixity_for_life.py [BAGS]        # minutes
"""

from __future__ import annotations

import hashlib
import random
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive, Result
from tests.servers.s3_servers import BUCKET, S3Server, run_ministack

if TYPE_CHECKING:
    from collections.abc import Callable

Place = tuple[str, str]
"""A store and the key of an object in it."""
Finding = tuple[str, str, str]
"""Store, key, code."""
MANIFESTS = ("sha256", "sha512")


class Objects:
    """The objects of both stores, reached behind the archive's back."""

    def __init__(self, archive: Archive, server: S3Server) -> None:
        self.archive = archive
        self.client = server.client()

    def read(self, place: Place) -> bytes:
        store, key = place
        if store == "primary":
            return (self.archive.store() / key).read_bytes()
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=f"archive/{key}")["Body"].read()
        return body

    def write(self, place: Place, content: bytes) -> None:
        store, key = place
        if store == "primary":
            self.delete(place)
            (self.archive.store() / key).write_bytes(content)
        else:
            self.client.put_object(Bucket=BUCKET, Key=f"archive/{key}", Body=content)

    def delete(self, place: Place) -> None:
        store, key = place
        if store == "primary":
            (self.archive.store() / key).unlink(missing_ok=True)
        else:
            self.client.delete_object(Bucket=BUCKET, Key=f"archive/{key}")

    def make_unreadable(self, place: Place, *, how: int) -> None:
        path = self.archive.store() / place[1]
        path.unlink()
        if how % 2:
            path.mkdir()
        else:
            path.symlink_to("/dev/null")

    def digests(self, bags: list[str]) -> dict[Place, str]:
        """Return SHA-256 of everything that lies below the bags, in both stores; what cannot be read is left out."""
        found: dict[Place, str] = {}
        root = self.archive.store()
        for bag in bags:
            for path in (root / bag).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    found["primary", str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"archive/{bag}/")
            for page in pages:
                for one in page.get("Contents", ()):
                    place = ("mirror", one["Key"].removeprefix("archive/"))
                    found[place] = hashlib.sha256(self.read(place)).hexdigest()
        return found


def content(name: str) -> bytes:
    return random.Random(name).randbytes(6000)


def item(number: int) -> DoubleItem:
    files = tuple(DoubleFile(f"{part}.dat", content(f"{number}/{part}")) for part in "ab")
    return DoubleItem(
        f"item-{number:04}", files, {"licenseurl": LICENCE, "title": f"Item {number}", "mediatype": "audio"}
    )


def flip(bytes_: bytes) -> bytes:
    return bytes_[:1000] + bytes([bytes_[1000] ^ 1]) + bytes_[1001:]


CHANGES: tuple[Callable[[bytes], bytes], ...] = (
    flip,
    lambda bytes_: bytes_[:-7],
    lambda bytes_: bytes_ + b"more",
    lambda bytes_: bytes_[:512] + bytes(512) + bytes_[1024:],
)


def damage(objects: Objects, bags: list[str], files: int) -> set[Finding]:
    """Damage so many files in eight ways, one way a bag, in both stores; return the findings they deserve."""
    wanted: set[Finding] = set()
    done = number = 0
    while done < files:
        bag, way = bags[number], number % 8
        store = "primary" if number // 8 % 2 or way == 7 else "mirror"
        one, other = ((store, f"{bag}/data/{part}.dat") for part in "ab")
        number += 1
        done += 1
        if way < 4:
            objects.write(one, CHANGES[way](objects.read(one)))
            wanted.add((*one, "OBJECT_CHANGED"))
        elif way == 4:
            objects.delete(one)
            wanted.add((*one, "OBJECT_MISSING"))
        elif way == 5:
            first, second = objects.read(one), objects.read(other)
            objects.write(one, second)
            objects.write(other, first)
            wanted |= {(*one, "OBJECT_CHANGED"), (*other, "OBJECT_CHANGED")}
            done += 1
        elif way == 6:
            wanted |= forge(objects, store, bag)
        else:
            objects.make_unreadable(one, how=number // 8)
            wanted.add((*one, "OBJECT_UNREADABLE"))
    return wanted


def forge(objects: Objects, store: str, bag: str) -> set[Finding]:
    """Replace a file, and its lines in both payload manifests."""
    one = store, f"{bag}/data/a.dat"
    changed = objects.read(one)[::-1]
    objects.write(one, changed)
    for algorithm in MANIFESTS:
        place = store, f"{bag}/manifest-{algorithm}.txt"
        digest = hashlib.new(algorithm, changed).hexdigest()
        lines = objects.read(place).decode().splitlines()
        text = "".join(f"{digest}  data/a.dat\n" if line.endswith("  data/a.dat") else f"{line}\n" for line in lines)
        objects.write(place, text.encode())
    return {(*one, "OBJECT_CHANGED")} | {
        (store, f"{bag}/manifest-{algorithm}.txt", "MANIFEST_ALTERED") for algorithm in MANIFESTS
    }


def found_in(result: Result) -> set[Finding]:
    findings = [record["finding"] for record in result.records if "finding" in record]
    return {(one["store"], one["where"], one["code"]) for one in findings}


def expect(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        told = ""
        if isinstance(actual, set) and isinstance(expected, set):
            told = f"\n  not found: {sorted(expected - actual)[:5]}\n  false: {sorted(actual - expected)[:5]}"
        raise SystemExit(f"FAILED: {what}: expected {str(expected)[:300]}, actual {str(actual)[:300]}{told}")
    print(f"  {what}", flush=True)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as place, contextmanager(run_ministack)(Path(place)) as server:
        archive = harvested(Path(place) / "archive", server, number)
        objects = Objects(archive, server)
        bags = [path.relative_to(archive.store()).as_posix() for path in archive.bags().values()]
        random.Random(7).shuffle(bags)
        for act in (damaged_and_repaired, both_bad, rebuilt, killed, backlog, five_of_a_thousand):
            began = time.perf_counter()
            print(act.__name__.replace("_", " "), flush=True)
            act(archive, objects, bags)
            print(f"  {time.perf_counter() - began:.0f} s", flush=True)


def harvested(root: Path, server: S3Server, number: int) -> Archive:
    keys = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    bucket = {"url": f"s3://{BUCKET}/archive", "endpoint": server.endpoint, "region": "us-east-1"}
    with ArchiveDouble([item(one) for one in range(number)]) as double:
        archive = Archive(
            root,
            double.url,
            {"primary": {"url": "store/"}, "mirror": bucket},
            source={"timeout": "60"},
            extra_environment=keys,
        )
        done = run(archive, "harvest", "all", "--jobs", "8")
    expect(f"{number} bags harvested into a directory and a bucket", (done.status, done.summary["stored"]), (0, number))
    # From here on the source is not there: what is put right comes from the other store.
    return Archive(root, "http://127.0.0.1:9", archive.stores, source={"tries": "1"}, extra_environment=keys)


def run(archive: Archive, *arguments: str) -> Result:
    return archive.run(*arguments, "--output", "jsonl", timeout=3600)


def audited(archive: Archive, *options: str) -> Result:
    return run(archive, "audit", *(options or ("--all",)))


def damaged_and_repaired(archive: Archive, objects: Objects, bags: list[str]) -> None:
    before = objects.digests(bags)
    wanted = damage(objects, bags, min(200, len(bags) * 2 // 3))
    done = audited(archive)
    expect(
        f"{len(wanted)} findings of files damaged in eight ways, each under its code, none false",
        found_in(done),
        wanted,
    )
    expect("exit status 1", done.status, 1)
    rehearsed = run(archive, "repair", "--dry-run")
    expect(
        "a dry run of the repair ends with 1 and changes nothing",
        (rehearsed.status, found_in(audited(archive))),
        (1, wanted),
    )
    expect("repair ends with 0", run(archive, "repair").status, 0)
    again = audited(archive)
    expect("a second audit is clean", (again.status, found_in(again)), (0, set()))
    expect("every object has the bytes it had", objects.digests(bags), before)


def both_bad(archive: Archive, objects: Objects, bags: list[str]) -> None:
    places: list[Place] = [(store, f"{bags[0]}/data/a.dat") for store in ("primary", "mirror")]
    sound = objects.read(places[0])
    for one in places:
        objects.write(one, flip(sound))
    done = audited(archive)
    expect("both copies bad: exit status 1 and both found", (done.status, len(found_in(done))), (1, 2))
    nexts = {record["finding"]["next"] for record in done.records if "finding" in record}
    expect(
        "the next command is given",
        all(one.startswith("archiver repair internet-archive/item-") for one in nexts),
        expected=True,
    )
    repaired = run(archive, "repair")
    details = [record["repair"]["detail"] for record in repaired.records if "repair" in record]
    expect("repair cannot and ends with 1", repaired.status, 1)
    expect("and says what to do", all("next: archiver" in one for one in details), expected=True)
    for one in places:
        objects.write(one, sound)
    expect("clean again", audited(archive).status, 0)


def rebuilt(archive: Archive, _: Objects, __: list[str]) -> None:
    listed = archive.run("list", "--output", "jsonl", timeout=600).out
    for store in ("primary", "mirror"):
        for file in archive.root.glob("catalogue.sqlite*"):
            file.unlink()
        expect(f"the catalogue is rebuilt from {store}", run(archive, "rebuild", "--from", store).status, 0)
        expect("list is identical", archive.run("list", "--output", "jsonl", timeout=600).out, listed)


def killed(archive: Archive, objects: Objects, bags: list[str]) -> None:
    sound = objects.digests(bags)
    damage(objects, bags, min(40, len(bags) * 2 // 3))
    audited(archive)

    def good() -> int:
        """Files of which sound bytes lie somewhere in their store, counted for each store."""
        now = objects.digests([*bags, "archive/repair"])
        beside = {digest for (_, key), digest in now.items() if key.startswith("archive/repair/")}
        return sum(now.get(place) == digest or digest in beside for place, digest in sound.items())

    before = good()
    began = time.perf_counter()
    run(archive, "audit", "--item", "item-0000")
    start = time.perf_counter() - began  # what a run takes before it does anything, on this machine and now
    for moment in range(10):
        process = archive.start("repair")
        time.sleep(start * (0.6 + 0.1 * moment))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        now = good()
        if now < before:
            raise SystemExit(f"FAILED: killed at moment {moment}: {before} sound files before, {now} now")
        before = now
    print("  ten kills of a repair: never fewer sound files than before", flush=True)
    expect("the next repair finishes", run(archive, "repair").status, 0)
    expect("clean", audited(archive).status, 0)
    expect("nothing lies beside any more", objects.digests(["archive/repair"]), {})
    expect("every object has the bytes it had", objects.digests(bags), sound)


def backlog(archive: Archive, _: Objects, bags: list[str]) -> None:
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue, catalogue:
        catalogue.execute(
            "UPDATE copy SET checked_at = datetime('2020-01-01', '+' || ((aip_id * 7919 + length(store)) % 50000) || "
            "' minutes') || '.000000'"
        )
    seen: list[tuple[str, str, str]] = []
    runs = 0
    while runs < 50:
        done = audited(archive, "--due", "--max-requests", str(40 * len(bags) // 6), "--jobs", "1")
        runs += 1
        checked = [record["checked"] for record in done.records if "checked" in record]
        seen += [(one["last_checked_at"], one["store"], one["key"]) for one in checked]
        if not done.summary["left"]:
            break
        expect(
            f"run {runs} of a backlog: {len(checked)} checked, {done.summary['left']} left, status 1", done.status, 1
        )
    expect("the last run ends with 0", done.status, 0)
    expect("every copy was checked once", len({one[1:] for one in seen}), len(seen))
    expect("none was skipped", len(seen), 2 * len(bags))
    expect("the longest unchecked came first", [one[0] for one in seen], sorted(one[0] for one in seen))
    if runs < 3:
        raise SystemExit("FAILED: the budget ended no run")


def five_of_a_thousand(archive: Archive, objects: Objects, bags: list[str]) -> None:
    victims = [f"{bag}/data/a.dat" for bag in bags[:5]]
    for key in victims:
        objects.make_unreadable(("primary", key), how=0)
    done = audited(archive, "--all", "--store", "primary")
    expect("five objects that cannot be read: exit status 3", done.status, 3)
    expect(
        "each is named, and nothing else", found_in(done), {("primary", key, "OBJECT_UNREADABLE") for key in victims}
    )
    expect("of more than a thousand", done.summary["objects"] > 1000 or len(bags) < 100, expected=True)
    expect("they are repaired", (run(archive, "repair").status, audited(archive).status), (0, 0))


if __name__ == "__main__":
    main()
