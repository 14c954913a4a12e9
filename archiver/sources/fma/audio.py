"""The audio of the dataset: a zip or a folder with ``NNN/NNNNNN.mp3`` and a file ``checksums``."""

from __future__ import annotations

import os
import re
import stat
from array import array
from bisect import bisect_left
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from archiver.core.errors import FileRefusedError, SourceProtocolError, SourceUnavailableError
from archiver.core.fixity import Algorithm, Digest
from archiver.sources.fma.members import CHUNK, Member, Zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LONGEST_CHECKSUMS = 256 << 20
_TRACK = re.compile(r"(?:.*/)?([0-9]{3})/([0-9]{6,7})\.mp3")
_SUM = re.compile(rb"([0-9A-Fa-f]{40})[ \t]+\*?(?:\./)?(\S.{0,200})")


def track_path(track: int) -> str:
    """Return a track's place in the set: its number in six digits, in a folder of the first three."""
    name = f"{track:06d}"
    return f"{name[:3]}/{name}.mp3"


def track_of(path: str) -> int | None:
    """Return the track that a path belongs to, or None."""
    match = _TRACK.fullmatch(path)
    return int(match[2]) if match and match[2].startswith(match[1]) else None


class Column:
    """One entry of fixed length for each of very many tracks; added in any order, then sorted once."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._ids = array("L")
        self._data = bytearray()
        self._order = array("L")
        self.ids = array("L")
        self.doubtful: set[int] = set()

    def add(self, track: int, entry: bytes) -> None:
        """Add an entry."""
        self._ids.append(track)
        self._data += entry

    def close(self) -> None:
        """Sort; a track with two entries that differ has none."""
        order = sorted(range(len(self._ids)), key=self._ids.__getitem__)
        self._order = array("L", order)
        self.ids = array("L", (self._ids[place] for place in order))
        for one, other in zip(range(len(order)), range(1, len(order)), strict=False):
            if self.ids[one] == self.ids[other] and self._at(order[one]) != self._at(order[other]):
                self.doubtful.add(self.ids[one])

    def find(self, track: int) -> bytes | None:
        """Return the entry of a track, or None."""
        place = bisect_left(self.ids, track)
        if place == len(self.ids) or self.ids[place] != track or track in self.doubtful:
            return None
        return self._at(self._order[place])

    def _at(self, place: int) -> bytes:
        return bytes(self._data[place * self._width : (place + 1) * self._width])


class Audio(Protocol):
    """Where the tracks lie."""

    path: Path
    set_name: str
    """Its own name for itself: the folder that holds the tracks, such as ``fma_full``."""

    def tracks(self) -> Iterable[int]:
        """Return the tracks that are there, ascending."""
        ...

    def checksums(self) -> Iterator[bytes] | None:
        """Return the bytes of ``checksums``, or None where it is missing."""
        ...

    def size(self, track: int) -> int | None:
        """Return the bytes of a track, or None where it is missing."""
        ...

    def open(self, track: int, *, offset: int) -> tuple[int, Iterator[bytes]]:
        """Return a track's bytes, and the position of the first.

        Raises:
            FileRefusedError: It is missing.
        """
        ...

    def close(self) -> None:
        """Close it."""
        ...


class ZippedAudio:
    """See `Audio`."""

    _WIDTH = 8 * 4 + 2

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_name = ""
        self._zip = Zip(path)
        self._members = Column(self._WIDTH)
        self._sums: Member | None = None
        self._zip.members(self._take)
        self._members.close()

    def _take(self, member: Member) -> None:
        track = track_of(member.name)
        if track is not None:
            numbers = (member.packed, member.size, member.crc, member.at)
            entry = b"".join(number.to_bytes(8, "big") for number in numbers) + member.method.to_bytes(2, "big")
            self._members.add(track, entry)
            self.set_name = self.set_name or member.name.rpartition("/")[0].rpartition("/")[0].rpartition("/")[2]
        elif member.name.rpartition("/")[2] == "checksums" and self._sums is None:
            self._sums = member

    def tracks(self) -> Iterable[int]:
        """See `Audio`."""
        return self._members.ids

    def checksums(self) -> Iterator[bytes] | None:
        """See `Audio`."""
        return self._zip.content(self._sums) if self._sums else None

    def size(self, track: int) -> int | None:
        """See `Audio`."""
        member = self._member(track)
        return member.size if member else None

    def open(self, track: int, *, offset: int) -> tuple[int, Iterator[bytes]]:  # noqa: ARG002 - the protocol's argument
        """See `Audio`; a packed member is always read from its start."""
        member = self._member(track)
        if member is None:
            doubt = "is there twice" if track in self._members.doubtful else "is missing"
            raise FileRefusedError(f"{self.path}: {track_path(track)} {doubt}")
        return 0, self._zip.content(member)

    def close(self) -> None:
        """See `Audio`."""
        self._zip.close()

    def _member(self, track: int) -> Member | None:
        entry = self._members.find(track)
        if entry is None:
            return None
        packed, size, crc, at = (int.from_bytes(entry[n : n + 8], "big") for n in range(0, 32, 8))
        return Member(track_path(track), int.from_bytes(entry[32:], "big"), packed, size, crc, at)


class UnpackedAudio:
    """See `Audio`. Nothing outside the folder is read: a link is no file of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_name = path.name
        self._ids = array("L", sorted(self._listed()))

    def _listed(self) -> Iterator[int]:
        try:
            folders = [entry.name for entry in os.scandir(self.path) if re.fullmatch(r"[0-9]{3}", entry.name)]
            for folder in folders:
                with _opened(self.path, folder) as handle:
                    for name in os.listdir(handle):  # noqa: PTH208 - of a folder that is held open
                        track = track_of(f"{folder}/{name}")
                        if track is not None:
                            yield track
        except OSError as error:
            raise SourceUnavailableError(f"{self.path}: cannot be listed: {error.strerror}") from error

    def tracks(self) -> Iterable[int]:
        """See `Audio`."""
        return self._ids

    def checksums(self) -> Iterator[bytes] | None:
        """See `Audio`."""
        try:
            return self._content(self._descriptor("checksums"), 0)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceUnavailableError(f"{self.path}/checksums: cannot be read: {error.strerror}") from error

    def size(self, track: int) -> int | None:
        """See `Audio`."""
        try:
            descriptor = self._descriptor(track_path(track))
        except OSError:
            return None
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def open(self, track: int, *, offset: int) -> tuple[int, Iterator[bytes]]:
        """See `Audio`."""
        try:
            return offset, self._content(self._descriptor(track_path(track)), offset)
        except OSError as error:
            raise FileRefusedError(f"{self.path}: {track_path(track)}: {error.strerror}") from error

    def close(self) -> None:
        """See `Audio`."""

    def _descriptor(self, path: str) -> int:
        folder, _, name = path.rpartition("/")
        with _opened(self.path, folder or ".") as handle:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(0, "no regular file")
        return descriptor

    def _content(self, descriptor: int, offset: int) -> Iterator[bytes]:
        try:
            at = offset
            while chunk := os.pread(descriptor, 4 * CHUNK, at):
                yield chunk
                at += len(chunk)
        except OSError as error:
            raise SourceUnavailableError(f"{self.path}: cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)


@contextmanager
def _opened(root: Path, folder: str) -> Iterator[int]:
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    finally:
        os.close(top)
    try:
        yield handle
    finally:
        os.close(handle)


@dataclass(slots=True)
class Checksums:
    """What ``checksums`` says of the tracks.

    Attributes:
        column: SHA-1 by track.
        damaged: Lines that say nothing.
    """

    column: Column = field(default_factory=lambda: Column(20))
    damaged: int = 0

    def find(self, track: int) -> Digest | None:
        """Return the SHA-1 of a track, or None where no line, or several that differ, are about it."""
        found = self.column.find(track)
        return Digest(Algorithm.SHA1, found.hex()) if found else None


def read_checksums(chunks: Iterable[bytes], *, what: str) -> Checksums:
    """Read ``checksums``: forty hexadecimal digits, two spaces, a path.

    Raises:
        SourceProtocolError: It is longer than it can be.
    """
    found = Checksums()

    def take(line: bytes) -> None:
        match = _SUM.fullmatch(line.strip())
        track = track_of(match[2].decode("utf-8", "replace")) if match else None
        if match and track is not None:
            found.column.add(track, bytes.fromhex(match[1].decode()))
        elif line.strip() and not match:
            found.damaged += 1

    for_each_line(chunks, take, what=what)
    found.column.close()
    return found


def for_each_line(chunks: Iterable[bytes], take: Callable[[bytes], None], *, what: str) -> None:
    """Hand on each line of a text of bounded length.

    Raises:
        SourceProtocolError: It is too long.
    """
    rest, total = b"", 0
    for chunk in chunks:
        total += len(chunk)
        if total > LONGEST_CHECKSUMS or len(rest) > 1 << 20:
            raise SourceProtocolError(f"{what}: too long for a list of checksums")
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            take(line)
    take(rest)
