"""Measure whole processes: wall and CPU seconds, bytes read and written, peak memory.

Figures come from the operating system's own accounting of each process and its children. Bytes are those of read and
write calls on files (``rchar`` and ``wchar`` of ``/proc/PID/io``); what a socket receives by ``recv`` is not in them.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Cost:
    """What one or several processes took.

    Attributes:
        wall: Seconds.
        cpu: User and system seconds.
        read: Bytes.
        written: Bytes.
        peak: Bytes of resident memory, of the largest process.
        fetched: Bytes that the disk had to give (``read_bytes``): those that were in the page cache are not in it.
    """

    wall: float = 0.0
    cpu: float = 0.0
    read: int = 0
    written: int = 0
    peak: int = 0
    fetched: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.wall + other.wall,
            self.cpu + other.cpu,
            self.read + other.read,
            self.written + other.written,
            max(self.peak, other.peak),
            self.fetched + other.fetched,
        )


def run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None, expect: tuple[int, ...] = (0,)) -> Cost:
    """Run a command to its end and return what it took; its output goes to ``cwd/output.txt``.

    It is started from a small process of its own: Linux counts the memory of whoever starts a program to the program's peak.
    """
    starter = [sys.executable, "-S", __file__, str(cwd / "output.txt"), *command]
    answer = subprocess.run(starter, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, check=True)
    status, *figures = json.loads(answer.stdout)
    if status not in expect:
        raise SystemExit(f"{command} ended with {status}: {(cwd / 'output.txt').read_text(errors='replace')[-2000:]}")
    return Cost(*figures)


def _start(output: str, command: list[str]) -> None:
    with open(output, "ab") as file:  # noqa: PTH123 - pathlib would make this process larger than need be
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.perf_counter() - began
        counters = _io(process.pid)
        process.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = [wall, used.ru_utime + used.ru_stime, counters["rchar"], counters["wchar"], used.ru_maxrss * 1024]
    figures.append(counters["read_bytes"])
    print(json.dumps([process.returncode, *figures]))


def _io(pid: int) -> dict[str, int]:
    rows = Path(f"/proc/{pid}/io").read_text().split("\n")
    return {name: int(value) for name, _, value in (row.partition(": ") for row in rows if row)}


def spread(values: list[float]) -> str:
    """Return the median with the least and the greatest, for a table."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    _start(sys.argv[1], sys.argv[2:])
