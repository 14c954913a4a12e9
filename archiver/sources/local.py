"""Recordings that the operator holds: folders, each with a sidecar that says what it is.

    incoming/some-album/item.toml      title, creator, licence, source_url
    incoming/some-album/01 first.flac
    incoming/some-album/album.md5      compared with the bytes when they are read

Nothing outside the folder is read: a symbolic link, a pipe or a device in it stops the item.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.core.errors import (
    FileRefusedError,
    ItemNotFoundError,
    SettingsError,
    SourceProtocolError,
    SourceUnavailableError,
    UnsafeNameError,
)
from archiver.core.fixity import Algorithm, digest_of, recognise_digest
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.packages import DeclaredFile, FileRole, ItemId, SourceAnswer, SourceItem
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage, Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings

SIDECAR = "item.toml"
MOST_FILES = 20_000
LONGEST_LIST = 8 << 20
"""Bytes of a sidecar or checksum file."""
CAPABILITIES = Capabilities(
    "Folders that the operator holds", digests=("md5", "sha1", "sha256", "sha512"), requests_per_second=0, downloads=2
)

_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_KEYS = frozenset(["title", "creator", "licence", "source_url", "date"])
_CHECKSUMS = {
    ".md5": Algorithm.MD5,
    ".sha1": Algorithm.SHA1,
    ".sha256": Algorithm.SHA256,
    ".sha512": Algorithm.SHA512,
}
_LINE = re.compile(r"([0-9A-Fa-f]{32,128})[ \t]+\*?(.+)")


@dataclass(frozen=True)
class LocalFolders:
    """The folders below one drop folder; see `archiver.ports.sources.Source`."""

    around: Surroundings
    folder: Path

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:  # noqa: ARG002
        """Yield one page: the folders a selection names, or with the query ``*`` every folder that has a sidecar."""
        if selection.items:
            names = list(selection.items)
        elif selection.query == "*":
            try:
                names = sorted(path.name for path in self.folder.iterdir() if (path / SIDECAR).is_file())
            except OSError as error:
                raise SourceUnavailableError(f"{self.folder}: cannot be listed: {error.strerror}") from error
        else:
            raise SourceProtocolError(f'the query of local folders is "*", actual {selection.query[:100]!r}')
        yield CandidatePage(tuple(ItemId(self.name, name) for name in names), "", len(names))

    def describe(self, item: ItemId) -> SourceItem:
        """Read the sidecar, the checksum files and the names of a folder; no audio byte."""
        names = self._names(item)
        if SIDECAR not in names:
            raise ItemNotFoundError(f"{item}: {self.folder / item.name} has no {SIDECAR}")
        content = self._small(item, SIDECAR)
        said = _sidecar(content, str(item))
        digests = self._digests(item, names)
        licence = said.get("licence", "")
        return SourceItem(
            id=item,
            title=said.get("title", ""),
            creators=(said["creator"],) if said.get("creator") else (),
            url=said.get("source_url", ""),
            declarations=(Declaration("operator.licence", Scope.ITEM, licence),) if licence else (),
            files=tuple(
                DeclaredFile(
                    name,
                    FileRole.PROVENANCE if name == SIDECAR else FileRole.ORIGINAL,
                    size=found.st_size,
                    digests=digests.get(name, ()),
                    facts=(("mtime", str(found.st_mtime_ns)),),
                )
                for name, found in sorted(names.items())
            ),
            answers=(
                SourceAnswer(
                    SIDECAR,
                    content,
                    digest_of(content, Algorithm.SHA256),
                    f"file:{item.name}/{SIDECAR}",
                    self.around.clock.now(),
                ),
            ),
            updated=_mark(content, names),
            date=said.get("date", ""),
        )

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file of the folder; its size and time are the validator."""
        what = f"{admitted.item.id}: {file.name}"
        descriptor = self._opened(admitted.item.id, file.name)
        try:
            found = os.fstat(descriptor)
            tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
            start = offset if validator == tag and offset <= found.st_size else 0
            os.lseek(descriptor, start, os.SEEK_SET)
            yield Delivery(start, tag, found.st_size, "application/octet-stream", _chunks(descriptor, what))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close nothing: each file is closed when it was read."""

    def _names(self, item: ItemId) -> dict[str, os.stat_result]:
        """Return every regular file of an item's folder, by its name below it.

        Raises:
            UnsafeNameError: Something else than a file or folder is in it, or a name that is not UTF-8.
        """
        root = self._root(item)
        found: dict[str, os.stat_result] = {}
        for directory, folders, files, handle in os.fwalk(root, onerror=_raise, follow_symlinks=False):
            for name in (*folders, *files):
                path = os.path.relpath(os.path.join(directory, name), root)  # noqa: PTH118 - names are bytes in disguise
                shown = f"{item}: {path!r}"
                if not path.isprintable():
                    raise UnsafeNameError(f"{shown}: the name cannot be printed")
                state = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if stat.S_ISREG(state.st_mode):
                    found[path] = state
                elif not stat.S_ISDIR(state.st_mode):
                    raise UnsafeNameError(f"{shown}: expected a file or folder, actual a link, pipe or device")
                if len(found) > MOST_FILES:
                    raise SourceProtocolError(f"{item}: more than {MOST_FILES} files")
        return found

    def _root(self, item: ItemId) -> Path:
        if not _NAME.fullmatch(item.name) or item.name in {".", ".."}:
            raise UnsafeNameError(f"{item}: a folder's name is made of letters, digits, '.', '_' and '-'")
        root = self.folder / item.name
        if root.is_symlink() or not root.is_dir():
            raise ItemNotFoundError(f"{item}: {root} is no folder")
        return root

    def _opened(self, item: ItemId, name: str) -> int:
        """Open a file name by name without following a link; the caller closes it."""
        parts = name.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise UnsafeNameError(f"{item}: {name[:200]!r} leads out of its folder")
        try:
            handle = os.open(self._root(item), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            for number, part in enumerate(parts, 1):
                kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
                try:
                    below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=handle)
                finally:
                    os.close(handle)
                handle = below
        except OSError as error:
            raise FileRefusedError(f"{item}: {name[:200]!r}: cannot be opened: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise UnsafeNameError(f"{item}: {name[:200]!r} is no regular file")
        return handle

    def _small(self, item: ItemId, name: str) -> bytes:
        descriptor = self._opened(item, name)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LONGEST_LIST + 1)
        if len(content) > LONGEST_LIST:
            raise SourceProtocolError(f"{item}: {name}: longer than {LONGEST_LIST} bytes")
        return content

    def _digests(self, item: ItemId, names: dict[str, os.stat_result]) -> dict[str, tuple[Digest, ...]]:
        """Return what checksum files say; a line about a file that is not there stops the item."""
        found: dict[str, tuple[Digest, ...]] = {}
        for list_ in sorted(names):
            algorithm = _CHECKSUMS.get(Path(list_).suffix.lower())
            if algorithm is None:
                continue
            for line in self._small(item, list_).decode("utf-8", "replace").splitlines():
                if not line.strip() or line.startswith(("#", ";")):
                    continue
                match = _LINE.fullmatch(line.strip().removeprefix("\ufeff"))
                digest = recognise_digest(algorithm, match[1]) if match else None
                if match is None or digest is None:
                    raise SourceProtocolError(f"{item}: {list_}: no line of an {algorithm} list: {line[:200]!r}")
                name = os.path.normpath(Path(list_).parent / match[2].replace("\\", "/"))
                if name not in names:
                    raise SourceProtocolError(f"{item}: {list_} names {match[2][:200]!r}, which is not there")
                found[name] = (*found.get(name, ()), digest)
        return found


@dataclass(frozen=True)
class LocalOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> LocalFolders:
        """Open the drop folder that ``[sources.local.options] folder`` names."""
        folder = surroundings.options.get("folder", "")
        if not folder or not Path(folder).is_absolute():
            raise SettingsError(
                f"sources.{surroundings.name}.options.folder: expected an absolute path, actual {folder[:200]!r}",
                next_command='"$EDITOR" archiver.toml',
            )
        return LocalFolders(surroundings, Path(folder))


OFFER = LocalOffer()


def _sidecar(content: bytes, what: str) -> dict[str, str]:
    try:
        table: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceProtocolError(f"{what}: {SIDECAR} is not TOML: {error}") from error
    for key, value in table.items():
        if key not in _KEYS or not isinstance(value, str):
            allowed = ", ".join(sorted(_KEYS))
            raise SourceProtocolError(f"{what}: {SIDECAR}: {key[:100]!r}; allowed, each a string: {allowed}")
    return table


def _mark(content: bytes, names: dict[str, os.stat_result]) -> str:
    state = hashlib.sha256(content)
    for name, found in sorted(names.items()):
        state.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return state.hexdigest()


def _chunks(descriptor: int, what: str) -> Iterator[bytes]:
    try:
        while chunk := os.read(descriptor, _CHUNK):
            yield chunk
    except OSError as error:
        raise SourceUnavailableError(f"{what}: cannot be read: {error.strerror}") from error


def _raise(error: OSError) -> None:
    raise SourceUnavailableError(f"{error.filename}: cannot be read: {error.strerror}") from error
