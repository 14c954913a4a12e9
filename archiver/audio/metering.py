"""Digest and measure decoded frames as they pass, in blocks: asked of each frame, the questions cost more than decoding."""

from __future__ import annotations

import hashlib
import math
from typing import Any

LOSSLESS = {"flac", "alac", "wavpack", "shorten", "ape", "tta", "tak"}
BLOCK = 1 << 16
"""Samples of one channel that are looked at together."""


class Meter:
    """The peak of all samples, and for lossless audio their digest."""

    def __init__(self, *, codec: str, bit_depth: int) -> None:
        """Begin.

        Args:
            codec: The decoder's name.
            bit_depth: Bits of a sample as the headers state them, or 0.
        """
        import av

        self.peak = 0.0
        self.changes = 0
        self.bit_depth = bit_depth
        self.is_exact = codec in LOSSLESS or codec.startswith("pcm_")
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._has_samples = False
        self._kind: tuple[Any, ...] | None = None
        self._fifo = av.AudioFifo()

    def take(self, frame: Any) -> None:
        """Take one frame; frames of another kind than those before are counted as a change."""
        import av

        kind = frame.sample_rate, frame.format.name, frame.layout.nb_channels
        if kind != self._kind:
            if self._kind is not None:
                self.changes += 1
                self.finish()
                self._fifo = av.AudioFifo()
            self._kind = kind
        frame.pts = None  # the queue would compare times, which have gaps where a file is damaged
        self._fifo.write(frame)
        if self._fifo.samples >= BLOCK:
            self.finish()

    def finish(self) -> None:
        """Look at what is in the queue."""
        if self._fifo.samples:
            self._look(self._fifo.read())

    def digest(self) -> str:
        """Return the digest of the samples, or nothing where they are not exact."""
        return self._md5.hexdigest() if self.is_exact and self._has_samples and not self.changes else ""

    def _look(self, block: Any) -> None:
        samples = block.to_ndarray()
        if self.is_exact:
            self._has_samples = True
            self._md5.update(self._as_stored(samples.T if block.format.is_planar else samples))
        low, high = float(samples.min()), float(samples.max())
        if samples.dtype.kind == "u":
            low, high, scale = low - 128, high - 128, 128.0
        else:
            scale = float(1 << (samples.itemsize * 8 - 1)) if samples.dtype.kind == "i" else 1.0
        peak = max(-low, high) / scale
        if math.isfinite(peak):
            self.peak = max(self.peak, peak)

    def _as_stored(self, samples: Any) -> Any:
        """Samples as FLAC digests them: signed, little-endian, in as few whole bytes as they need (RFC 9639 §8.2)."""
        import numpy as np

        flat = np.ascontiguousarray(samples).reshape(-1)
        if flat.dtype == np.uint8:
            return (flat ^ 0x80).tobytes()
        wide = flat.itemsize * 8
        bits = self.bit_depth if 0 < self.bit_depth < wide else wide
        if flat.dtype.kind != "i" or bits == wide:
            return flat
        shifted = flat >> (wide - bits)  # decoders fill the upper bits
        width = -(-bits // 8)
        if width in {1, 2}:
            return shifted.astype(f"<i{width}")
        return shifted.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
