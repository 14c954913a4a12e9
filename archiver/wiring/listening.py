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
def harvest_examiner(settings: Settings) -> Iterator[Examiner | None]:
    """Lend the examiner of a harvest, or None where the settings want none."""
    if not settings.audio.examine:
        yield None
        return
    audio = settings.audio
    room = examiner(audio.examiners or os.cpu_count() or 1, seconds=audio.seconds, fingerprints=audio.fingerprints)
    try:
        yield room
    finally:
        room.close()
