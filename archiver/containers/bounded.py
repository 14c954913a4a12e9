"""A stream that an archive reader may only move forward in, with limits that hostile archives run into."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from archiver.containers.limits import Limits


class ExcessError(OSError):
    """The stream gave more than its limits allow."""


class ForwardReader(io.RawIOBase):
    """Reads forward only; seeking ahead reads and drops.

    Args:
        source: Decompressed bytes.
        limits: How much may come out of it, and how much a reader may ask for at once: a tar header may claim extended
            attributes of any length, and they are read into memory.
        jumps: The source can be moved in itself, so that nothing is read to get ahead.

    Attributes:
        last: What the last read returned.
    """

    def __init__(self, source: BinaryIO, limits: Limits, *, jumps: bool) -> None:
        super().__init__()
        self._source = source
        self._limits = limits
        self._jumps = jumps
        self._at = 0
        self.last = b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be moved in, as far as that goes forward."""
        return True

    def tell(self) -> int:
        """Return the position in decompressed bytes."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, fewer at the end only.

        Raises:
            ExcessError: More than the limits allow.
        """
        if size < 0 or size > self._limits.at_once:
            raise ExcessError(f"a member asks for {size} bytes of memory; at most {self._limits.at_once} are given")
        pieces, missing = [], size
        while missing and (piece := self._source.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        self._at += size - missing
        # Beyond the end of a file that can be moved in nothing comes out: it was cut short.
        if pieces and self._at > self._limits.unpacked:
            raise ExcessError(f"it unpacks to more than {self._limits.unpacked} bytes")
        self.last = b"".join(pieces)
        return self.last

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move forward.

        Raises:
            OSError: The way leads back.
        """
        target = offset if whence == io.SEEK_SET else self._at + offset
        if whence == io.SEEK_END or target < self._at:
            raise OSError("a compressed archive is read forward only")
        if self._jumps:
            self._at = self._source.seek(target)
        while self._at < target:
            if not self.read(min(target - self._at, self._limits.at_once)):
                break
        return self._at

    def close(self) -> None:
        """Close the source."""
        self._source.close()
        super().close()
