"""CRC-16/ARC over long spans, in lanes: the checksum is linear, so blocks are counted side by side and joined."""

from __future__ import annotations

import mmap
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LANES, WIDTH = 4096, 256
BLOCK = LANES * WIDTH


@cache
def _tables() -> tuple[NDArray[np.uint16], ...]:
    """Return what 2**n zero bytes make of each state, for n from 0 on."""
    import numpy as np

    state = np.arange(65536, dtype=np.uint16)
    step: NDArray[np.uint16] = state.copy()
    for _ in range(8):
        step = ((step >> 1) ^ np.where(step & 1, 0xA001, 0)).astype(np.uint16)
    tables = [step]
    for _ in range(40):
        tables.append(tables[-1][tables[-1]])
    return tuple(tables)


def crc16_arc(data: mmap.mmap, start: int, end: int) -> int:
    """Return the checksum of ``data[start:end]`` (polynomial 0x8005 reflected, from zero)."""
    state = 0
    for at in range(start, end, BLOCK):
        chunk = data[at : min(end, at + BLOCK)]
        state = _advanced(state, len(chunk)) ^ _of_block(chunk)
        if at - start and not (at - start) % (4 * BLOCK):
            data.madvise(mmap.MADV_DONTNEED, 0, at - at % mmap.PAGESIZE)
    return state


def _advanced(state: int, zeros: int) -> int:
    for exponent, table in enumerate(_tables()):
        if zeros >> exponent & 1:
            state = int(table[state])
    return state


def _of_block(chunk: bytes) -> int:
    """Zero bytes before a block change nothing when counting begins at zero: so every block can be a full one."""
    import numpy as np

    tables = _tables()
    lanes = np.frombuffer(chunk.rjust(BLOCK, b"\0"), np.uint8).reshape(LANES, WIDTH).T.copy()
    state = np.zeros(LANES, np.uint16)
    for column in lanes:
        state = tables[0][state ^ column]
    exponent = 8  # WIDTH is 2**8
    while len(state) > 1:
        state = tables[exponent][state[0::2]] ^ state[1::2]
        exponent += 1
    return int(state[0])
