"""Break bags at random and see that none of them breaks us.

    python benchmarks/fuzz_bags.py [--count 100000] [--seed 1] [--seconds 0]

Tag files, manifests, fetch files, tar headers, pax records, zip directories and compressed streams are changed: bytes flipped, cut,
repeated, lines swapped, hostile words put in. Each mutant is judged as a directory of objects, a tar, a tar with gzip or zstandard, or a zip.
It counts as a fault when

* anything but a verdict or an error of our own comes out, or a verdict takes longer than 20 seconds;
* a file outside the working directory is opened for writing, made, renamed or linked, or any address is connected to (the interpreter's
  own audit events tell);
* a bag is called valid although a payload file's SHA-256 and SHA-512 stand in none of its manifests.

The seed of each mutant is printed with the fault: `--only SEED` runs that one again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import random
import signal
import struct
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from archiver.containers.opening import open_archive
from archiver.containers.tars import TarPlace
from archiver.containers.zips import ZipPlace
from archiver.core.errors import ArchiverError, ObjectNotFoundError
from archiver.core.objects import ObjectFacts
from archiver.staging.scratch import DiskScratch
from archiver.workflows.judge_bag import Room
from archiver.workflows.verify import verify, verify_archive, verify_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.core.findings import BagVerdict

FORMS = ("objects", "tar", "tar.gz", "tar.zst", "zip")
LONGEST = 20
"""Seconds for one mutant."""
WORDS = [
    *(
        b"../",
        b"/etc/passwd",
        b"~root/x",
        b"C:\\",
        b"\\\\?\\UNC\\",
        b"%0A",
        b"%0d",
        b"%25",
        b"%",
        b"*",
        b"./",
        b"data/",
        b"data/../",
    ),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b" ",
        b"\t",
        b"\0",
        b"\x0b",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ),
    *(b"99999999999999999999", b"-1", b"0x10", b"1e9", b"\xd9\xa0", b"BagIt-Version: 1.0\n", b"BagIt-Version: 0.96\n"),
    *(
        b"Payload-Oxum: 1.1\n",
        b"https://example.org/ - data/a.txt\n",
        b"http://[::1]/ 1 data/x\n",
        b"http://%00/ 1 data/x\n",
    ),
    *(
        b"utf-16",
        b"utf-7",
        b"hz",
        b"idna",
        b"punycode",
        b"rot13",
        b"base64",
        b"unicode_escape",
        b"cp037",
        b"utf-8-sig",
        b"mbcs",
    ),
    *(
        b"manifest-sha256.txt",
        b"tagmanifest-sha512.txt",
        b"0" * 64,
        b"F" * 128,
        b"e\xcc\x81",
        b"\xc3\xa9",
        b"CON",
        b"A" * 300,
    ),
]


class Objects:
    """Objects in memory, as a store has them."""

    name = ""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        for key, content in self.objects.items():
            if key.startswith(prefix):
                yield ObjectFacts(key, len(content))

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        if key not in self.objects:
            raise ObjectNotFoundError(key)
        yield iter([self.objects[key]])


class Here:
    """An engine that runs everything here, so that an alarm reaches it."""

    def over(self, function: Callable, values: Iterable) -> Iterator:
        return map(function, values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long; 0 for never")
    parser.add_argument("--only", type=int, help="run the mutant of this seed alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="archiver-fuzz-") as place:
        fuzz = Fuzz(Path(place))
        began = time.monotonic()
        seeds = (
            [arguments.only] if arguments.only is not None else range(arguments.seed, arguments.seed + arguments.count)
        )
        for number, seed in enumerate(seeds, start=1):
            fuzz.one(seed)
            if number % 5000 == 0:
                print(f"{number} bags, {time.monotonic() - began:.0f} s, {len(fuzz.faults)} faults", flush=True)
            if arguments.seconds and time.monotonic() - began > arguments.seconds:
                break
    print(
        f"{fuzz.number} mutated bags from seed {arguments.seed}, {time.monotonic() - began:.0f} s: {len(fuzz.faults)} faults"
    )
    print(", ".join(f"{number} {what}" for what, number in sorted(fuzz.seen.items())))
    for fault in fuzz.faults[:8]:
        print(fault)
    raise SystemExit(1 if fuzz.faults else 0)


class Fuzz:
    """Makes mutants and judges them.

    Args:
        place: An empty directory; nothing may be written elsewhere.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.faults: list[str] = []
        self.seen: Counter[str] = Counter()
        self.number = 0
        self.touched: list[str] = []
        self.watching = False
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple) -> None:
        """Note what would leave the working directory; reading is free."""
        if not self.watching:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or set(mode or "") & {
                *"wax+"
            }
            # `O_TMPFILE` gives a file without a name in the directory for temporary files.
            own = (str(self.place), tempfile.gettempdir() + "/archiver-")
            if writes and isinstance(path, str) and path != tempfile.gettempdir() and not path.startswith(own):
                self.touched.append(f"open {path!r}")
        elif event in {
            "os.mkdir",
            "os.rename",
            "os.link",
            "os.symlink",
            "os.remove",
            "os.truncate",
            "socket.connect",
            "subprocess.Popen",
        }:
            self.touched.append(f"{event} {arguments[:2]!r}")

    def one(self, seed: int) -> None:
        """Make the mutant of a seed and judge it."""
        self.number += 1
        draw = random.Random(seed)
        form = draw.choice(FORMS)
        objects, judge = mutant(draw, form, self.place / "bag")
        self.touched.clear()
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(LONGEST)
        self.watching = True
        verdicts: list[BagVerdict] = []
        try:
            verdicts = judge()
            outcome = "valid" if all(verdict.is_valid for verdict in verdicts) else "not valid"
        except ArchiverError as error:
            outcome = f"error {type(error).__name__}"
        except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
            outcome = "fault"
            self.faults.append(f"seed {seed}, {form}: {traceback.format_exc(limit=-4)}")
        finally:
            self.watching = False
            signal.alarm(0)
        if self.touched:
            self.faults.append(f"seed {seed}, {form}: {self.touched[:3]}")
        if outcome == "valid" and objects is not None and not is_proven(objects):
            self.faults.append(f"seed {seed}, {form}: valid, and a payload file is in no manifest")
        self.seen[f"{form} {outcome}"] += 1


