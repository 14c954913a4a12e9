"""How the last run of each command went, kept beside the catalogue: also a run that could not open the catalogue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

SUCCESS = frozenset([0])


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest run of one command.

    Attributes:
        command: Its name.
        started_at: Seconds since 1970, UTC.
        ended_at: Likewise; 0 while it works or when it was killed.
        status: Exit status; -1 while it works or when it was killed.
        succeeded_at: When a run of the command last ended with 0, or 0.
    """

    command: str
    started_at: float
    ended_at: float = 0.0
    status: int = -1
    succeeded_at: float = 0.0


def recognise_run(text: str) -> LastRun | None:
    """Read what `format_run` wrote, or return None; a file cut short is as if it had never been."""
    try:
        entry = json.loads(text)
        return LastRun(
            str(entry["command"]),
            float(entry["started_at"]),
            float(entry["ended_at"]),
            int(entry["status"]),
            float(entry["succeeded_at"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def format_run(run: LastRun) -> str:
    """Return one JSON document."""
    return json.dumps(asdict(run)) + "\n"
