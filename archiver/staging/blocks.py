"""Writing past the page cache: whole aligned blocks go straight to the device, the rest as usual.

A harvest writes far more than memory holds and reads none of it from the cache again. Buffered, each byte is copied once
more and each page is found, cleared and given back by the kernel, which costs more than hashing it; and what is read back
from the cache says nothing of the disk. Where a file system knows no direct writes, everything goes as usual.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from contextlib import suppress

BLOCK = 1 << 20
"""Bytes written at once: a multiple of every device's own block."""
_ALIGNED = 4096

_DIRECT: int = getattr(os, "O_DIRECT", 0)


class BlockWriter:
    """Appends to an open file; up to one block waits in memory until `flush`.

    Args:
        descriptor: Open for writing, positioned at the end; stays the caller's.
        position: Where that is, in bytes.
    """

    def __init__(self, descriptor: int, position: int) -> None:
        self._descriptor = descriptor
        self._position = position
        self._block: mmap.mmap | None = None
        self._filled = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            OSError: As `os.write`; what was appended before is in the file or is still waiting.
        """
        if self._position % _ALIGNED:
            self._plainly(memoryview(chunk))
            return
        view = memoryview(chunk)
        if self._block is None:
            self._block = mmap.mmap(-1, BLOCK)  # anonymous memory begins at a page: aligned for every device
        while view:
            taken = view[: BLOCK - self._filled]
            self._block[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            view = view[len(taken) :]
            if self._filled == BLOCK:
                self._write_block()

    def flush(self) -> None:
        """Write what waits; it is then in the file, and durable after the caller's fsync."""
        if self._filled and self._block is not None:
            filled, self._filled = self._filled, 0
            with memoryview(self._block) as block, block[:filled] as rest:
                self._plainly(rest)

    def close(self) -> None:
        """Let the memory go; what was not flushed is lost."""
        # Not closed but forgotten: a traceback may still hold a view of it, and closing it then is an error of its own.
        self._block = None
        self._filled = 0

    def _write_block(self) -> None:
        if self._block is None:
            return
        written = self._directly(self._block)
        self._filled = 0
        with memoryview(self._block) as block, block[written:] as rest:
            self._plainly(rest)

    def _directly(self, block: mmap.mmap) -> int:
        """Write a block past the cache and return how much of it was taken: nothing where that cannot be done."""
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | _DIRECT)
            written = os.write(self._descriptor, block)
        except OSError:
            # Not known here (EINVAL on some file systems) or no room: the plain write that follows tells the two apart.
            written = 0
        finally:
            with suppress(OSError):
                fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags)
        self._position += written
        return written

    def _plainly(self, view: memoryview) -> None:
        while view:
            written = os.write(self._descriptor, view)
            self._position += written
            view = view[written:]