def too_long(*_: object) -> None:
    raise TimeoutError(f"no verdict within {LONGEST} seconds")


def mutant(
    draw: random.Random, form: str, path: Path
) -> tuple[dict[str, bytes] | None, Callable[[], list[BagVerdict]]]:
    """Return the objects of a mutated bag (None where only its archive was changed) and what judges it."""
    objects = bag(draw)
    rows = draw.choice([2, 40_000])
    room = Room(lambda: DiskScratch(path.parent, rows=rows), together=draw.choice([1, 64]))
    if form == "objects":
        change_objects(draw, objects)
        return objects, lambda: [verify(Objects(objects), "", files=Here(), room=room)]
    packed, is_inside = mutated_archive(draw, form, objects)
    path.write_bytes(packed)

    def judge() -> list[BagVerdict]:
        archive = open_archive(path)
        if archive is None:
            raise ObjectNotFoundError("no archive")
        if isinstance(archive, TarPlace | ZipPlace):
            return list(verify_archive(archive, files=Here(), room=room))
        return [verify_stream(archive, room=room)]

    return (objects if is_inside else None), judge


def mutated_archive(draw: random.Random, form: str, objects: dict[str, bytes]) -> tuple[bytes, bool]:
    """Return an archive, and whether only the bag in it was changed."""
    is_inside = draw.random() < 0.4
    if is_inside:
        change_objects(draw, objects)
    packed = zipped(draw, objects) if form == "zip" else tarred(draw, objects)
    if not is_inside:
        packed = change_zip(draw, packed) if form == "zip" else change_tar(draw, packed)
    if form in {"tar", "zip"}:
        return packed, is_inside
    packed = gzip.compress(packed, 1) if form == "tar.gz" else zstandard.ZstdCompressor(level=1).compress(packed)
    return (change(draw, packed), False) if draw.random() < 0.2 else (packed, is_inside)


