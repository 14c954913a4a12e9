"""Mutate small audio files and examine each: nothing may end the run, hang, open another file or reach a socket, or grow.

    python benchmarks/fuzz_audio.py [--count 20000] [--seed 1] [--jobs 2] [--keep DIRECTORY]

The files are made here, one of each format. A mutation flips, cuts, doubles, moves and inserts bytes, writes extreme numbers, crosses
two files, and puts in what names other files and addresses. A directory of decoys is watched by the kernel (inotify), a loopback
socket counts who comes. What ends a process that decodes is a finding about that file; those files are kept and counted.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import select
import socket
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import av
import damages
import numpy as np
import soundfile

from archiver.audio.pool import Pool
from archiver.core.examinations import Remark

if TYPE_CHECKING:
    from archiver.core.examinations import Examination

SLOWEST = 30
"""Seconds of computing that a mutated second of sound may take; the clock's limit is twice that."""
EXTREMES = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\xff" * 8, b"\0" * 16]
IN_OPEN, IN_ACCESS = 0x20, 0x1


def seeds(work: Path) -> list[tuple[str, bytes]]:
    """Return a name and the bytes of each kind of file."""
    sound = damages.music(3, 1)
    kinds = [
        ("a.mp3", "libmp3lame", {"bit_rate": 64000}),
        ("b.flac", "flac", {}),
        ("c.m4a", "aac", {"bit_rate": 64000}),
        ("d.m4a", "alac", {"fmt": "s16p"}),
        ("e.opus", "libopus", {"rate": 48000, "bit_rate": 64000}),
        ("f.wv", "wavpack", {"fmt": "s16p"}),
        ("g.wav", "pcm_s16le", {}),
        ("h.aiff", "pcm_s16be", {}),
        ("i.w64", "pcm_s24le", {}),
        ("j.caf", "pcm_s16be", {}),
        ("k.au", "pcm_s16be", {}),
        ("l.aac", "aac", {"bit_rate": 64000}),
        ("m.mka", "libopus", {"rate": 48000}),
        ("n.wma", "wmav2", {"bit_rate": 96000}),
        ("o.tta", "tta", {}),
        ("p.mp2", "mp2", {"bit_rate": 128000}),
    ]
    for name, codec, options in kinds:
        damages.encode(work / name, codec, sound[:, :30000], **options)
    soundfile.write(work / "q.ogg", sound[:, :30000].T.astype(np.float32) / 32768, 44100, subtype="VORBIS")
    found = [(path.name, path.read_bytes()) for path in sorted(work.glob("?.*"))]
    data = os.environ.get("ARCHIVER_TEST_DATA")
    if data and (shorten := Path(data) / "audio/good/clip.shn").is_file():
        found.append(("r.shn", shorten.read_bytes()[:40000]))
    return found


class Mutator:
    """Makes mutations; the same seed makes the same ones."""

    def __init__(self, files: list[tuple[str, bytes]], names: list[bytes], seed: int) -> None:
        self.files, self.names, self.rng = files, names, random.Random(seed)

    def next(self) -> tuple[str, bytes]:
        """Return a name and mutated bytes."""
        name, content = self.rng.choice(self.files)
        data = bytearray(content)
        for _ in range(self.rng.choice((1, 1, 2, 3, 8))):
            self.rng.choice(
                (self.flip, self.cut, self.extreme, self.zero, self.double, self.insert, self.cross, self.point)
            )(data)
        if self.rng.random() < 0.1:
            name = name[:2] + self.rng.choice(["mp3", "flac", "ogg", "wav", "m4a", "aac"])
        return name, bytes(data)

    def place(self, data: bytearray) -> int:
        """Return a place: heads are hit as often as everything else."""
        return self.rng.randrange(min(len(data), 300)) if self.rng.random() < 0.5 else self.rng.randrange(len(data))

    def flip(self, data: bytearray) -> None:
        for _ in range(self.rng.choice((1, 4, 60))) if data else ():
            data[self.place(data)] ^= 1 << self.rng.randrange(8)

    def cut(self, data: bytearray) -> None:
        if data:
            at = self.place(data)
            del data[at : at + self.rng.choice((1, 7, 300, len(data)))]

    def extreme(self, data: bytearray) -> None:
        if data:
            at, value = self.place(data), self.rng.choice(EXTREMES)
            data[at : at + len(value)] = value

    def zero(self, data: bytearray) -> None:
        if data:
            at = self.place(data)
            data[at : at + 500] = bytes(len(data[at : at + 500]))

    def double(self, data: bytearray) -> None:
        if data:
            at = self.place(data)
            data[at:at] = data[at : at + self.rng.choice((4, 100, 3000))] * self.rng.choice((1, 3, 30))

    def insert(self, data: bytearray) -> None:
        at = self.place(data) if data else 0
        data[at:at] = self.rng.randbytes(self.rng.choice((1, 4, 200)))

    def cross(self, data: bytearray) -> None:
        other = self.rng.choice(self.files)[1]
        at = self.place(data) if data else 0
        data[at:] = other[self.rng.randrange(len(other)) :]

    def point(self, data: bytearray) -> None:
        """Put in something that names another file."""
        place = self.rng.choice(self.names)
        kind = self.rng.choice(
            [
                b"ffconcat version 1.0\nfile " + place + b"\n",
                b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n" + place + b"\n",
                b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n",
                b"<?xml version='1.0'?><MPD><BaseURL>" + place + b"</BaseURL></MPD>",
                len(place).to_bytes(4, "big")
                + b"dref\0\0\0\0\0\0\0\1"
                + (12 + len(place)).to_bytes(4, "big")
                + b"alis"
                + place,
                b"url \0\0\0\0" + place + b"\0",
            ]
        )
        at = 0 if self.rng.random() < 0.6 or not data else self.place(data)
        data[at : at + (len(kind) if self.rng.random() < 0.5 else 0)] = kind


