"""When each host may be asked next, in one file for all processes of an archive and for its next runs."""

from __future__ import annotations

import json
import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from archiver.core.errors import SourceUnavailableError
from archiver.core.patience import LONGEST_WAIT

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.ports.clock import Clock

log = logging.getLogger(__name__)

FILE = "hosts.json"
LONGEST_HOLD = 86_400.0
"""Seconds. A host that asks for more, or a clock that went back, stops nobody for longer."""
MOST_HOSTS = 10_000
_LOCK_WITHIN = 30.0


class FileHostTimes:
    """See `archiver.ports.hosts.HostTimes`. A turn is one locked look at the file; nobody is promised a turn to come.

    Args:
        path: The file, in a directory that exists or can be made. It holds seconds since 1970 by host: nothing to lose.
        clock: For the time and for waiting.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[int, dict[str, float]] = (-1, {})
        self._is_alone = False

    def take(self, host: str, *, interval: float) -> None:
        """Wait for the turn of one request; see the port."""
        while True:
            left = self._turn(host, interval)
            if left <= 0:
                return
            if left > LONGEST_WAIT:
                raise SourceUnavailableError(
                    f"{host}: asked to be left alone for {left:.0f} seconds more; not asked before",
                    retry_after=left,
                    whole_host=True,
                )
            self._clock.wait(left)

    def hold(self, host: str, *, seconds: float) -> None:
        """Let nobody ask the host for so long; see the port."""
        if seconds <= 0:
            return
        with self._lock:
            self._change(host, lambda now, until: max(until, now + min(seconds, LONGEST_HOLD)))

    def _turn(self, host: str, interval: float) -> float:
        """Return 0 and take the turn, or return the seconds until the next look."""
        with self._lock:
            if interval <= 0:  # no limit: only a hold matters, and a glance at the file's time tells whether it changed
                return self._known().get(host, 0.0) - self._clock.now().timestamp()
            left = 0.0

            def taken(now: float, until: float) -> float:
                nonlocal left
                left = until - now
                return until if left > 0 else now + interval

            self._change(host, taken)
            return left

    def _change(self, host: str, rule: Rule) -> None:
        import filelock  # noqa: PLC0415 - not needed where nothing is paced

        if self._is_alone:
            self._apply(self._seen[1], host, rule)
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_WITHIN):
                times = self._known()
                before = times.get(host)
                self._apply(times, host, rule)
                if times.get(host) != before:
                    self._write(times)
        except (OSError, filelock.Timeout) as error:
            # The pace is kept among the threads here; that it is not shared is said once.
            self._is_alone = True
            log.warning("%s: not shared with other processes: %s", self._path, error)
            self._apply(self._seen[1], host, rule)

    def _apply(self, times: dict[str, float], host: str, rule: Rule) -> None:
        now = self._clock.now().timestamp()
        times[host] = rule(now, times.get(host, 0.0))

    def _known(self) -> dict[str, float]:
        """Return the times as they stand in the file; a file that cannot be understood says nothing."""
        if self._is_alone:
            return self._seen[1]
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError:
            return self._seen[1]
        if changed != self._seen[0]:
            found: object = None
            with suppress(OSError, ValueError, RecursionError):
                found = json.loads(self._path.read_bytes())
            now = self._clock.now().timestamp()
            times = {
                host: min(float(until), now + LONGEST_HOLD)
                for host, until in (found.items() if isinstance(found, dict) else ())
                if isinstance(until, int | float) and until > now
            }
            self._seen = (changed, times)
        return self._seen[1]

    def _write(self, times: dict[str, float]) -> None:
        now = self._clock.now().timestamp()
        kept = dict(sorted(times.items(), key=lambda entry: -entry[1])[:MOST_HOSTS])
        content = json.dumps({host: until for host, until in kept.items() if until > now})
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        part.write_text(content, "utf-8")
        part.replace(self._path)
        self._seen = (self._path.stat().st_mtime_ns, kept)


if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[float, float], float]
