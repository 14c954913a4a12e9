"""Measure loudness in one pass, in constant memory: EBU R 128 by FFmpeg's own filter, peaks, flat tops and silence by numpy."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archiver.audio.sounding import Blocks, Converter
from archiver.core.loudness import CLIPPED_RUN, SILENCE, Loudness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRETCHES = 20
"""In a second."""
FULL_SCALE = 32767
_LEAST = -70.0
"""LUFS. The filter's word for nothing that passes its gate."""


class LoudnessMeter:
    """Hears every frame; then tells."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._r128 = _R128()
        self._rate = 0
        self._seconds = 0.0
        self._peaks: list[int] = []
        self._clipped = 0
        self._quiet = round(10 ** (SILENCE / 20) * 32768)
        self._open: NDArray[np.int16] | None = None
        self._silent = self._run = self._longest = 0

    def took(self, frame: Any) -> None:
        """Take a frame; with None, the end."""
        if frame is not None:
            self._rate = self._rate or frame.sample_rate
            self._seconds += frame.samples / (frame.sample_rate or 1)
        for block in self._blocks.took(frame):
            self._look(block)
        self._r128.took(frame)

    def _look(self, block: NDArray[np.int16]) -> None:
        import numpy as np

        low, high = block.min(axis=1).astype(int), block.max(axis=1).astype(int)
        tops = [max(-int(a), int(b)) for a, b in zip(low, high, strict=True)]
        self._peaks = [max(pair) for pair in zip(tops, self._peaks, strict=False)] + (
            tops[len(self._peaks) :] if len(tops) > len(self._peaks) else self._peaks[len(tops) :]
        )
        for channel, top in zip(block, tops, strict=True):
            if top >= FULL_SCALE:
                self._clipped += _flat_tops(channel)
        loud = np.maximum(block.max(axis=0), -np.maximum(block.min(axis=0), -FULL_SCALE))
        self._stretches(loud)

    def _stretches(self, loud: NDArray[np.int16]) -> None:
        """Count stretches that are silent; what does not fill one waits for the next block."""
        import numpy as np

        size = max(1, self._rate // STRETCHES)
        samples = loud if self._open is None else np.concatenate((self._open, loud))
        full = samples.size // size
        self._open = samples[full * size :]
        for is_quiet in (samples[: full * size].reshape(full, size).max(axis=1) < self._quiet).tolist() if full else ():
            self._run = self._run + 1 if is_quiet else 0
            self._silent += is_quiet
            self._longest = max(self._longest, self._run)

    def found(self) -> Loudness:
        """Return what was measured, behind the last frame."""
        told = self._r128.found()
        true_peak = _decibels(told.get("true_peak", 0.0))
        integrated = told.get("I")
        is_heard = integrated is not None and integrated > _LEAST
        return Loudness(
            seconds=round(self._seconds, 6),
            integrated=round(integrated, 2) if is_heard and integrated is not None else None,
            range=round(told["LRA"], 2) if is_heard and "LRA" in told else None,
            true_peak=true_peak,
            peaks=tuple(_decibels(min(1.0, peak / 32768 if peak < FULL_SCALE else 1.0)) for peak in self._peaks),
            clipped=self._clipped,
            silent=round(self._silent / STRETCHES, 2),
            longest_silence=round(self._longest / STRETCHES, 2),
        )


def _flat_tops(channel: NDArray[np.int16]) -> int:
    """Count runs of full-scale samples of one sign; one that goes over the end of a block counts where it is long enough."""
    import numpy as np

    count = 0
    for flat in (channel >= FULL_SCALE, channel <= -FULL_SCALE):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], flat, [False])).astype(np.int8)))
        count += int(np.count_nonzero(edges[1::2] - edges[0::2] >= CLIPPED_RUN))
    return count


def _decibels(amplitude: float) -> float | None:
    return round(20 * math.log10(amplitude), 2) if amplitude > 0 else None


class _R128:
    """FFmpeg's filter ``ebur128``: it writes what it knows by now into each frame's metadata."""

    def __init__(self) -> None:
        self._converter: Converter | None = None
        self._source: Any = None
        self._sink: Any = None
        self._graph: Any = None  # its parts do not keep it: without this the process would die
        self._told: dict[str, str] = {}
        self._samples = 0

    def took(self, frame: Any) -> None:
        """Take a frame; with None, the end."""
        import av

        try:
            if frame is not None and self._converter is None:
                self._begin(frame)
            if self._converter is None or self._source is None:
                return
            for turned in self._converter.turned(frame):
                turned.pts, turned.time_base = self._samples, Fraction(1, turned.sample_rate)
                self._samples += turned.samples
                self._source.push(turned)
                self._drain()
            if frame is None:
                self._source.push(None)
                self._drain()
        except (av.FFmpegError, ValueError):
            self._source = None  # a layout that the standard does not weigh: the other measurements hold

    def _begin(self, frame: Any) -> None:
        import av.filter

        layout, rate = frame.layout.name, frame.sample_rate
        self._converter = Converter(form="dbl", layout=layout, rate=rate)
        graph = av.filter.Graph()
        source = graph.add_abuffer(sample_rate=rate, format="dbl", layout=layout, time_base=Fraction(1, rate))
        meter = graph.add("ebur128", "metadata=1:peak=true")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        self._source, self._sink, self._graph = source, sink, graph

    def _drain(self) -> None:
        import av

        while True:
            try:
                told = self._sink.pull().metadata
            except (av.BlockingIOError, av.EOFError):
                return
            if told:
                self._told = dict(told)

    def found(self) -> dict[str, float]:
        """Return the last word, as finite numbers."""
        numbers: dict[str, float] = {}
        for name, value in self._told.items():
            try:
                number = float(value)
            except ValueError:
                continue
            if math.isfinite(number):
                numbers[name.removeprefix("lavfi.r128.")] = number
        return numbers
