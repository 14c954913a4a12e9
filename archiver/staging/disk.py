"""Staging in a directory: temporary name, write, fsync, rename, fsync of the directory.

    <root>/<SHA-256 of the item's identifier>/item          the identifier, as text
                                             /state-<SHA-256>           empty: the state of the item that the files below belong to
                                             /<SHA-256 of the source's name>.part       bytes coming in
                                             /<SHA-256 of the source's name>.validator  the entity tag they belong to
                                             /<SHA-256 of the source's name>            a whole file, durable
                                             /kept-<name>                               records

No name from outside becomes a path here, so no hostile name can leave the directory.

An item's directory is made durable with the first whole file or record in it: of one without any, nothing was promised.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archiver.core.errors import StagingFullError
from archiver.core.fixity import Algorithm, Hasher
from archiver.core.items import ItemId, parse_item_id
from archiver.core.objects import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.core.fixity import Digest

CHUNK = 1 << 20
WORTH_RESUMING = 1 << 20
"""Bytes. Of less, a run that is killed keeps no entity tag: the source is asked for the whole file again."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG}


class DiskStaging:
    """Staging below one directory; see `archiver.ports.staging.Staging`.

    Safe for several threads as long as no two receive the same file. The caller holds the archive's lock.

    Args:
        root: The directory; made when it is first needed. For a hard link into a directory store it must be in the same
            file system as that store.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._states: dict[ItemId, Digest] = {}
        self._lock = threading.Lock()

    @contextmanager
    def receive(self, item: ItemId, name: str, *, state: Digest, algorithms: tuple[str, ...]) -> Iterator[DiskIncoming]:
        """Open the place for one file of an item; see the port."""
        with _translated(self._root):
            directory = self._prepared(item, state)
            incoming = DiskIncoming(directory / _hashed(name), tuple(Algorithm(algorithm) for algorithm in algorithms))
        try:
            yield incoming
        finally:
            incoming.close()

    def keep(self, item: ItemId, name: str, content: bytes) -> None:
        """Keep a small record of the item durably; see the port."""
        with _translated(self._root):
            directory = self._made(item)
            _write_whole(directory / f"kept-{_hashed(name)}", content)
            _sync_directory(directory)

    def kept(self, item: ItemId, name: str) -> bytes | None:
        """Return a record kept earlier, or None."""
        with _translated(self._root):
            try:
                return (self._directory(item) / f"kept-{_hashed(name)}").read_bytes()
            except FileNotFoundError:
                return None

    def discard(self, item: ItemId) -> None:
        """Remove everything of the item; see the port."""
        with self._lock:
            self._states.pop(item, None)
        directory = self._directory(item)
        with _translated(self._root):
            # The records go first: what is left by a crash in here must not look like a bag that can still be deposited.
            for record in directory.glob("kept-*"):
                record.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.rmtree(directory)

    def items(self) -> Iterator[ItemId]:
        """Yield the items that something is here of, and clear what nobody can name any more."""
        with _translated(self._root):
            directories = sorted(self._root.iterdir()) if self._root.is_dir() else []
            for directory in directories:
                item = _named(directory)
                if item is not None and directory == self._directory(item):
                    yield item
                elif directory.is_dir() and _is_hashed(directory.name):
                    shutil.rmtree(directory)

    def _prepared(self, item: ItemId, state: Digest) -> Path:
        """Make the item's directory ready for files of one state, dropping those of another."""
        with self._lock:
            directory = self._directory(item)
            if self._states.get(item) == state:
                return directory
            if not _is_of(directory, state):
                if directory.exists():
                    shutil.rmtree(directory)
                self._made(item)
                # A name alone: it is durable with the names of the files beside it, and needs no fsync of its own.
                _state_path(directory, state).touch()
            self._states[item] = state
            return directory

    def _made(self, item: ItemId) -> Path:
        directory = self._directory(item)
        if not (directory / "item").exists():
            directory.mkdir(parents=True, exist_ok=True)
            _write_whole(directory / "item", str(item).encode("utf-8", "surrogatepass"))
            _sync_directory(self._root)
        return directory

    def _directory(self, item: ItemId) -> Path:
        return self._root / _hashed(str(item))


