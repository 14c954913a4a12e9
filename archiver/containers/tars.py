"""Bags in tar: plain ones read in any order, compressed ones from beginning to end.

Python's `tarfile` reads headers; nothing is extracted, so that no member ever becomes a path on this machine.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from archiver.containers.bounded import ExcessError, ForwardReader
from archiver.containers.limits import limits_for
from archiver.core.bags.paths import unsafe_because
from archiver.core.errors import ObjectDamagedError, ObjectNotFoundError
from archiver.core.objects import ObjectFacts, Stranger, StrangerKind

if TYPE_CHECKING:
    import io
    from collections.abc import Collection, Iterator
    from pathlib import Path

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
        for fact, _ in self._survey():
            yield fact

    def _survey(self) -> Iterator[tuple[ObjectFacts | Stranger, int]]:
        """Yield what each member is, and where its bytes begin."""
        seen: set[str] = set()
        try:
            with self._opened() as (tar, reader):
                for member in _members(tar):
                    fact = _fact(member)
                    if isinstance(fact, ObjectFacts) and fact.key in seen:
                        fact = Stranger(StrangerKind.REPEATED, fact.key, "a second member of this name")
                    if isinstance(fact, ObjectFacts):
                        seen.add(fact.key)
                    if fact is not None:
                        yield fact, member.offset_data
                # `tarfile` takes a broken header for the end; the end is a block of zeros (POSIX pax, ustar).
                if len(reader.last) != _BLOCK or any(reader.last):
                    yield Stranger(StrangerKind.DAMAGED, "", f"no end of the archive after {tar.offset} bytes"), 0
        except ExcessError as error:
            yield Stranger(StrangerKind.EXCESSIVE, "", str(error)), 0
        except (*_BROKEN, OSError) as error:
            yield Stranger(StrangerKind.DAMAGED, "", f"{type(error).__name__}: {error}"[:300]), 0

    def contents(self, keys: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield each named object with its bytes; see the port."""
        missing = set(keys)
        with self._translated(), self._opened() as (tar, _):
            for member in _members(tar):
                fact = _fact(member)
                if not isinstance(fact, ObjectFacts) or fact.key not in missing:
                    continue
                missing.discard(fact.key)
                yield fact.key, self._chunks(tar, member)
                if not missing:
                    return

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
    """A plain tar, whose members can be read in any order once it was surveyed; see `archiver.ports.bags.BagPlace`.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "")
        self._places: dict[str, tuple[int, int]] = {}

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield every member in order, remembering where its bytes are; see the port."""
        self._places.clear()
        for fact, offset in self._survey():
            if isinstance(fact, ObjectFacts):
                self._places[fact.key] = (offset, fact.size)
            yield fact

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Yield the members whose name begins with ``prefix``."""
        facts = self.survey() if not self._places else (ObjectFacts(k, size) for k, (_, size) in self._places.items())
        for fact in facts:
            if isinstance(fact, ObjectFacts) and fact.key.startswith(prefix):
                yield fact

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        """Open a member; see the port."""
        if key not in self._places:
            raise ObjectNotFoundError(f"{self._path} holds no {key}")
        with self._translated(), self._path.open("rb", buffering=0) as file:
            yield self._pieces(file, key, *self._places[key])

    def _pieces(self, file: io.FileIO, key: str, offset: int, size: int) -> Iterator[bytes]:
        with self._translated():
            file.seek(offset)
            missing = size
            while missing and (chunk := file.read(min(CHUNK, missing))):
                missing -= len(chunk)
                yield chunk
            if missing:
                raise ObjectDamagedError(f"{self._path}: {key!r} ends {missing} bytes before its end")


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
        return ObjectFacts(name, member.size)
    return Stranger(kind, shown, detail)


def _decompressed(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == "gz":
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw, mode="rb"))
    if compression == "zst":
        import zstandard  # noqa: PLC0415 - needed for one kind of archive only

        # A window of more than 128 MiB would have to be held in memory.
        return cast(
            "BinaryIO",
            zstandard.ZstdDecompressor(max_window_size=128 << 20).stream_reader(raw, read_across_frames=True),
        )
    return raw
