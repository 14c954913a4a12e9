"""Make derivatives in processes of their own, which are kept, limited, killed when they take too long, and made anew."""

from __future__ import annotations

import hashlib
import os
import queue
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from archiver.audio.children import Child, ChildDiedError
from archiver.core.derivatives import Because, Kind, Made, Order, Product, Unmade
from archiver.core.fixity import Algorithm, Digest
from archiver.core.loudness import parse_loudness
from archiver.core.objects import StagedFile
from archiver.core.suspicions import Measured


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
        self.idle: queue.LifoQueue[Child] = queue.LifoQueue()
        for _ in range(workers):
            self.idle.put(Child("archiver.audio.derive_worker", str(seconds)))

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
        worker = self.idle.get()
        try:
            answer = worker.ask({**places, "kinds": order.kinds, "tags": order.tags}, seconds=2 * self.seconds)
            return _made(answer, into, order)
        except TimeoutError:
            return _nothing(order, Because.LIMIT, f"time: expected at most {2 * self.seconds} seconds")
        except ChildDiedError as error:
            if error.is_out_of_time:
                return _nothing(order, Because.LIMIT, f"computing: expected at most {self.seconds} seconds")
            return _nothing(order, Because.WORKER_DIED, f"the process ended with {error.status}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            worker.end()
            return _nothing(order, Because.WORKER_DIED, f"no answer that can be read: {error}"[:300])
        finally:
            self.idle.put(worker)

    def close(self) -> None:
        """See `archiver.ports.derivers`."""
        for _ in range(self.workers):
            self.idle.get().end()


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