class DiskIncoming:
    """A file that is coming in; see `archiver.ports.staging.Incoming`.

    Args:
        path: Its final name.
        algorithms: Digests to compute in passing.
    """

    def __init__(self, path: Path, algorithms: tuple[Algorithm, ...]) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._algorithms = algorithms
        self._hasher = Hasher(algorithms)
        self._committed = path.exists()
        self._descriptor = os.open(
            path if self._committed else self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
        )
        self._validator = _read(self._validator_path) or ""
        self._is_validator_kept = bool(self._validator)
        try:
            self._take_up()
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def offset(self) -> int:
        """Bytes that are here, hashed."""
        return self._hasher.size

    @property
    def validator(self) -> str:
        """The entity tag that the bytes here belong to, or empty."""
        return self._validator

    def begin(self, *, validator: str) -> None:
        """Drop every byte and start over."""
        with _translated(self._path.parent):
            if self._committed:
                # A committed file is never written to again; it may be linked into a store.
                os.close(self._descriptor)
                self._path.unlink()
                self._committed = False
                self._descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self._hasher = Hasher(self._algorithms)
            if validator != self._validator:
                self._forget_validator()
            self._validator = validator

    def write(self, chunk: bytes) -> None:
        """Append bytes, hashing them in passing."""
        with _translated(self._path.parent):
            _write_all(self._descriptor, chunk)
            self._hasher.update(chunk)
            if self.offset >= WORTH_RESUMING:
                self._keep_validator()

    def digests(self) -> tuple[Digest, ...]:
        """Return the digests of the bytes here."""
        return self._hasher.digests()

    def commit(self) -> StagedFile:
        """Make the bytes durable under their final name and return them."""
        with _translated(self._path.parent):
            if not self._committed:
                os.fsync(self._descriptor)
                self._part.rename(self._path)
                self._forget_validator()
                _sync_directory(self._path.parent)
                self._committed = True
        sha256 = next(digest for digest in self.digests() if digest.algorithm is Algorithm.SHA256)
        return StagedFile(self._path, self.offset, sha256)

    def close(self) -> None:
        """Let the file go; what is here stays, for a later resume. Of a file without a byte nothing stays."""
        try:
            with _translated(self._path.parent):
                if not self._committed and self.offset:
                    self._keep_validator()
                elif not self._committed:
                    self._part.unlink(missing_ok=True)
                    self._forget_validator()
        finally:
            os.close(self._descriptor)

    def _take_up(self) -> None:
        """Hash what an earlier run left, so that appending goes on from there."""
        while chunk := os.read(self._descriptor, CHUNK):
            self._hasher.update(chunk)

    def _keep_validator(self) -> None:
        """Keep the entity tag for a resume.

        Not made durable: after a power failure the bytes are hashed anew and compared with the source's digest.
        """
        if self._validator and not self._is_validator_kept:
            self._validator_path.write_bytes(self._validator.encode("utf-8", "surrogatepass"))
            self._is_validator_kept = True

    def _forget_validator(self) -> None:
        if self._is_validator_kept:
            self._validator_path.unlink(missing_ok=True)
            self._is_validator_kept = False

    @property
    def _validator_path(self) -> Path:
        return self._path.with_name(self._path.name + ".validator")


@contextmanager
def _translated(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StagingFullError(
            f"the staging directory cannot be written: {error.filename or place}: {error.strerror}",
            next_command=f"df -h {place}   # make room or give permission, then run the same command again",
        ) from error


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_hashed(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _named(directory: Path) -> ItemId | None:
    text = _read(directory / "item")
    try:
        return parse_item_id(text) if text else None
    except ValueError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None


def _state_path(directory: Path, state: Digest) -> Path:
    return directory / f"state-{state.value}"


def _is_of(directory: Path, state: Digest) -> bool:
    """Tell whether what is here belongs to a state; runs of earlier versions wrote it into a file of its own."""
    return _state_path(directory, state).exists() or _read(directory / "state") == str(state)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file whose bytes are durable before it has its name; the name is durable when its directory is."""
    part = path.with_name(path.name + ".new")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
