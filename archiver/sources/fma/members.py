"""Zips of the dataset, read without unpacking: half a million members in little memory, each streamed and bounded.

The standard library's `zipfile` makes an object of half a kilobyte for each member; `fma_full.zip` has 106,574. Here the
members that matter are kept as numbers (APPNOTE.TXT 6.3.10 §4.3.12 and §4.5.3). Nothing in a zip is believed: sizes bound
what is unpacked, and a checksum ends each member.
"""

from __future__ import annotations

import bz2
import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.errors import SourceProtocolError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHUNK = 1 << 18
"""Bytes that are read, and at most four times as many that are handed on, at once."""
MOST_MEMBERS = 1_000_000
LONGEST_DIRECTORY = 512 << 20
STORED, DEFLATED, BZIP2 = 0, 8, 12

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a zip.

    Attributes:
        name: As written there.
        method: Of compression.
        packed: Bytes as they lie there.
        size: Bytes unpacked, as stated.
        crc: CRC-32, as stated.
        at: Where its local header begins.
    """

    name: str
    method: int
    packed: int
    size: int
    crc: int
    at: int


class Zip:
    """A zip that is open for reading; safe for threads.

    Args:
        path: Where it lies.

    Raises:
        SourceUnavailableError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self._length = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise SourceUnavailableError(f"{path}: cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def members(self, take: Callable[[Member], None]) -> None:
        """Hand every member to ``take``, in the order of the directory.

        Raises:
            SourceProtocolError: The file is no zip, or a damaged one.
            SourceUnavailableError: It cannot be read.
        """
        number, length, at = self._end()
        buffer, where = b"", at
        for _ in range(number):
            if len(buffer) < 1 << 17:  # an entry is 46 bytes and three texts of at most 64 KiB
                piece = self._read(where, min(1 << 20, at + length - where))
                buffer, where = buffer + piece, where + len(piece)
            buffer = buffer[self._entry(buffer, take) :]

    def content(self, member: Member) -> Iterator[bytes]:
        """Yield a member's bytes, unpacked, in chunks of at most 1 MiB.

        Raises:
            SourceProtocolError: They are damaged, or others than the directory states.
            SourceUnavailableError: The file cannot be read.
        """
        what = f"{self.path.name}: {member.name}"
        size, crc = 0, 0
        for chunk in self._unpacked(member, what):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            if size > member.size:
                break
            yield chunk
        if size != member.size or crc != member.crc:
            raise SourceProtocolError(
                f"{what}: damaged: expected {member.size} bytes with CRC {member.crc:08x}, "
                f"actual {'more' if size > member.size else size} with {crc:08x}"
            )

    def _unpacked(self, member: Member, what: str) -> Iterator[bytes]:
        engine: Any = None
        if member.method == DEFLATED:
            engine = zlib.decompressobj(-15)
        elif member.method == BZIP2:
            engine = bz2.BZ2Decompressor()
        elif member.method != STORED:
            raise SourceProtocolError(f"{what}: packed by method {member.method}; known: stored, deflate, bzip2")
        for piece in self._packed(member, what):
            try:
                yield from _steps(engine, piece) if engine else (piece,)
            except (zlib.error, OSError, ValueError) as error:
                raise SourceProtocolError(f"{what}: damaged: {error}") from error

    def _packed(self, member: Member, what: str) -> Iterator[bytes]:
        head = self._read(member.at, _LOCAL.size)
        fields = _LOCAL.unpack(head)
        if fields[0] != b"PK\3\4":
            raise SourceProtocolError(f"{what}: damaged: no local header at byte {member.at}")
        if fields[2] & 1:
            raise SourceProtocolError(f"{what}: encrypted")
        at, left = member.at + _LOCAL.size + fields[9] + fields[10], member.packed
        while left:
            piece = self._read(at, min(CHUNK, left))
            at, left = at + len(piece), left - len(piece)
            yield piece

    def _end(self) -> tuple[int, int, int]:
        """Return how many members there are, and length and place of the directory."""
        tail_at = max(0, self._length - 65_557)
        tail = self._read(tail_at, self._length - tail_at) if self._length >= _END.size else b""
        place = tail.rfind(b"PK\5\6")
        if place < 0 or len(tail) - place < _END.size:
            raise SourceProtocolError(f"{self.path}: no zip, or one that was cut short")
        _, disk, first, _, number, length, at, _ = _END.unpack_from(tail, place)
        is_split = disk not in {0, 0xFFFF} or first not in {0, 0xFFFF}
        if place >= _LOCATOR.size and tail[place - _LOCATOR.size :].startswith(b"PK\6\7"):
            end = _LOCATOR.unpack_from(tail, place - _LOCATOR.size)[2]
            fields = _END64.unpack(self._read(end, _END64.size))
            if fields[0] != b"PK\6\6":
                raise SourceProtocolError(f"{self.path}: damaged: no end of directory at byte {end}")
            number, length, at = fields[7], fields[8], fields[9]
        if is_split or number > MOST_MEMBERS or length > LONGEST_DIRECTORY or at + length > self._length:
            raise SourceProtocolError(f"{self.path}: damaged, or with more than {MOST_MEMBERS} members")
        return number, length, at

    def _entry(self, buffer: bytes, take: Callable[[Member], None]) -> int:
        try:
            fields = _ENTRY.unpack_from(buffer)
        except struct.error as error:
            raise SourceProtocolError(f"{self.path}: the directory is cut short") from error
        after = _ENTRY.size + fields[10]
        whole: int = after + fields[11] + fields[12]
        if fields[0] != b"PK\1\2" or whole > len(buffer):
            raise SourceProtocolError(f"{self.path}: the directory is damaged")
        name = buffer[_ENTRY.size : after].decode("utf-8" if fields[3] & 0x800 else "cp437", "replace")
        sizes = _with_extra(buffer[after : after + fields[11]], fields[9], fields[8], fields[16])
        take(Member(name, fields[4], sizes[1], sizes[0], fields[7], sizes[2]))
        return whole

    def _read(self, at: int, length: int) -> bytes:
        try:
            piece = os.pread(self._descriptor, length, at)
        except (OSError, OverflowError, ValueError) as error:
            raise SourceUnavailableError(f"{self.path}: cannot be read at byte {at}") from error
        if len(piece) < min(length, _LOCAL.size):
            raise SourceProtocolError(f"{self.path}: cut short at byte {at}")
        return piece


def _steps(engine: Any, piece: bytes) -> Iterator[bytes]:
    """Yield what a piece unpacks to, a mebibyte at once; what follows the end of the stream is left alone."""
    if isinstance(engine, bz2.BZ2Decompressor):
        while not engine.eof and (piece or not engine.needs_input):
            chunk = engine.decompress(piece, 4 * CHUNK)
            piece = b""
            if chunk:
                yield chunk
        return
    while not engine.eof and piece:
        chunk = engine.decompress(piece, 4 * CHUNK)
        piece = engine.unconsumed_tail
        if chunk:
            yield chunk
    if not engine.eof and (rest := engine.decompress(b"", 4 * CHUNK)):
        yield rest


def _with_extra(extra: bytes, size: int, packed: int, at: int) -> list[int]:
    """Return the three numbers, those that do not fit into 32 bits from the zip64 field (§4.5.3)."""
    numbers = [size, packed, at]
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            field = extra[4 : 4 + length]
            for place, number in enumerate(numbers):
                if number == 0xFFFFFFFF and len(field) >= 8:
                    numbers[place] = struct.unpack_from("<Q", field)[0]
                    field = field[8:]
            break
        extra = extra[4 + length :]
    return numbers