def bag(draw: random.Random) -> dict[str, bytes]:
    """Return a bag that is right."""
    names = draw.sample(
        ["a.txt", "sub/b.flac", "100%.txt", "c\nd.txt", "e f.txt", "\u00e9.txt", "CON.txt", "x" * 100],
        draw.randint(1, 4),
    )
    payload = {f"data/{name}": draw.randbytes(draw.randint(0, 40)) for name in names}
    version = draw.choice(["1.0", "1.0", "0.97", "0.93"])
    objects = dict(payload)
    objects["bagit.txt"] = f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n".encode()
    size = sum(map(len, payload.values()))
    objects["bag-info.txt"] = f"Source-Organization: x\n  continued\nPayload-Oxum: {size}.{len(payload)}\n".encode()
    algorithms = draw.choice([("sha256",), ("sha256", "sha512"), ("md5", "sha256", "sha512")])
    for algorithm in algorithms:
        objects[f"manifest-{algorithm}.txt"] = manifest(algorithm, payload)
    if draw.random() < 0.4:
        objects["fetch.txt"] = f"https://example.org/a 3 {escaped(next(iter(payload)))}\n".encode()
    objects["metadata/notes.txt"] = b"notes"
    tags = {name: content for name, content in objects.items() if not name.startswith("data/")}
    for algorithm in algorithms[: draw.randint(0, 2)]:
        objects[f"tagmanifest-{algorithm}.txt"] = manifest(algorithm, tags)
    return objects


def manifest(algorithm: str, files: dict[str, bytes]) -> bytes:
    return "".join(
        f"{hashlib.new(algorithm, body).hexdigest()}  {escaped(name)}\n" for name, body in files.items()
    ).encode()


def escaped(name: str) -> str:
    return name.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def change_objects(draw: random.Random, objects: dict[str, bytes]) -> None:
    """Change contents, names, and what is there."""
    for _ in range(draw.randint(1, 3)):
        name = draw.choice(sorted(objects))
        kind = draw.random()
        if kind < 0.75:
            tags = [one for one in sorted(objects) if not one.startswith("data/")] or [name]
            name = draw.choice(tags)
            objects[name] = change(draw, objects[name])
        elif kind < 0.85 and len(objects) > 1:
            del objects[name]
        elif kind < 0.95:
            new = draw.choice(
                [
                    "data/new",
                    "manifest-xxh3.txt",
                    "manifest-SHA256.txt",
                    "tagmanifest-md5.txt",
                    "data",
                    "fetch.txt",
                    "data/\u0301e",
                ]
            )
            objects[new] = objects[name]
        else:
            objects[name] = change(draw, objects[name]) * draw.randint(1, 200)


def change(draw: random.Random, content: bytes) -> bytes:
    """Change bytes, words or lines."""
    body = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at, kind = draw.randint(0, len(body)), draw.randint(0, 6)
        if kind == 0 and body:
            body[at % len(body)] ^= 1 << draw.randint(0, 7)
        elif kind == 1:
            del body[at : at + draw.randint(1, 40)]
        elif kind == 2:
            body[at:at] = draw.choice(WORDS)
        elif kind == 3:
            body[at : at + draw.randint(1, 8)] = draw.choice(WORDS)
        elif kind == 4:
            body[at:at] = body[at : at + draw.randint(1, 80)]
        elif kind == 5:
            lines = bytes(body).splitlines(keepends=True)
            draw.shuffle(lines)
            body = bytearray(b"".join(lines + lines[: draw.randint(0, 1)]))
        else:
            body = bytearray(bytes(body).replace(b"\n", draw.choice([b"\r", b"\r\n", b"\n\n", b"\0"])))
    return bytes(body)


