"""Progress on a terminal; silence elsewhere. Implements `archiver.ports.progress.Progress` and `archiver.ports.checks.CheckProgress`."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from archiver.core.items import ItemId

SHOWN_AT_ONCE = 8
"""Lines of items in hand; more would not fit a terminal."""


SHOWN_EVERY = 0.1
"""Seconds between two moves of a bar."""


class Silence:
    """Shows nothing."""

    def announced(self, items: int) -> None:
        """See the port."""

    def began(self, item: ItemId) -> None:
        """See the port."""

    def expects(self, item: ItemId, *, files: int, bytes_: int) -> None:
        """See the port."""

    def received(self, item: ItemId, *, bytes_: int) -> None:
        """See the port."""

    def waits(self, item: ItemId, *, seconds: float, why: str) -> None:
        """See the port."""

    def ended(self, item: ItemId, *, outcome: str) -> None:
        """See the port."""


class TerminalProgress:
    """One bar for the run, and one for each item in hand.

    Args:
        bars: Of rich, started by the caller.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._lock = threading.Lock()
        self._run = bars.add_task("items", total=None, amount="")
        self._tasks: dict[ItemId, TaskID] = {}
        self._bytes = 0
        self._files = 0

    def announced(self, items: int) -> None:
        """See the port."""
        self._bars.update(self._run, total=items)

    def began(self, item: ItemId) -> None:
        """See the port."""
        with self._lock:
            if len(self._tasks) < SHOWN_AT_ONCE:
                self._tasks[item] = self._bars.add_task(_escaped(item.name), total=None, amount="")

    def expects(self, item: ItemId, *, files: int, bytes_: int) -> None:
        """See the port."""
        with self._lock:
            self._files += files
            if item in self._tasks:
                self._bars.update(self._tasks[item], total=bytes_ or None, amount=f"{files} files")

    def received(self, item: ItemId, *, bytes_: int) -> None:
        """See the port."""
        with self._lock:
            self._bytes += bytes_
            if item in self._tasks:
                self._bars.advance(self._tasks[item], bytes_)
            self._bars.update(self._run, amount=f"{self._files} files, {self._bytes / 1e6:,.1f} MB")

    def waits(self, item: ItemId, *, seconds: float, why: str) -> None:
        """See the port."""
        with self._lock:
            if item in self._tasks:
                self._bars.update(self._tasks[item], amount=f"waits {seconds:.0f} s: {_escaped(why)[:60]}")

    def ended(self, item: ItemId, *, outcome: str) -> None:  # noqa: ARG002 - the line printed for the item says it
        """See the port."""
        with self._lock:
            task = self._tasks.pop(item, None)
            if task is not None:
                self._bars.remove_task(task)
            self._bars.advance(self._run, 1)


@contextmanager
def progress_bars(*, is_wanted: bool) -> Iterator[Silence | TerminalProgress]:
    """Show progress on standard error while the context is open, where that is a terminal."""
    import sys

    if not is_wanted or not sys.stderr.isatty():
        yield Silence()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield TerminalProgress(bars)


class CheckBar:
    """One bar for what is being read, by bytes.

    Args:
        bars: Of rich, started by the caller.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._lock = threading.Lock()
        self._task: TaskID | None = None
        self._waiting = 0
        self._shown_at = 0.0

    def began(self, what: str, *, files: int, bytes_: int) -> None:
        """See the port."""
        with self._lock:
            amount = f"{files} files" if files else ""
            self._task = self._bars.add_task(_escaped(what)[-40:], total=bytes_ or None, amount=amount)

    def read(self, bytes_: int, *, amount: str = "") -> None:
        """See the port. The bar moves a few times in a second: moving it for each small file would take longer than reading it."""
        with self._lock:
            self._waiting += bytes_
            now = time.monotonic()
            if now - self._shown_at >= SHOWN_EVERY and self._task is not None:
                self._bars.advance(self._task, self._waiting)
                if amount:
                    self._bars.update(self._task, amount=amount)
                self._waiting, self._shown_at = 0, now

    def ended(self) -> None:
        """See the port."""
        with self._lock:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._task, self._waiting = None, 0


@contextmanager
def check_bar(*, is_wanted: bool) -> Iterator[CheckBar | None]:
    """Show on standard error how far a check has come, where that is a terminal; else there is no bar."""
    import sys

    if not is_wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[amount]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield CheckBar(bars)


def _escaped(text: str) -> str:
    """Keep names from outside from being read as rich markup or terminal codes."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown.replace("[", "\\[")
