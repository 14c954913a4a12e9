"""The outline of a recording, in memory that does not grow with its length: whenever there are too many stretches, two become one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIRST_STRETCH = 256
"""Samples of a stretch in a short recording; each doubling doubles it."""
MOST_STRETCHES = 4096
SVG_COLUMNS = 1024
_HEIGHT = 256


class Waveform:
    """Lowest and highest sample of each stretch, all channels together."""

    def __init__(self) -> None:
        import numpy as np

        self.stretch = FIRST_STRETCH
        self._low: NDArray[np.int16] = np.zeros(0, np.int16)
        self._high: NDArray[np.int16] = np.zeros(0, np.int16)
        self._rest: tuple[int, int, int] = (0, 0, 0)
        """Samples of the stretch that is not full yet, their lowest and their highest."""

    def took(self, block: NDArray[np.int16]) -> None:
        """Take samples: one row for each channel."""
        import numpy as np

        low, high = block.min(axis=0), block.max(axis=0)
        first = min(self.stretch - self._rest[0], low.size)
        self._add_rest(low[:first], high[:first])
        full = (low.size - first) // self.stretch
        middle = first + full * self.stretch
        if full:
            self._low = np.append(self._low, low[first:middle].reshape(full, -1).min(axis=1))
            self._high = np.append(self._high, high[first:middle].reshape(full, -1).max(axis=1))
        self._add_rest(low[middle:], high[middle:])
        while self._low.size >= MOST_STRETCHES:
            self._halve()

    def _add_rest(self, low: NDArray[np.int16], high: NDArray[np.int16]) -> None:
        import numpy as np

        if not low.size:
            return
        count, lowest, highest = self._rest
        lowest = int(low.min()) if not count else min(lowest, int(low.min()))
        highest = int(high.max()) if not count else max(highest, int(high.max()))
        count += low.size
        if count == self.stretch:
            self._low, self._high = np.append(self._low, np.int16(lowest)), np.append(self._high, np.int16(highest))
            count, lowest, highest = 0, 0, 0
        self._rest = (count, lowest, highest)

    def _halve(self) -> None:
        """Make one stretch of two. The number of stretches is even here: one without a partner would be lost."""
        if self._low.size % 2:
            count, lowest, highest = self._rest
            alone_low, alone_high = int(self._low[-1]), int(self._high[-1])
            self._rest = (
                count + self.stretch,
                min(alone_low, lowest) if count else alone_low,
                max(alone_high, highest) if count else alone_high,
            )
            self._low, self._high = self._low[:-1], self._high[:-1]
        self._low = self._low.reshape(-1, 2).min(axis=1)
        self._high = self._high.reshape(-1, 2).max(axis=1)
        self.stretch *= 2

    def pairs(self) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Return the lowest and the highest samples, the last stretch perhaps shorter than the others."""
        import numpy as np

        if not self._rest[0]:
            return self._low, self._high
        return np.append(self._low, np.int16(self._rest[1])), np.append(self._high, np.int16(self._rest[2]))


def peaks_json(wave: Waveform, *, rate: int) -> bytes:
    """Return the outline as audiowaveform's data format, version 2, has it: 8 bits, one channel."""
    import numpy as np

    low, high = wave.pairs()
    data = (np.column_stack((low, high)).reshape(-1) >> 8).tolist()
    record = {
        "version": 2,
        "channels": 1,
        "sample_rate": rate,
        "samples_per_pixel": wave.stretch,
        "bits": 8,
        "length": int(low.size),
        "data": data,
    }
    return (json.dumps(record, separators=(",", ":")) + "\n").encode()


def outline_svg(wave: Waveform) -> bytes:
    """Return the outline as a picture that holds one path, no text of anybody's and nothing that could run."""
    low, high = _columns(*wave.pairs())
    middle = _HEIGHT / 2
    upper = [f"{x} {middle - value * middle / 32768:.1f}" for x, value in enumerate(high)]
    lower = [f"{x} {middle - value * middle / 32768:.1f}" for x, value in enumerate(low)]
    path = "M" + "L".join((*upper, *reversed(lower))) + "Z" if upper else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(1, len(upper))} {_HEIGHT}" '
        'preserveAspectRatio="none" role="img" aria-label="Waveform">'
        f'<path fill="#1b6b93" d="{path}"/></svg>\n'
    ).encode()


def _columns(low: NDArray[np.int16], high: NDArray[np.int16]) -> tuple[list[int], list[int]]:
    """Return at most so many columns as a picture needs."""
    step = -(-low.size // SVG_COLUMNS) or 1
    starts = range(0, low.size, step)
    return [int(low[at : at + step].min()) for at in starts], [int(high[at : at + step].max()) for at in starts]
