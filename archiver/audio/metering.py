"""Digest and measure decoded frames as they pass, in blocks: asked of each frame, the questions cost more than decoding."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from archiver.core.examinations import SILENCE

LOSSLESS = {"flac", "alac", "wavpack", "shorten", "ape", "tta", "tak"}
BLOCK = 1 << 15
"""Samples of one channel that are looked at together: few enough for a processor's cache."""
_TYPES = {"u8": "u1", "s16": "<i2", "s32": "<i4", "s64": "<i8", "flt": "<f4", "dbl": "<f8"}


class Meter:
    """The peak and the digest of lossless audio; of other audio, whether anything is to be heard."""

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
        self._channels = 0
        self._fifo = av.AudioFifo()

    def take(self, frame: Any) -> None:
        """Take one frame; frames of another kind than those before are counted as a change."""
        import av

        if not self.is_exact and self.peak >= SILENCE:
            return  # something is heard, and no digest is wanted
        frame.pts = None  # the queue would compare times, which have gaps where a file is damaged
        # The queue refuses another rate or sample format; another number of channels it takes, and reads beyond the frame.
        channels = frame.layout.nb_channels
        try:
            if channels != self._channels:
                raise ValueError("another number of channels")
            self._fifo.write(frame)
        except ValueError:
            self.changes += self._channels > 0
            self.finish()
            self._channels, self._fifo = channels, av.AudioFifo()
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
        planes = _planes(block)
        if self.is_exact:
            self._has_samples = True
            self._md5.update(self._as_stored(planes))
        for plane in planes:
            self._measure(plane)

    def _measure(self, samples: Any) -> None:
        low, high = float(samples.min()), float(samples.max())
        if samples.dtype.kind == "u":
            low, high, scale = low - 128, high - 128, 128.0
        else:
            scale = float(1 << (samples.itemsize * 8 - 1)) if samples.dtype.kind == "i" else 1.0
        peak = max(-low, high) / scale
        if peak > self.peak and math.isfinite(peak):
            self.peak = peak

    def _as_stored(self, planes: list[Any]) -> Any:
        """Samples as FLAC digests them: signed, little-endian, in as few whole bytes as they need (RFC 9639 §8.2)."""
        import numpy as np

        flat = planes[0] if len(planes) == 1 else np.stack(planes, axis=1).reshape(-1)
        if flat.dtype == np.uint8:
            return flat ^ 0x80
        wide = flat.itemsize * 8
        bits = self.bit_depth if 0 < self.bit_depth < wide else wide
        if flat.dtype.kind != "i" or bits == wide:
            return flat
        width = -(-bits // 8)
        if bits % 8:
            flat = flat >> (width * 8 - bits)  # decoders fill the upper bits
        # Little-endian, so the whole bytes that count are the upper ones, which come last.
        return flat.view(np.uint8).reshape(-1, flat.itemsize)[:, flat.itemsize - width :].tobytes()


def _planes(block: Any) -> list[Any]:
    """Return the samples of a block without copying them: one array for each plane."""
    import numpy as np

    kind, channels = np.dtype(_TYPES[block.format.packed.name]), block.layout.nb_channels
    planes, each = (channels, 1) if block.format.is_planar else (1, channels)
    # With more than eight channels the library counts too many planes, and those lie nowhere.
    return [np.frombuffer(plane, kind, block.samples * each) for plane in block.planes[:planes]]
