"""A picture of the frequencies over time, in constant memory, and the PNG it is kept in, without a time stamp."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 1024
ROWS = WINDOW // 2
MOST_COLUMNS = 1200
LEAST_COLUMNS = 600
FLOOR = -96.0
"""dB below full scale that are drawn as silence."""
_COLOURS = ((0, 0, 0), (32, 12, 74), (106, 23, 110), (187, 55, 84), (237, 121, 33), (249, 201, 50), (252, 255, 224))
"""From silence to full scale; between them it is a straight line."""


class Spectrogram:
    """Mean power of each frequency in each stretch of time; when there are too many stretches, two become one."""

    def __init__(self) -> None:
        import numpy as np

        self._window = np.hanning(WINDOW).astype(np.float32)
        self._scale = float(2.0 / self._window.sum() / 32768.0)
        self._left: NDArray[np.float32] = np.zeros(0, np.float32)
        self._each = 1
        self._columns: NDArray[np.float32] = np.zeros((0, ROWS), np.float32)
        self._rest: tuple[int, NDArray[np.float32]] = (0, np.zeros(ROWS, np.float32))

    def took(self, block: NDArray[np.int16]) -> None:
        """Take samples: one row for each channel."""
        import numpy as np

        samples = np.concatenate((self._left, block.mean(axis=0, dtype=np.float32)))
        full = samples.size // WINDOW
        self._left = samples[full * WINDOW :]
        if full:
            self._add(self._powers(samples[: full * WINDOW].reshape(full, WINDOW)))

    def _powers(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        found = np.abs(np.fft.rfft(windows * self._window, axis=1)[:, 1:]) * self._scale
        powers: NDArray[np.float32] = (found * found).astype(np.float32)
        return powers

    def _add(self, powers: NDArray[np.float32]) -> None:
        import numpy as np

        count, rest = self._rest
        if count:
            first = min(self._each - count, len(powers))
            count, rest = count + first, rest + powers[:first].sum(axis=0)
            powers = powers[first:]
            if count == self._each:
                self._columns = np.vstack((self._columns, rest))
                count, rest = 0, np.zeros(ROWS, np.float32)
        full = len(powers) // self._each
        if full:
            middle = full * self._each
            self._columns = np.vstack((self._columns, powers[:middle].reshape(full, self._each, ROWS).sum(axis=1)))
            powers = powers[middle:]
        if len(powers):
            count, rest = count + len(powers), rest + powers.sum(axis=0)
        self._rest = (count, rest)
        while len(self._columns) > MOST_COLUMNS:
            self._halve()

    def _halve(self) -> None:
        if len(self._columns) % 2:
            self._rest = (self._rest[0] + self._each, self._rest[1] + self._columns[-1])
            self._columns = self._columns[:-1]
        self._columns = self._columns[0::2] + self._columns[1::2]
        self._each *= 2

    def png(self) -> bytes:
        """Return the picture: time from left to right, frequency from below to half the sampling rate."""
        import numpy as np

        if not len(self._columns) and not self._rest[0]:
            padded = np.zeros(WINDOW, np.float32)
            padded[: self._left.size] = self._left
            self._add(self._powers(padded.reshape(1, WINDOW)))
        columns = self._columns / self._each
        if self._rest[0]:
            columns = np.vstack((columns, self._rest[1] / self._rest[0]))
        level = 10.0 * np.log10(np.maximum(columns, 1e-12))
        shades = np.clip((level - FLOOR) / -FLOOR * 255.0, 0, 255).astype(np.uint8)
        repeated = np.repeat(shades, -(-LEAST_COLUMNS // len(shades)), axis=0)
        return png_of(np.ascontiguousarray(repeated.T[::-1]), _palette())


def _palette() -> bytes:
    steps = len(_COLOURS) - 1
    palette = bytearray()
    for shade in range(256):
        at, share = divmod(shade * steps, 255)
        low, high = _COLOURS[at], _COLOURS[min(at + 1, steps)]
        palette += bytes(round(a + (b - a) * share / 255) for a, b in zip(low, high, strict=True))
    return bytes(palette)


def png_of(pixels: NDArray[np.uint8], palette: bytes) -> bytes:
    """Return a PNG of palette indices: no time, no text (ISO/IEC 15948)."""
    height, width = pixels.shape
    rows = b"".join(b"\0" + pixels[row].tobytes() for row in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + _chunk(b"PLTE", palette)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
