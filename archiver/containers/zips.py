"""Bags in zip, read in any order. Nothing is extracted.

The central directory is read here and not by `zipfile`, which holds all of it: a zip of a million members would take half a
gigabyte. Decompression and CRC are those of `zipfile`.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from archiver.containers.limits import limits_for
from archiver.core.bags.paths import unsafe_because
from archiver.core.errors import ObjectDamagedError
from archiver.core.objects import ObjectFacts, Stranger, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.ports.bags import Reader

CHUNK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    UnicodeError,
    RuntimeError,  # `zipfile` raises it for encrypted members and for methods it does not know
    OSError,
    struct.error,
    lzma.LZMAError,
    MemoryError,  # a member may ask for a dictionary of four gigabytes
)
_UTF8 = 0x800
"""General purpose bit 11: the name is UTF-8 (APPNOTE 4.4.4)."""
_ENCRYPTED = 0x1

# APPNOTE 4.3.16, 4.3.15, 4.3.14, 4.3.12, 4.3.7; sizes that do not fit are all ones and stand in the extra field 1 (4.5.3).
_END = struct.Struct("<4s4H2LH")
_END_64_PLACE = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_ALL_ONES = 0xFFFFFFFF
_ZIP64 = 1


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the central directory is, and how far what it says of places is off (something may come before a zip)."""

    begins: int
    ends: int
    shift: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """One member, as the central directory has it."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    header: int
    place: int

    @property
    def text(self) -> str:
        """The name: UTF-8 where it is marked so, else in the character set of old PCs (APPNOTE D.1)."""
        return self.name.decode("utf-8" if self.flags & _UTF8 else "cp437")


class ZipPlace:
    """A zip; see `archiver.ports.bags.BagArchive`.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shift = 0

    @property
    def name(self) -> str:
        """Nothing: the path of the file is said with each bag."""
        return ""

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield every member; damage is a stranger."""
        most = limits_for(self._path.stat().st_size, is_compressed=True)
        unpacked = 0
        try:
            with self._path.open("rb") as file:
                for entry in self._entries(file):
                    unpacked += entry.size
                    if unpacked > most.unpacked:
                        yield Stranger(StrangerKind.EXCESSIVE, "", f"it unpacks to more than {most.unpacked} bytes")
                        return
                    fact = _fact(entry)
                    if fact is not None:
                        yield fact
        except _BROKEN as error:
            yield Stranger(StrangerKind.DAMAGED, "", f"{type(error).__name__}: {error}"[:300])

    def _entries(self, file: BinaryIO) -> Iterator[_Entry]:
        directory = _directory(file)
        self._shift = directory.shift
        at = directory.begins
        file.seek(at)
        while at < directory.ends:
            entry, length = _entry(file, at, directory.shift)
            at += length
            yield entry
        if at != directory.ends:
            raise zipfile.BadZipFile("the central directory ends elsewhere than it says")

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Open the file for reading members; see the port."""
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise ObjectDamagedError(f"{self._path}: cannot be read: {error.strerror}") from error
        with file:
            yield partial(self._pieces, file)

    def _pieces(self, file: BinaryIO, member: ObjectFacts) -> Iterator[bytes]:
        key, received = member.key, 0
        with self._translated(key):
            file.seek(member.place)
            entry, _ = _entry(file, member.place, self._shift)
            with _opened(file, entry) as unpacked:
                while chunk := unpacked.read(CHUNK):
                    received += len(chunk)
                    if received > member.size:
                        raise ObjectDamagedError(
                            f"{self._path}: {key!r} is longer than the {member.size} bytes it declares"
                        )
                    yield chunk
        if received != member.size:
            raise ObjectDamagedError(f"{self._path}: {key!r} has {received} of {member.size} bytes")

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise ObjectDamagedError(
                f"{self._path}: {key!r} cannot be read: {type(error).__name__}: {error}"
            ) from error


def _directory(file: BinaryIO) -> _Directory:
    """Find the central directory by the record at the end.

    Raises:
        BadZipFile: There is none.
    """
    size = file.seek(0, 2)
    begins = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(begins)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise zipfile.BadZipFile("File is not a zip file")
    _, disk, first_disk, _, _, length, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise zipfile.BadZipFile("its comment is not what comes last")
    ends = begins + at
    is_large = ends >= _END_64_PLACE.size and (_ALL_ONES in {length, offset} or 0xFFFF in {disk, first_disk})
    if is_large or _has_zip64(file, ends):
        ends, disk, first_disk, length, offset = _zip64(file, ends)
    if disk or first_disk:
        raise zipfile.BadZipFile("zipfiles that span multiple disks are not supported")
    shift = ends - length - offset
    if shift < 0:
        raise zipfile.BadZipFile("Bad offset for central directory")
    return _Directory(offset + shift, ends, shift)