def tarred(draw: random.Random, objects: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    kind = draw.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
        for name, content in objects.items():
            info = tarfile.TarInfo(f"bag/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def change_tar(draw: random.Random, packed: bytes) -> bytes:  # noqa: C901 - one branch for each kind of change
    """Change headers, mostly with their checksum put right again, so that the change is believed."""
    body = bytearray(packed)
    headers = [at for at in range(0, len(body), 512) if body[at + 257 : at + 262] == b"ustar"]
    for _ in range(draw.randint(1, 3)):
        at = draw.choice(headers) if headers else 0
        kind = draw.randint(0, 5)
        if at + 512 > len(body):
            break
        if kind == 0:
            body[at + draw.randint(0, 511)] = draw.randrange(256)
        elif kind == 1:
            body[at + 124 : at + 136] = draw.choice(
                [
                    b"77777777777\0",
                    b"\x80" + b"\xff" * 11,
                    b"-0000000001\0",
                    b"00000000000\0",
                    b"\xff" * 12,
                    b"           \0",
                ]
            )
        elif kind == 2:
            body[at + 156] = draw.choice(b"01234567xgLKSDNV\0A")
        elif kind == 3:
            name = draw.choice(WORDS)[:100]
            body[at : at + 100] = name.ljust(100, b"\0")
        elif kind == 4:
            record = draw.choice(
                [
                    b"30 path=../../evil\n",
                    b"11 size=-1\n",
                    b"20 size=99999999999\n",
                    b"99999999999 path=x\n",
                    b"18 path=bag/\xff\xfe\n",
                    b"22 GNU.sparse.major=1\n",
                    b"0 x=\n",
                ]
            )
            header = tarfile.TarInfo("pax")
            header.type, header.size = draw.choice([tarfile.XHDTYPE, tarfile.XGLTYPE]), len(record)
            body[at:at] = header.tobuf() + record.ljust(512, b"\0")
            headers = []
        else:
            del body[draw.randint(0, len(body)) :]
            headers = [one for one in headers if one + 512 <= len(body)]
        if draw.random() < 0.8 and at + 512 <= len(body):
            body[at + 148 : at + 156] = b"        "
            body[at + 148 : at + 156] = b"%06o\0 " % sum(body[at : at + 512])
        if not body:
            break
        headers = headers or [one for one in range(0, len(body) - 511, 512) if body[one + 257 : one + 262] == b"ustar"]
    return bytes(body)


def zipped(draw: random.Random, objects: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    method = draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in objects.items():
            archive.writestr(f"bag/{name}", content)
    return stream.getvalue()


def change_zip(draw: random.Random, packed: bytes) -> bytes:
    """Change the directory, the record at the end, local headers or anything."""
    body = bytearray(packed)
    marks = [mark for mark in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06") if mark in body]
    for _ in range(draw.randint(1, 4)):
        places = [at for mark in marks for at in [body.find(mark, draw.randint(0, len(body)))] if at >= 0]
        at = draw.choice(places) if places else draw.randint(0, len(body))
        kind = draw.randint(0, 4)
        if kind == 0 and body:
            body[min(at + draw.randint(0, 45), len(body) - 1)] = draw.randrange(256)
        elif kind == 1:
            field = at + draw.choice([10, 16, 20, 24, 28, 30, 32, 42])
            body[field : field + 4] = draw.choice(
                [b"\xff\xff\xff\xff", bytes(4), struct.pack("<L", draw.randrange(1 << 32))]
            )
        elif kind == 2:
            word = draw.choice(WORDS)
            body[at + 46 : at + 46 + len(word)] = word
        elif kind == 3:
            body = bytearray(change(draw, bytes(body)))
        else:
            del body[draw.randint(0, len(body)) :]
    return bytes(body)


def is_proven(objects: dict[str, bytes]) -> bool:
    """Tell by other means whether each payload file's digest stands in a manifest; for bags that are called valid."""
    said = b"".join(body for name, body in objects.items() if name.startswith("manifest-")).replace(b"\0", b"").lower()
    payload = [body for name, body in objects.items() if name.startswith("data/")]
    return all(
        any(hashlib.new(a, body).hexdigest().encode() in said for a in ("md5", "sha256", "sha512")) for body in payload
    )


if __name__ == "__main__":
    main()
