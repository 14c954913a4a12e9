"""The system's clock, and waiting that a signal can end."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archiver.core.errors import InterruptedRunError

if TYPE_CHECKING:
    from types import FrameType


class SystemClock:
    """Real time; see `archiver.ports.clock.Clock`."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait, or raise `InterruptedRunError` as soon as the run is asked to stop."""
        if self._stop.wait(max(seconds, 0)):
            raise InterruptedRunError("stopped while waiting")

    def stopping(self) -> bool:
        """Tell whether the run was asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the run to stop at the next safe moment."""
        self._stop.set()

    def install_signal_handlers(self) -> None:
        """Let SIGINT and SIGTERM ask for a stop; a second one ends the process at once. Main thread only."""

        def on_signal(number: int, _frame: FrameType | None) -> None:
            if self._stop.is_set():
                os._exit(128 + number)
            self.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)
