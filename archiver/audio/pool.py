"""Examine files in processes of their own, which are kept, limited, killed when they take too long, and made anew."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from archiver.core.examinations import Examination, Remark, hopeless, parse_examination

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = 4 << 30
"""Bytes of address space, of which the format scanner's runtime reserves much and uses little."""
LONGEST_ANSWER = 8 << 20


class Pool:
    """The examiner of the listening room: at most ``workers`` processes, begun when they are first wanted."""

    def __init__(self, workers: int, *, seconds: int = 900) -> None:
        """Keep the limits.

        Args:
            workers: Files examined at once.
            seconds: Of computing for one file, and twice that by the clock.
        """
        self.seconds = seconds
        self.idle: queue.LifoQueue[subprocess.Popen[bytes] | None] = queue.LifoQueue()
        for _ in range(workers):
            self.idle.put(None)
        self.workers = workers

    def examine(self, path: Path, *, name: str) -> Examination:
        """See `archiver.ports.examiner`."""
        worker = self.idle.get()
        try:
            if worker is not None and worker.poll() is not None:
                _end(worker)
                worker = None
            if worker is None:
                worker = _begin(self.seconds)
            line = _asked(worker, str(path.absolute()), name, deadline=time.monotonic() + 2 * self.seconds)
            return parse_examination(json.loads(line))
        except TimeoutError:
            _end(worker)
            return hopeless(name, Remark.LIMIT, f"time: expected at most {2 * self.seconds} seconds")
        except (OSError, ValueError, KeyError, TypeError) as error:
            status = _end(worker)
            return hopeless(name, Remark.WORKER_DIED, f"the decoding process ended with {status}: {error}"[:300])
        finally:
            self.idle.put(worker)

    def close(self) -> None:
        """See `archiver.ports.examiner`."""
        for _ in range(self.workers):
            _end(self.idle.get())


def _begin(seconds: int) -> subprocess.Popen[bytes]:
    """Start a worker in a neutral directory: nothing in a harvest's own directory is looked up or executed."""
    kept = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),  # noqa: PTH100
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-m", "archiver.audio.worker", str(seconds), str(MEMORY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=environment,
        start_new_session=True,
        bufsize=0,
    )


def _asked(worker: subprocess.Popen[bytes], path: str, name: str, *, deadline: float) -> bytes:
    """Send a request and wait for its answer's line.

    Raises:
        TimeoutError: None came in time.
        OSError: The worker ended.
    """
    if worker.stdin is None or worker.stdout is None:
        raise OSError("the worker has no pipes")
    worker.stdin.write(json.dumps({"path": path, "name": name}).encode() + b"\n")
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
