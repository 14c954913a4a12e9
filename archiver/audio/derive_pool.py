"""Make derivatives in processes of their own, which are kept, limited, killed when they take too long, and made anew."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import select
import stat
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from archiver.core.derivatives import Because, Kind, Made, Order, Product, Unmade
from archiver.core.fixity import Algorithm, Digest
from archiver.core.loudness import parse_loudness
from archiver.core.objects import StagedFile
from archiver.core.suspicions import Measured

MEMORY = 4 << 30
"""Bytes of address space, of which libraries reserve much and use little."""
LARGEST_PRODUCT = 2 << 30
"""Bytes: 48 hours of Opus take three quarters of it."""
LONGEST_ANSWER = 1 << 20


class DerivePool:
    """The deriver of the listening room: at most ``workers`` processes, begun when they are first wanted."""

    def __init__(self, workers: int, *, seconds: int = 3600) -> None:
        """Keep the limits.

        Args:
            workers: Files in hand at once.
            seconds: Of computing for one file, and twice that by the clock.
        """
        self.seconds = seconds
        self.workers = workers
        self.idle: queue.LifoQueue[subprocess.Popen[bytes] | None] = queue.LifoQueue()
        for _ in range(workers):
            self.idle.put(None)

    def derive(self, source: StagedFile, order: Order) -> Made:
        """See `archiver.ports.derivers`."""
        into = source.path.parent / f"made-{uuid4().hex}"
        into.mkdir()
        return self._worked(source.path, into, order)

    def measure(self, path: Path, *, name: str) -> Measured:
        """See `archiver.ports.derivers.Meter`."""
        with TemporaryDirectory(prefix="archiver-") as scratch:
            made = self._worked(path, Path(scratch), Order((Kind.LOUDNESS,)))
        if made.unmade:
            return Measured(name, None, made.unmade[0].reason)
        return Measured(name, parse_loudness(dict(made.products[0].facts)["loudness"]))

    def _worked(self, path: Path, into: Path, order: Order) -> Made:
        places = {"path": str(path.absolute()), "into": str(into.absolute())}
        try:
            return _made(self._asked({**places, "kinds": order.kinds, "tags": order.tags}), into, order)
        except TimeoutError:
            return _nothing(order, Because.LIMIT, f"time: expected at most {2 * self.seconds} seconds")
        except (OSError, ValueError, KeyError, TypeError) as error:
            return _nothing(order, Because.WORKER_DIED, f"the process that makes derivatives: {error}"[:300])

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        worker = self.idle.get()
        try:
            if worker is not None and worker.poll() is not None:
                _end(worker)
                worker = None
            if worker is None:
                worker = _begin(self.seconds)
            answer: dict[str, Any] = json.loads(_answered(worker, request, time.monotonic() + 2 * self.seconds))
        except TimeoutError:
            _end(worker)
            raise
        except (OSError, ValueError) as error:
            raise OSError(f"ended with {_end(worker)}: {error}") from error
        finally:
            self.idle.put(worker)
        return answer

    def close(self) -> None:
        """See `archiver.ports.derivers`."""
        for _ in range(self.workers):
            _end(self.idle.get())


def _made(answer: dict[str, Any], into: Path, order: Order) -> Made:
    """Take the products from the directory: only what was ordered, and each with a digest that is computed here."""
    products = []
    for one in answer["made"]:
        kind, suffix = Kind(one["kind"]), str(one["suffix"])
        if kind not in order.kinds or suffix not in _SUFFIXES[kind]:
            raise ValueError(f"{kind}{suffix[:20]} was not ordered")
        facts = tuple((str(name), _fact(value)) for name, value in one["facts"].items())
        products.append(Product(kind, suffix, _staged(into / f"{kind}{suffix}"), facts))
    unmade = tuple(Unmade(Kind(one["kind"]), Because(one["reason"]), str(one["detail"])) for one in answer["unmade"])
    missing = set(order.kinds) - {one.kind for one in products} - {one.kind for one in unmade}
    if missing:
        raise ValueError(f"nothing was said about {', '.join(sorted(missing))}")
    given_up = {one.kind for one in unmade}
    tools = tuple((str(name), str(version)) for name, version in answer["tools"].items())
    return Made(tuple(one for one in products if one.kind not in given_up), unmade, tools)


_SUFFIXES = {
    Kind.OPUS: {".opus"},
    Kind.WAVEFORM: {".json", ".svg"},
    Kind.SPECTROGRAM: {".png"},
    Kind.PREVIEW: {".opus"},
    Kind.LOUDNESS: {".json"},
    Kind.COVER: {".jpg", ".png", ".webp"},
}


def _fact(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return parse_loudness(value).to_json()
    return str(value)[:300]


def _staged(path: Path) -> StagedFile:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or not facts.st_size:
            raise ValueError(f"{path.name} is no file with content")
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return StagedFile(path, facts.st_size, Digest(Algorithm.SHA256, digest))


def _nothing(order: Order, reason: Because, detail: str) -> Made:
    return Made(unmade=tuple(Unmade(kind, reason, detail) for kind in order.kinds))


def _begin(seconds: int) -> subprocess.Popen[bytes]:
    """Start a worker in a neutral directory: nothing in a harvest's own directory is looked up or executed."""
    kept = ("LANG", "LC_ALL", "HOME", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),  # noqa: PTH100
        "PATH": "/nonexistent",  # nothing is ever to be started from there
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", "-m", "archiver.audio.derive_worker"]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, str(seconds), str(MEMORY), str(LARGEST_PRODUCT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=environment,
        start_new_session=True,
        bufsize=0,
    )


def _answered(worker: subprocess.Popen[bytes], request: dict[str, Any], deadline: float) -> bytes:
    """Send a request and wait for its answer's line.

    Raises:
        TimeoutError: None came in time.
        OSError: The worker ended.
    """
    if worker.stdin is None or worker.stdout is None:
        raise OSError("the worker has no pipes")
    worker.stdin.write(json.dumps(request).encode() + b"\n")
    answer = bytearray()
    while not answer.endswith(b"\n"):
        ready, _, _ = select.select([worker.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(worker.stdout.fileno(), 1 << 16)
        if not chunk or len(answer) > LONGEST_ANSWER:
            raise OSError("no answer")
        answer += chunk
    return bytes(answer)


def _end(worker: subprocess.Popen[bytes] | None) -> int | None:
    if worker is None:
        return None
    worker.kill()
    status = worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            pipe.close()
    return status
