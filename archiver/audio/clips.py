"""Short clips of samples already decoded, by pydub: fades and levels, below a limit that is checked before anything is loaded.

pydub is given samples and nothing else. Its own way to open and to write files starts `ffmpeg` and `ffprobe`, which it looks
for in the current directory first, holds whole recordings in memory and notices no damage; so that way is closed here.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

LONGEST = 600.0
"""Seconds of a clip."""
WIDTH = 2
"""Bytes of a sample."""


class ClipTooLongError(ValueError):
    """More samples than a clip may have; nothing was loaded."""


def clip(samples: bytes | bytearray, *, rate: int, channels: int) -> Any:
    """Return samples of 16 bits as pydub's segment.

    Raises:
        ClipTooLongError: They are more than `LONGEST` seconds.
        ValueError: They are not whole samples of every channel.
    """
    each = rate * channels * WIDTH
    if len(samples) > LONGEST * each:
        raise ClipTooLongError(f"clip: expected at most {LONGEST:.0f} seconds, actual {len(samples) / each:.0f}")
    if not each or len(samples) % (channels * WIDTH):
        raise ValueError(f"clip: {len(samples)} bytes are not whole samples of {channels} channels")
    return _segment_class()(data=bytes(samples), sample_width=WIDTH, frame_rate=rate, channels=channels)


def faded(segment: Any, *, fade_in: int, fade_out: int) -> bytes:
    """Return the samples of a segment with its beginning and its end faded (milliseconds, at most half of it each)."""
    half = len(segment) // 2
    data: bytes = segment.fade_in(min(fade_in, half)).fade_out(min(fade_out, half)).raw_data
    return data


def levels(segment: Any) -> tuple[float | None, float | None]:
    """Return a segment's mean and highest level in dBFS, None for silence."""

    def known(level: float) -> float | None:
        return round(level, 2) if level != float("-inf") else None

    return known(segment.dBFS), known(segment.max_dBFS)


def _segment_class() -> Any:
    """Import pydub in silence: it warns of a missing ffmpeg that is never wanted, of its own escapes, and of `audioop`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pydub import AudioSegment, utils
    # Whatever would try to start a program finds one that cannot be started, wherever the process stands.
    AudioSegment.converter = AudioSegment.ffmpeg = AudioSegment.ffprobe = os.devnull
    utils.get_prober_name = utils.get_encoder_name = utils.get_player_name = lambda: os.devnull
    return AudioSegment
