"""Examine files in processes of their own, which are kept, limited, killed when they take too long, and made anew."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from archiver.audio.children import Child, ChildDiedError
from archiver.core.examinations import Examination, Remark, hopeless, parse_examination

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 200 << 20
"""Bytes of a file beside whose decoding the identifier's memory is not kept: to begin it anew costs little then."""
IDENTIFYING = 60
"""Seconds."""


class Pool:
    """The examiner of the listening room: at most ``workers`` processes that decode, and one that identifies.

    They begin when they are first wanted.
    """

    def __init__(self, workers: int, *, seconds: int = 900, fingerprints: bool = False) -> None:
        """Keep the limits.

        Args:
            workers: Files examined at once.
            seconds: Of computing for one file, and twice that by the clock.
            fingerprints: Whether acoustic fingerprints are taken too.
        """
        self.seconds = seconds
        self.workers = workers
        self._fingerprints = fingerprints
        self.idle: queue.LifoQueue[Child] = queue.LifoQueue()
        for _ in range(workers):
            self.idle.put(Child("archiver.audio.worker", str(seconds)))
        self._identifier = Child("archiver.audio.identifier", str(IDENTIFYING))
        self._identifying = threading.Lock()

    def examine(self, path: Path, *, name: str) -> Examination:
        """See `archiver.ports.examiner`."""
        puid, format_name = self._identified(path)
        worker = self.idle.get()
        try:
            request = {
                "path": str(path.absolute()),
                "name": name,
                "puid": puid,
                "format_name": format_name,
                "fingerprint": self._fingerprints,
            }
            return parse_examination(worker.ask(request, seconds=2 * self.seconds))
        except TimeoutError:
            return hopeless(name, Remark.LIMIT, f"time: expected at most {2 * self.seconds} seconds")
        except ChildDiedError as error:
            if error.is_out_of_time:
                return hopeless(name, Remark.LIMIT, f"computing: expected at most {self.seconds} seconds")
            return hopeless(name, Remark.WORKER_DIED, f"the decoding process ended with {error.status}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            worker.end()
            return hopeless(name, Remark.WORKER_DIED, f"the decoding process gave no answer: {type(error).__name__}")
        finally:
            self.idle.put(worker)

    def close(self) -> None:
        """See `archiver.ports.examiner`."""
        with self._identifying:
            self._identifier.end()
        for _ in range(self.workers):
            self.idle.get().end()

    def _identified(self, path: Path) -> tuple[str, str]:
        """Return PRONOM's word, or nothing where there is none: the rest of the examination holds without it."""
        if not path.is_file() or not path.stat().st_size:
            return "", ""
        with self._identifying:
            try:
                answer = self._identifier.ask({"path": str(path.absolute())}, seconds=2 * IDENTIFYING)
                if path.stat().st_size > LARGE:
                    self._identifier.end()
                return str(answer["puid"]), str(answer["name"])
            except (OSError, ValueError, KeyError, ChildDiedError):
                return "", ""
