"""What is due in a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoreForecast:
    """What is due in one store, and how long the backlog takes at the pace of this run.

    Attributes:
        store: Name.
        copies: Held there.
        bytes: Payload bytes held there.
        interval_seconds: How long a check holds.
        overdue: Copies whose check no longer holds, after this run.
        overdue_bytes: Their payload bytes.
        oldest_check: Of the store's copies, or None.
        checked: Copies checked in this run.
        checked_bytes: Bytes read in this run.
        seconds: Spent on this store in this run.
    """

    store: str
    copies: int
    bytes: int
    interval_seconds: float
    overdue: int
    overdue_bytes: int
    oldest_check: datetime | None
    checked: int = 0
    checked_bytes: int = 0
    seconds: float = 0.0

    @property
    def backlog_seconds(self) -> float | None:
        """Seconds of auditing until nothing is overdue, at the pace of this run; None where there was no pace."""
        if not self.overdue:
            return 0.0
        if self.checked_bytes and self.seconds:
            return self.overdue_bytes / (self.checked_bytes / self.seconds)
        if self.checked and self.seconds:
            return self.overdue / (self.checked / self.seconds)
        return None

    @property
    def bytes_per_day_needed(self) -> float:
        """Bytes a day that must be read so that no copy of this store ever falls overdue."""
        return self.bytes / (self.interval_seconds / 86400) if self.interval_seconds else float(self.bytes)
