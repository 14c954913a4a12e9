"""The circuit of the listening room."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archiver.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.ports.examiner import Examiner
    from archiver.settings.reading import Settings
    from archiver.workflows.examine import Examining


def examiner(workers: int, *, seconds: int = 900, fingerprints: bool = False) -> Examiner:
    """Return the examiner; its processes begin when the first file is asked about.

    Raises:
        SettingsError: Fingerprints are wanted, and the extra for them is not installed.
    """
    from archiver.audio.pool import Pool

    if fingerprints:
        from archiver.audio.fingerprints import is_possible

        if not is_possible():
            raise SettingsError(
                "acoustic fingerprints need the extra 'fingerprint', which is not installed",
                next_command="pip install 'archiver[fingerprint]'",
            )
    return Pool(workers, seconds=seconds, fingerprints=fingerprints)


@contextmanager
def opened_examining(settings: Settings) -> Iterator[Examining | None]:
    """Lend the ears of a harvest, or None where the settings want none."""
    from archiver.wiring import threads
    from archiver.workflows.examine import Examining

    audio = settings.audio
    if not audio.examine:
        yield None
        return
    workers = audio.examiners or os.cpu_count() or 1
    room = examiner(workers, seconds=audio.seconds, fingerprints=audio.fingerprints)
    engine = threads(workers, "examine")
    try:
        yield Examining(room, engine)
    finally:
        engine.close()
        room.close()
