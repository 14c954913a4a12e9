"""The circuit of the listening room."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.ports.examiner import Examiner
    from archiver.settings.reading import Settings


def examiner(workers: int, *, seconds: int = 900) -> Examiner:
    """Return the examiner; its processes begin when the first file is asked about."""
    from archiver.audio.pool import Pool

    return Pool(workers, seconds=seconds)


@contextmanager
def harvest_examiner(settings: Settings) -> Iterator[Examiner | None]:
    """Lend the examiner of a harvest, or None where the settings want none."""
    if not settings.audio.examine:
        yield None
        return
    room = examiner(settings.audio.examiners or os.cpu_count() or 1, seconds=settings.audio.seconds)
    try:
        yield room
    finally:
        room.close()
