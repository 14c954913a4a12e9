"""Bags in zip, read in any order. Nothing is extracted."""

from __future__ import annotations

import stat
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from archiver.containers.limits import limits_for
from archiver.core.bags.paths import unsafe_because
from archiver.core.errors import ObjectDamagedError, ObjectNotFoundError
from archiver.core.objects import ObjectFacts, Stranger, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    UnicodeError,
    RuntimeError,  # `zipfile` raises it for encrypted members
    OSError,
)
_UTF8 = 0x800
"""General purpose bit 11: the name is UTF-8 (APPNOTE 4.4.4)."""
_ENCRYPTED = 0x1


class ZipPlace:
    """A zip; see `archiver.ports.bags.BagPlace`.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._archive: zipfile.ZipFile | None = None

    @property
    def name(self) -> str:
        """Nothing: the path of the file is said with each bag."""
        return ""

    def survey(self) -> Iterator[ObjectFacts | Stranger]:
        """Yield every member, remembering it; damage is a stranger."""
        self.close()
        self._members.clear()
        try:
            self._archive = zipfile.ZipFile(self._path)
            members = self._archive.infolist()
        except _BROKEN as error:
            yield Stranger(StrangerKind.DAMAGED, "", f"{type(error).__name__}: {error}"[:300])
            return
        most = limits_for(self._path.stat().st_size, is_compressed=True).unpacked
        if sum(member.file_size for member in members) > most:
            yield Stranger(StrangerKind.EXCESSIVE, "", f"it unpacks to more than {most} bytes")
            return
        for member in members:
            fact = _fact(member)
            if isinstance(fact, ObjectFacts):
                if fact.key in self._members:
                    fact = Stranger(StrangerKind.REPEATED, fact.key, "a second member of this name")
                else:
                    self._members[fact.key] = member
            if fact is not None:
                yield fact

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Yield the members whose name begins with ``prefix``."""
        if not self._members:
            for _ in self.survey():
                pass
        for key, member in self._members.items():
            if key.startswith(prefix):
                yield ObjectFacts(key, member.file_size)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        """Open a member; see the port."""
        if key not in self._members or self._archive is None:
            raise ObjectNotFoundError(f"{self._path} holds no {key}")
        with self._translated(key), self._archive.open(self._members[key]) as file:
            yield self._pieces(file, key)

    def close(self) -> None:
        """Close the file."""
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _pieces(self, file: IO[bytes], key: str) -> Iterator[bytes]:
        received, size = 0, self._members[key].file_size
        with self._translated(key):
            while chunk := file.read(CHUNK):
                received += len(chunk)
                if received > size:
                    raise ObjectDamagedError(f"{self._path}: {key!r} is longer than the {size} bytes it declares")
                yield chunk
        if received != size:
            raise ObjectDamagedError(f"{self._path}: {key!r} has {received} of {size} bytes")

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise ObjectDamagedError(
                f"{self._path}: {key!r} cannot be read: {type(error).__name__}: {error}"
            ) from error


def _fact(member: zipfile.ZipInfo) -> ObjectFacts | Stranger | None:
    """Return what a member is; None for a directory, which a bag does not list."""
    name = member.orig_filename
    kind, detail = _strange(member, name)
    if kind is not None:
        return Stranger(kind, name, detail)
    return None if name.endswith("/") else ObjectFacts(name, member.file_size)


def _strange(member: zipfile.ZipInfo, name: str) -> tuple[StrangerKind | None, str]:
    mode = member.external_attr >> 16
    because = unsafe_because(name.rstrip("/"))
    for holds, kind, detail in (
        (
            not member.flag_bits & _UTF8 and not name.isascii(),
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
        (bool(member.flag_bits & _ENCRYPTED), StrangerKind.SPECIAL, "it is encrypted"),
    ):
        if holds:
            return kind, detail
    return None, ""
