"""Bags in tar: plain ones read in any order, compressed ones from beginning to end.

Python's `tarfile` reads headers; nothing is extracted, so that no member ever becomes a path on this machine.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from archiver.containers.bounded import ExcessError, ForwardReader
from archiver.containers.limits import limits_for
from archiver.core.bags.paths import unsafe_because
from archiver.core.errors import ObjectDamagedError, StagingFullError
from archiver.core.objects import ObjectFacts, Stranger, StrangerKind

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archiver.ports.bags import Reader

CHUNK = 1 << 20
_BLOCK = 512
_BROKEN = (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError, UnicodeError, RecursionError)
"""What `tarfile` and the decompressors raise on hostile bytes; `OSError` is told apart where it is caught."""


class TarStream:
    """A tar, compressed or not; see `archiver.ports.bags.BagStream`.

    Args:
        path: The file.
        compression: ``""``, ``gz`` or ``zst``.
    """

    def __init__(self, path: Path, compression: str) -> None:
        self._path = path
        self.compression = compression

    @property
    def name(self) -> str:
        """Nothing: the path of the file is said with each bag."""
        return ""

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield every member in order; see the port."""
        try:
            with self._opened() as (tar, reader):
                for member in _members(tar):
                    fact = _fact(member)
                    if fact is not None:
                        yield fact
                # `tarfile` takes a broken header for the end; the end is a block of zeros (POSIX pax, ustar).
                if len(reader.last) != _BLOCK or any(reader.last):
                    yield Stranger(StrangerKind.DAMAGED, "", f"no end of the archive after {tar.offset} bytes")
                # What lies behind the end, some readers unpack all the same (`tar --ignore-zeros`): a second archive there
                # would be in nobody's judgement. The checksum of what was compressed comes last of all.
                elif _holds_more(reader):
                    yield Stranger(StrangerKind.DAMAGED, "", "something comes after the end of the archive")
        except ExcessError as error:
            yield Stranger(StrangerKind.EXCESSIVE, "", str(error))
        except (*_BROKEN, OSError) as error:
            yield Stranger(StrangerKind.DAMAGED, "", f"{type(error).__name__}: {error}"[:300])

    def contents(self, wanted: Iterable[ObjectFacts]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield each wanted object with its bytes; see the port."""
        coming = iter(wanted)
        awaited = next(coming, None)
        if awaited is None:
            return
        with self._translated(), self._opened() as (tar, _):
            for member in _members(tar):
                if member.offset_data != awaited.place:
                    continue
                yield awaited.key, self._chunks(tar, member)
                awaited = next(coming, None)
                if awaited is None:
                    return

    def plain(self, into: Path) -> TarPlace:
        """Write a compressed tar out as a plain one, so that its members can be read in any order.

        Args:
            into: The file to write; replaced.

        Raises:
            ObjectDamagedError: It cannot be read on, or unpacks to more than it could honestly hold.
            StagingFullError: No room for it.
        """
        with self._translated(), self._path.open("rb") as raw, into.open("wb") as file:
            limits = limits_for(self._path.stat().st_size, is_compressed=bool(self.compression))
            reader = ForwardReader(_decompressed(raw, self.compression), limits, jumps=False)
            while chunk := reader.read(CHUNK):
                _write(file, chunk)
        return TarPlace(into)

    def _chunks(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
        with self._translated():
            file = tar.extractfile(member)
            received = 0
            while file is not None and (chunk := file.read(CHUNK)):
                received += len(chunk)
                yield chunk
            if received != member.size:
                raise ObjectDamagedError(f"{self._path}: {member.name!r} ends after {received} of {member.size} bytes")

    @contextmanager
    def _opened(self) -> Iterator[tuple[tarfile.TarFile, ForwardReader]]:
        size = self._path.stat().st_size
        with self._path.open("rb") as raw:
            source = _decompressed(raw, self.compression)
            reader = ForwardReader(
                source, limits_for(size, is_compressed=bool(self.compression)), jumps=not self.compression
            )
            # The reader gives what a tar reader asks of a file.
            with tarfile.open(
                fileobj=cast("Any", reader), mode="r:", encoding="utf-8", errors="surrogateescape"
            ) as tar:
                yield tar, reader

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (*_BROKEN, OSError) as error:
            raise ObjectDamagedError(f"{self._path}: cannot be read on: {type(error).__name__}: {error}") from error


class TarPlace(TarStream):
    """A plain tar, whose members can be read in any order; see `archiver.ports.bags.BagArchive`.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "")

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Open the file for reading members; see the port."""
        with self._translated():
            file = self._path.open("rb", buffering=0)
        with file:
            yield partial(self._pieces, file)

    def _pieces(self, file: io.FileIO, member: ObjectFacts) -> Iterator[bytes]:
        with self._translated():
            file.seek(member.place)
            missing = member.size
            while missing and (chunk := file.read(min(CHUNK, missing))):
                missing -= len(chunk)
                yield chunk
            if missing:
                raise ObjectDamagedError(f"{self._path}: {member.key!r} ends {missing} bytes before its end")


def _write(file: BinaryIO, chunk: bytes) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise StagingFullError(
            f"no room to unpack an archive: {error.strerror}", next_command="df -h   # make room, then the same again"
        ) from error


def _holds_more(reader: ForwardReader) -> bool:
    """Read to the last byte, and tell whether there is anything but the zeros that fill up a tar."""
    is_more = False
    while chunk := reader.read(CHUNK):
        is_more = is_more or chunk.count(0) != len(chunk)
    return is_more


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := tar.next()) is not None:
        # It would remember every member for ever.
        tar.members = []  # type: ignore[attr-defined]
        yield member


def _fact(member: tarfile.TarInfo) -> ObjectFacts | Stranger | None:
    """Return what a member is; None for a directory, which a bag does not list."""
    name = member.name.removeprefix("./")
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    kind, detail = StrangerKind.SPECIAL, "neither a file nor a directory"
    if shown != name:
        kind, detail = StrangerKind.UNNAMEABLE, "its name is not UTF-8"
    elif name not in {"", "."} and (because := unsafe_because(name.rstrip("/"))):
        kind, detail = StrangerKind.UNSAFE, because
    elif member.isdir():
        return None
    elif member.issym() or member.islnk():
        kind, detail = StrangerKind.LINK, f"a link to {member.linkname[:200]!r}"
    elif member.isreg() and not member.issparse():
        return ObjectFacts(name, member.size, place=member.offset_data)
    return Stranger(kind, shown, detail)


def _decompressed(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == "gz":
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw, mode="rb"))
    return cast("BinaryIO", _Zstandard(raw)) if compression == "zst" else raw


class _Zstandard:
    """What a compressed file unpacks to; broken bytes are told as those of any other archive."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415 - needed for one kind of archive only

        self._broken = zstandard.ZstdError
        # A window of more than 128 MiB would have to be held in memory.
        decompressor = zstandard.ZstdDecompressor(max_window_size=128 << 20)
        self._source = cast("BinaryIO", decompressor.stream_reader(raw, read_across_frames=True))

    def read(self, size: int) -> bytes:
        """Return so many bytes, or fewer."""
        try:
            return self._source.read(size)
        except self._broken as error:
            raise tarfile.ReadError(str(error)) from error

    def close(self) -> None:
        """Let the source go."""
        self._source.close()