class Decoys:
    """Files that nobody may open, and a socket that nobody may come to."""

    def __init__(self, work: Path) -> None:
        self.directory = work / "decoys"
        self.directory.mkdir()
        self.file = self.directory / "secret.wav"
        damages.encode(self.file, "pcm_s16le", damages.music(2, 1)[:, :5000])
        self.server = socket.create_server(("127.0.0.1", 0))
        libc = ctypes.CDLL(None, use_errno=True)
        self.watch = libc.inotify_init1(os.O_NONBLOCK)
        if libc.inotify_add_watch(self.watch, os.fsencode(self.directory), IN_OPEN | IN_ACCESS) < 0:
            raise SystemExit("the kernel watches no directory here")

    @property
    def names(self) -> list[bytes]:
        port = self.server.getsockname()[1]
        inside = os.fsencode(self.file)
        return [inside, b"file:" + inside, b"file://" + inside, b"secret.wav", f"http://127.0.0.1:{port}/x".encode()]

    def touched(self) -> bool:
        """Tell whether anybody came."""
        return bool(select.select([self.watch, self.server], [], [], 0)[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "archiver-fuzz-kept")
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    with tempfile.TemporaryDirectory(prefix="archiver-fuzz-") as directory:
        work = Path(directory)
        decoys = Decoys(work)
        mutator = Mutator(seeds(work), [*decoys.names, b"../decoys/secret.wav"], arguments.seed)
        return run(arguments, work, decoys, mutator)


def run(arguments: argparse.Namespace, work: Path, decoys: Decoys, mutator: Mutator) -> int:
    """Examine mutation after mutation, print what came of them, and return the exit status."""
    room, verdicts, died = Pool(arguments.jobs, seconds=SLOWEST), Counter(), Counter()
    slowest, opened, began, memory = 0.0, 0, time.monotonic(), Counter()
    (work / "in").mkdir()

    def one(number: int, name: str, content: bytes) -> tuple[Examination, float, Path]:
        path = work / "in" / f"{number}-{name}"
        path.write_bytes(content)
        started = time.monotonic()
        return room.examine(path, name=name), time.monotonic() - started, path

    with ThreadPoolExecutor(arguments.jobs) as threads:
        for first in range(0, arguments.count, 200):
            batch = [(number, *mutator.next()) for number in range(first, min(first + 200, arguments.count))]
            for found, seconds, path in threads.map(lambda values: one(*values), batch):
                verdicts[found.verdict.value] += 1
                slowest = max(slowest, seconds)
                for remark in found.remarks:
                    if remark.code in {Remark.WORKER_DIED, Remark.LIMIT}:
                        died[f"{remark.code}: {remark.detail}"[:100]] += 1
                        arguments.keep.mkdir(parents=True, exist_ok=True)
                        (arguments.keep / f"{arguments.seed}-{path.name}").write_bytes(path.read_bytes())
                path.unlink()
            opened += decoys.touched()
            for pid, peak in peaks().items():
                memory[pid] = max(memory[pid], peak)
    room.close()
    print(
        f"{sum(verdicts.values())} mutations, seed {arguments.seed}, {time.monotonic() - began:.0f} s: {dict(verdicts)}"
    )
    print(
        f"slowest {slowest:.1f} s by the clock; greatest memory of a process {max(memory.values(), default=0) >> 10} MiB"
    )
    print(f"decoys opened or addresses asked: {'none' if not opened else 'SOME'}")
    for what, count in died.most_common():
        print(f"  {count} x {what}")
    return 1 if opened or slowest > 2 * SLOWEST + 30 else 0


def peaks() -> dict[str, int]:
    """Return the greatest memory that each child of this process had until now, in KiB."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            found[pid] = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return found


if __name__ == "__main__":
    sys.exit(main())
