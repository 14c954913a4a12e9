"""What whole processes take, sides that take turns, and the report that every part gives: a table, ratios, JSON.

Figures come from the operating system's own accounting of each process and its children. Bytes are those of read and
write calls on files (``rchar`` and ``wchar`` of ``/proc/PID/io``); what a socket receives by ``recv`` is not in them.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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


def take_turns(
    work: Path, turns: Mapping[str, Callable[[Path], dict[str, Cost]]], *, rounds: int
) -> list[dict[str, Cost]]:
    """Give each side its turn in an empty directory, round after round; each round begins with another side.

    Returns what each step took, for each round; a turn may have several steps.
    """
    done, names = [], list(turns)
    for number in range(rounds):
        costs = {}
        for name in names[number % len(names) :] + names[: number % len(names)]:
            home = work / "home"
            home.mkdir()
            os.sync()
            costs[name] = turns[name](home)
            shutil.rmtree(home)
        done.append({step: cost for name in names for step, cost in costs[name].items()})
    return done


@dataclass(frozen=True, slots=True)
class Ratio:
    """What ours took for each unit that something else took, one value for each round; less is better.

    Attributes:
        goal: At most this; ``None`` where nothing was promised.
    """

    name: str
    values: list[float]
    goal: float | None = None

    @property
    def is_missed(self) -> bool:
        return self.goal is not None and round(median(self.values), 2) > self.goal


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rounds, and the sides that are made of their steps: ours first.

    Attributes:
        sides: The steps whose costs are added, by the name of the side.
        bytes, items: What was worked on.
    """

    rounds: list[dict[str, Cost]]
    sides: Mapping[str, tuple[str, ...]]
    bytes: int
    items: int

    def costs(self, side: str) -> list[Cost]:
        return [sum((one[step] for step in self.sides[side]), Cost()) for one in self.rounds]

    def table(self) -> list[str]:
        """Return one line for each side; bytes for each byte that was worked on."""
        lines = ["| | wall s | CPU s | read x | from the disk x | written x | peak MB | items/s |", "|---" * 8 + "|"]
        for side in self.sides:
            costs = self.costs(side)
            shares = [
                median(getattr(cost, what) for cost in costs) / self.bytes for what in ("read", "fetched", "written")
            ]
            cells = [
                spread([cost.wall for cost in costs]),
                spread([cost.cpu for cost in costs]),
                *(f"{share:.2f}" for share in shares),
                f"{max(cost.peak for cost in costs) / 1e6:.0f}",
                f"{self.items / median(cost.wall for cost in costs):,.1f}",
            ]
            lines.append(f"| {side} | {' | '.join(cells)} |")
        return lines

    def ratios(self, goals: Mapping[tuple[str, str], float] | None = None) -> list[Ratio]:
        """Return wall and CPU of ours to each other side; goals by what and whom."""
        mine, *others = self.sides
        found = []
        for other in others:
            for what, shown in (("wall", "wall"), ("cpu", "CPU")):
                pairs = zip(self.costs(mine), self.costs(other), strict=True)
                values = [getattr(ours, what) / getattr(theirs, what) for ours, theirs in pairs]
                found.append(Ratio(f"{shown}, {mine} / {other}", values, (goals or {}).get((what, other))))
        return found


class _Clock:
    """What the whole machine did since the start, to tell how much of it others took."""

    def __init__(self) -> None:
        self._began, self._busy = time.time(), _busy()

    def others(self) -> float:
        """Return the share of the machine that was taken by processes other than ours and their servers."""
        ours = sum(
            used.ru_utime + used.ru_stime
            for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )
        took = (time.time() - self._began) * (os.cpu_count() or 1)
        return max(0.0, (_busy() - self._busy - ours) / took)


def _busy() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    # user, nice, system, then irq, softirq; not idle, waiting for the disk, or what the host took
    return sum(int(fields[place]) for place in (0, 1, 2, 5, 6)) / os.sysconf("SC_CLK_TCK")


_CLOCK = _Clock()


@dataclass(slots=True)
class Report:
    """What a part measured.

    Attributes:
        corpus: What it was measured on, as a sentence.
        table: Lines of Markdown.
        missing: Peers that are not there, and how to get them.
        figures: Every single figure, for JSON.
    """

    corpus: str
    table: list[str] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    figures: Any = None

    def publish(self, file: Path | None) -> None:
        """Print everything, once all processes have ended, and write it to a JSON file where one is wanted."""
        arguments = [part for part in sys.argv[1:] if part != "--json" and part != str(file)]
        answer = {
            "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *arguments]),
            "date": time.strftime("%Y-%m-%d"),
            "cores": os.cpu_count(),
            "others": round(_CLOCK.others(), 3),
            **asdict(self),
        }
        print("\n".join(markdown(answer)))
        if file:
            file.write_text(json.dumps(answer, indent=1, default=asdict, ensure_ascii=False) + "\n")


def markdown(report: Mapping[str, Any]) -> list[str]:
    """Return what a report says, from the form that it has as JSON."""
    lines = [f"    {report['command']}", ""]
    lines += [
        f"{report['corpus']} {report['date']}, {report['cores']} cores; other work took {report['others']:.0%}.",
        "",
    ]
    lines += [*report["table"], ""] if report["table"] else []
    if report["ratios"]:
        lines += ["| less is better | measured | goal: at most |", "|---|---|---|"]
        for ratio in (Ratio(**one) for one in report["ratios"]):
            goal = "" if ratio.goal is None else f"{ratio.goal:g}{', **missed**' if ratio.is_missed else ''}"
            lines.append(f"| {ratio.name} | {spread(ratio.values)} | {goal} |")
        lines.append("")
    lines += [f"Missing: {name}" for name in report["missing"]]
    return lines


def spread(values: Sequence[float]) -> str:
    """Return the median with the least and the greatest, or from ten values on with the middle half."""
    low, high = min(values), max(values)
    if len(values) >= 10:
        low, _, high = quantiles(values, n=4)
    return f"{median(values):.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    _start(sys.argv[1], sys.argv[2:])
