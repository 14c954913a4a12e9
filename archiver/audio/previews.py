"""Thirty seconds of a recording: which ones is known before decoding, and no more of it is held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.audio.clips import WIDTH, clip, faded, levels
from archiver.audio.opus import RATE, OpusWriter
from archiver.audio.sounding import Converter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECONDS = 30
FADE_IN, FADE_OUT = 1000, 2000
"""Milliseconds."""
CHANNELS = 2


class Preview:
    """Keeps thirty seconds from a quarter of the declared length on, and the first thirty in case that promise was false."""

    def __init__(self, declared: float | None) -> None:
        begins = max(0.0, min((declared or 0.0) / 4, (declared or 0.0) - SECONDS))
        self._begin = int(begins * RATE)
        self._samples = 0
        self._first = bytearray()
        self._chosen = bytearray()
        self._converter = Converter(form="s16", layout="stereo", rate=RATE)

    def took(self, frame: Any) -> None:
        """Take a frame; with None, the end."""
        if self._samples > self._begin + SECONDS * RATE:
            return
        for turned in self._converter.turned(frame):
            content = bytes(turned.planes[0])[: turned.samples * CHANNELS * WIDTH]
            _fill(self._first, content, at=self._samples, begin=0)
            _fill(self._chosen, content, at=self._samples, begin=self._begin)
            self._samples += turned.samples

    def kept(self) -> tuple[bytearray, float]:
        """Return the samples to make a preview of, and the second at which they begin.

        A length that was promised falsely leaves little or nothing from a quarter on; then it is the beginning.
        """
        if len(self._chosen) >= _bytes(SECONDS) // 2 or len(self._chosen) >= len(self._first):
            return self._chosen, round(self._begin / RATE, 3)
        return self._first, 0.0

    def write(self, path: Path, *, tags: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Fade and encode what was kept; return its length and its levels."""
        import av

        kept, begins = self.kept()
        segment = clip(kept, rate=RATE, channels=CHANNELS)
        mean, peak = levels(segment)
        samples = faded(segment, fade_in=FADE_IN, fade_out=FADE_OUT)
        writer = OpusWriter(path, channels=CHANNELS, tags=tags)
        step = RATE * CHANNELS * WIDTH
        for at in range(0, len(samples), step):
            content = samples[at : at + step]
            frame = av.AudioFrame(format="s16", layout="stereo", samples=len(content) // (CHANNELS * WIDTH))
            frame.sample_rate = RATE
            frame.planes[0].update(content.ljust(frame.planes[0].buffer_size, b"\0"))
            writer.took(frame)
        writer.finish()
        facts: dict[str, Any] = {"seconds": round(writer.samples / RATE, 6), "begins": begins}
        return facts | {name: level for name, level in (("dbfs", mean), ("peak_dbfs", peak)) if level is not None}


def _bytes(seconds: float) -> int:
    return int(seconds * RATE) * CHANNELS * WIDTH


def _fill(kept: bytearray, content: bytes, *, at: int, begin: int) -> None:
    """Keep the part of the content that lies in the thirty seconds from ``begin`` on; both are counted in samples."""
    frame = CHANNELS * WIDTH
    start = max(0, (begin - at) * frame)
    kept += content[start : start + max(0, _bytes(SECONDS) - len(kept))]