def _has_zip64(file: BinaryIO, end: int) -> bool:
    if end < _END_64_PLACE.size:
        return False
    file.seek(end - _END_64_PLACE.size)
    return file.read(4) == b"PK\x06\x07"


def _zip64(file: BinaryIO, end: int) -> tuple[int, int, int, int, int]:
    file.seek(end - _END_64_PLACE.size)
    mark, _, _, disks = _END_64_PLACE.unpack(file.read(_END_64_PLACE.size))
    if mark != b"PK\x06\x07" or disks > 1:
        raise zipfile.BadZipFile("the record of a large zip is missing or spans several disks")
    ends = end - _END_64_PLACE.size - _END_64.size
    if ends < 0:
        raise zipfile.BadZipFile("Corrupt zip64 end of central directory locator")
    file.seek(ends)
    mark, _, _, _, disk, first_disk, _, _, length, offset = _END_64.unpack(file.read(_END_64.size))
    if mark != b"PK\x06\x06":
        raise zipfile.BadZipFile("Zip64 end of central directory record not found")
    return ends, disk, first_disk, length, offset


def _entry(file: BinaryIO, at: int, shift: int) -> tuple[_Entry, int]:
    """Read the entry at the file's position, and return it with its length."""
    fixed = file.read(_ENTRY.size)
    if len(fixed) != _ENTRY.size:
        raise zipfile.BadZipFile("Truncated central directory")
    mark, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, attributes, header = _ENTRY.unpack(
        fixed
    )
    if mark != b"PK\x01\x02":
        raise zipfile.BadZipFile("Bad magic number for central directory")
    rest = file.read(name + extra + comment)
    if len(rest) != name + extra + comment:
        raise zipfile.BadZipFile("Truncated central directory")
    size, packed, header = _widened(rest[name : name + extra], size, packed, header)
    entry = _Entry(rest[:name], flags, method, crc, packed, size, attributes, header + shift, at)
    return entry, _ENTRY.size + len(rest)


def _widened(extra: bytes, *values: int) -> tuple[int, ...]:
    """Return size, packed size and place of a member, those that are all ones from the extra field 1."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if length + 4 > len(extra):
            raise zipfile.BadZipFile(f"Corrupt extra field {kind:04x} (size={length})")
        if kind == _ZIP64:
            numbers = iter(struct.unpack(f"<{length // 8}Q", extra[4 : 4 + length // 8 * 8]))
            try:
                return tuple(next(numbers) if value == _ALL_ONES else value for value in values)
            except (StopIteration, RuntimeError) as error:
                raise zipfile.BadZipFile("Corrupt zip64 extra field") from error
        extra = extra[4 + length :]
    return values


def _opened(file: BinaryIO, entry: _Entry) -> zipfile.ZipExtFile:
    """Open a member for reading, as `zipfile` does it, by what the central directory says."""
    file.seek(entry.header)
    mark, _, flags, _, _, _, _, _, _, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    if mark != b"PK\x03\x04":
        raise zipfile.BadZipFile("Bad magic number for file header")
    if file.read(name) != entry.name:
        raise zipfile.BadZipFile("File name in directory and header differ.")
    if (flags | entry.flags) & _ENCRYPTED:
        raise zipfile.BadZipFile("it is encrypted")
    file.seek(extra, 1)
    info = zipfile.ZipInfo("member")
    info.compress_type, info.compress_size, info.file_size, info.CRC = entry.method, entry.packed, entry.size, entry.crc
    return zipfile.ZipExtFile(file, "r", info)


def _fact(entry: _Entry) -> ObjectFacts | Stranger | None:
    """Return what a member is; None for a directory, which a bag does not list."""
    try:
        name = entry.text
    except UnicodeDecodeError:
        return Stranger(
            StrangerKind.UNNAMEABLE, entry.name.decode("utf-8", "backslashreplace"), "its name is not UTF-8"
        )
    kind, detail = _strange(entry, name)
    if kind is not None:
        return Stranger(kind, name, detail)
    return None if name.endswith("/") else ObjectFacts(name, entry.size, place=entry.place)


def _strange(entry: _Entry, name: str) -> tuple[StrangerKind | None, str]:
    mode = entry.attributes >> 16
    because = unsafe_because(name.rstrip("/"))
    for holds, kind, detail in (
        (
            not entry.flags & _UTF8 and not name.isascii(),
            StrangerKind.UNNAMEABLE,
            "its name is not marked as UTF-8",
        ),
        (bool(because), StrangerKind.UNSAFE, because),
        (stat.S_ISLNK(mode), StrangerKind.LINK, "a symbolic link"),
        (
            stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR},
            StrangerKind.SPECIAL,
            "neither a file nor a directory",
        ),
        (bool(entry.flags & _ENCRYPTED), StrangerKind.SPECIAL, "it is encrypted"),
    ):
        if holds:
            return kind, detail
    return None, ""
