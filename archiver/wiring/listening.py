"""The circuit of the listening room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.ports.examiner import Examiner


def examiner(workers: int, *, seconds: int = 900) -> Examiner:
    """Return the examiner; its processes begin when the first file is asked about."""
    from archiver.audio.pool import Pool

    return Pool(workers, seconds=seconds)
