"""Runs that happen with nobody watching: they are told of when they begin and when they end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archiver.cli.status import print_problem
from archiver.core.errors import ArchiverError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archiver.cli.front import Front
    from archiver.settings.reading import Settings

WATCHED = frozenset(["harvest", "audit", "repair", "replicate", "rebuild", "drill", "snapshot", "publish"])
"""Commands that run by themselves and are told of."""
NOT_A_RUN = frozenset(["-h", "--help", "--dry-run"])


class Watch:
    """Knows which command runs, and tells of it where the settings ask for that.

    Args:
        arguments: The command line, or None for that of the process.
    """

    def __init__(self, arguments: Sequence[str] | None) -> None:
        self._arguments = sys.argv[1:] if arguments is None else arguments
        self._command = ""
        self._settings: Settings | None = None

    def began(self, front: Front, command: str | None) -> None:
        """Tell that a run begins. Settings that cannot be read are the command's own error, and it says so itself."""
        if command not in WATCHED or NOT_A_RUN & set(self._arguments):
            return
        from archiver.wiring import monitoring

        try:
            self._settings = front.settings()
        except ArchiverError:
            return
        self._command = command or ""
        _say(monitoring.run_began(self._settings, self._command))

    def ended(self, status: int) -> int:
        """Tell how it ended, and return the exit status as it was."""
        if self._settings is not None:
            from archiver.wiring import monitoring

            _say(monitoring.run_ended(self._settings, self._command, status))
        return status


def _say(problems: Iterable[str]) -> None:
    for problem in problems:
        print_problem(f"warning: {problem}")
