"""A store in a directory: one file for each object, at the root joined with the key.

An object appears whole or not at all, and never replaces another: its bytes are written under a hidden name in the
same file system, made durable, and then linked to their final name, which `link(2)` refuses when that name is taken.

Every directory below the root is opened relative to its parent and without following symbolic links, so no key leads
out of the root. The root itself may be a link.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat as modes
import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from archiver.core.errors import (
    ArchiverError,
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from archiver.core.fixity import Algorithm, Grade, Hasher
from archiver.core.objects import ObjectFacts, Receipt, StagedFile, Stranger, StrangerKind
from archiver.stores.keys import checked_key, checked_prefix, is_key
from archiver.stores.tree import (
    BUFFER,
    LastDirectory,
    Tree,
    chunks,
    exists,
    let_go,
    opened_file,
    regular_size,
    remove_empty,
    small_content,
    stranger_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archiver.core.fixity import Digest
    from archiver.ports.bags import Reader

INCOMING = ".archiver-incoming"
"""Where unfinished writes are, below the root: the same file system as the objects, and no object's place."""

_TEMPORARY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# Not 0444: the directory's permissions decide about deletion, and repair by hand must stay possible. The umask applies.
_FILE_MODE = 0o644

_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_DENIED = {errno.EACCES, errno.EPERM}
_REFUSED = _DENIED | {errno.EROFS, errno.EXDEV}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_TOO_LONG = {errno.ENAMETOOLONG, errno.EFBIG}
# What file systems answer for a sector that cannot be read and for a checksum of theirs that does not match, and what
# is found where a symbolic link, a socket, a device or a directory took an object's place.
_UNREADABLE = {
    *(errno.EIO, errno.EBADMSG, getattr(errno, "EUCLEAN", errno.EIO)),
    *(errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR),
}
# FAT, exFAT and some network file systems have no hard links; a file may have only so many (EMLINK); the kernel
# forbids links to other people's files (EPERM, fs.protected_hardlinks).
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


class DirectoryStore:
    """Keeps objects as files below a directory (`archiver.ports.stores.Store`).

    A part of a key longer than the file system allows (255 bytes in UTF-8 on most) is refused with `StoreError`: it
    concerns one object only. Where the file system has no hard links, an object is published by a rename after
    a look whether its name is free; two processes could then race, and the archive's lock keeps them apart.

    Args:
        name: What the settings call the store.
        root: The directory; made by the first `put` when it is not there. Reading from a root that is not there is
            refused, for an unmounted disk is not an empty one.
        links: Whether to try hard links at all.
    """

    def __init__(self, name: str, root: Path, *, links: bool = True) -> None:
        self._name = name
        self._root = root
        self._tree = Tree(root)
        self._links = links
        self._renaming = threading.Lock()
        self._unproven: set[str] = set()

    @property
    def name(self) -> str:
        """See `Store.name`."""
        return self._name

    def put(self, key: str, content: bytes | StagedFile, *, sha256: Digest, adopt: bool = False) -> Receipt:
        """See `Store.put`. An adopted file keeps the permissions that staging gave it."""
        if sha256.algorithm is not Algorithm.SHA256:
            raise ValueError(f"expected a SHA-256 digest, actual {sha256.algorithm}")
        *parents, name = self._parts(key)
        with self._translating("write", key), self._tree.opened(parents, make=True) as directory:
            try:
                if exists(directory, name):
                    raise FileExistsError(name)
                adopted = adopt and self._adopted(content, directory, name)
                if not adopted:
                    self._copy(content, directory, name, key=key, sha256=sha256)
            except FileExistsError:
                self._settle(directory, name, key=key, sha256=sha256)
                os.fsync(directory)  # the run that wrote it may have been killed ahead of this
                return Receipt(key, Grade.READ, existed=True)
            os.fsync(directory)
            self._unproven.add(key)
            return Receipt(key, Grade.SIZE, adopted=adopted)

    def _adopted(self, content: bytes | StagedFile, directory: int, name: str) -> bool:
        """Take the staged file itself, where it is the regular file it is said to be and in the same file system."""
        if isinstance(content, bytes) or not self._links:
            return False
        try:
            if regular_size(content.path.lstat()) != content.size:
                return False
        except OSError:
            return False  # copying it fails with the message that belongs to it
        return _linked(content.path, None, directory, name)

    def _copy(self, content: bytes | StagedFile, directory: int, name: str, *, key: str, sha256: Digest) -> None:
        with self._tree.opened([INCOMING], make=True) as incoming:
            temporary = uuid4().hex
            try:
                _write(content, incoming, temporary, where=f"{key} in store {self._name!r}", sha256=sha256)
                self._publish(incoming, temporary, directory, name)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=incoming)

    def _publish(self, incoming: int, temporary: str, directory: int, name: str) -> None:
        if self._links and _linked(temporary, incoming, directory, name):
            return
        with self._renaming:
            if exists(directory, name):
                raise FileExistsError(name)
            os.rename(temporary, name, src_dir_fd=incoming, dst_dir_fd=directory)

    def _settle(self, directory: int, name: str, *, key: str, sha256: Digest) -> None:
        """Compare what is there with what was to be put, by reading it."""
        hasher = Hasher((Algorithm.SHA256,))
        try:
            with opened_file(directory, name) as file:
                for chunk in chunks(file):
                    hasher.update(chunk)
            (digest,) = hasher.digests()
            if digest == sha256:
                return
            actual = f"{digest} in {hasher.size} bytes"
        except OSError as error:
            if error.errno not in _UNREADABLE | _ABSENT:
                raise
            actual = f"something that cannot be read ({error.strerror})"
        raise ObjectConflictError(
            f"store {self._name!r} already holds another object at {self._root}/{key}: "
            f"expected {sha256}, actual {actual}; it was left as it is"
        )

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """See `Store.read`."""
        return self._reading(key, self._parts(key))

    @contextmanager
    def _reading(self, key: str, parts: Sequence[str]) -> Iterator[Iterator[bytes]]:
        with ExitStack() as opened:
            with self._translating("read", key):
                directory = opened.enter_context(self._tree.opened(parts[:-1]))
                file = opened.enter_context(opened_file(directory, parts[-1]))
            yield self._chunks(key, file)

    def _chunks(self, key: str, file: int) -> Iterator[bytes]:
        with self._translating("read", key):
            yield from chunks(file)
        if key in self._unproven:
            # The first read of what was just written comes from the cache; every later one is to ask the disk.
            self._unproven.discard(key)
            let_go(file)

    def stat(self, key: str) -> ObjectFacts:
        """See `Store.stat`. A directory knows no digests."""
        *parents, name = self._parts(key)
        with self._translating("read", key), self._tree.opened(parents) as directory:
            return ObjectFacts(key, regular_size(os.stat(name, dir_fd=directory, follow_symlinks=False)))

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """See `Store.list`. Symbolic links, devices and names that are not UTF-8 are no objects and are not listed."""
        return self._listed(checked_prefix(prefix))

    def _listed(self, prefix: str) -> Iterator[ObjectFacts]:
        with suppress(ObjectNotFoundError), self._translating("list", prefix):
            for path, size in self._tree.files(prefix.split("/")[:-1]):
                if is_key(path) and not path.startswith(f"{INCOMING}/"):
                    yield ObjectFacts(path, size)

    def strangers(self, prefix: str) -> Iterator[Stranger]:
        """Yield what lies below a prefix and is no object: links, devices, names that are not UTF-8; and files with two names."""
        for one in self.survey(prefix):
            if isinstance(one, Stranger):
                yield one

    def survey(self, prefix: str) -> Iterator[ObjectFacts | Stranger]:
        """Yield objects and strangers below a prefix in one look; see `archiver.ports.bags.BagTree`."""
        with suppress(ObjectNotFoundError), self._translating("list", prefix):
            for path, facts in self._tree.entries(checked_prefix(prefix).split("/")[:-1]):
                if isinstance(facts, OSError):
                    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
                    yield Stranger(StrangerKind.UNREADABLE, shown, f"a directory: {facts.strerror}")
                    continue
                stranger = stranger_of(path, facts)
                if stranger is not None:
                    yield stranger
                if modes.S_ISREG(facts.st_mode) and is_key(path) and not path.startswith(f"{INCOMING}/"):
                    yield ObjectFacts(path, facts.st_size)

    def has_file(self, path: str) -> bool:
        """Tell whether there is a plain file; see `archiver.ports.bags.BagTree`."""
        try:
            self.stat(path)
        except StoreError:
            return False
        return True

    def has_directory(self, path: str) -> bool:
        """Tell whether there is a directory; see `archiver.ports.bags.BagTree`."""
        try:
            with self._tree.opened(path.split("/")):
                return True
        except OSError:
            return False

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Open what the files of a bag are read through; see `archiver.ports.bags.BagTree`."""
        last = LastDirectory(self._tree)
        try:
            yield partial(self._read_through, last)
        finally:
            last.close()

    def _read_through(self, last: LastDirectory, facts: ObjectFacts) -> Iterable[bytes]:
        """Return the bytes of a file, those of a small one in one read."""
        if facts.size < BUFFER:
            *parents, name = self._parts(facts.key)
            try:
                content = small_content(last.at(parents), name, facts.size)
            except OSError as error:
                raise self._translated(error, "read", facts.key) from error
            if content is not None:
                return (content,)
        return self._pieces(facts.key)

    def _pieces(self, key: str) -> Iterator[bytes]:
        with self.read(key) as pieces:
            yield from pieces

    def delete(self, key: str) -> None:
        """See `Store.delete`. Directories that become empty stay; one in the object's place goes if no file is in it."""
        *parents, name = self._parts(key)
        with suppress(ObjectNotFoundError), self._translating("delete", key), self._tree.opened(parents) as directory:
            try:
                os.unlink(name, dir_fd=directory)
            except IsADirectoryError:
                remove_empty(directory, name)
            os.fsync(directory)
            self._unproven.discard(key)

    def sweep(self) -> int:
        """See `Store.sweep`."""
        removed = 0
        with (
            self._translating("sweep", INCOMING),
            suppress(FileNotFoundError),
            self._tree.opened([INCOMING]) as incoming,
            os.scandir(incoming) as entries,
        ):
            for entry in entries:
                with suppress(IsADirectoryError):
                    os.unlink(entry.name, dir_fd=incoming)
                    removed += 1
        return removed

    def _parts(self, key: str) -> tuple[str, ...]:
        parts = tuple(checked_key(key).split("/"))
        if parts[0] == INCOMING:
            raise ValueError(f"not an object key, {INCOMING} holds unfinished writes: {key[:200]!r}")
        return parts

    @contextmanager
    def _translating(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._translated(error, doing, key) from error

    def _translated(self, error: OSError, doing: str, key: str) -> ArchiverError:
        where = f"{self._root}/{key}"
        what = f"store {self._name!r} cannot {doing} {where}: {error.strerror or error}"
        if error.errno in _ABSENT and not self._root.is_dir():
            what = f"the root of store {self._name!r} is not there: {self._root}; is its disk mounted?"
            return StoreRefusedError(what, next_command=f"ls -ld {self._root}")
        if doing == "write":
            return _write_error(error, what, self._root, key)
        if error.errno in _ABSENT | _TOO_LONG or (error.errno == errno.EISDIR and self._is_prefix(key)):
            return ObjectNotFoundError(f"store {self._name!r} holds no object {where}")
        if doing == "read" and (error.errno in _UNREADABLE or (error.errno in _DENIED and self._is_open())):
            return ObjectDamagedError(f"{what}; expected a file that can be read", next_command=f"ls -l {where}")
        if error.errno in _REFUSED:
            return StoreRefusedError(f"{what}; nothing was changed", next_command=f"ls -ld {self._root}")
        return StoreUnavailableError(what)

    def _is_prefix(self, key: str) -> bool:
        """Tell a directory that objects are in from one that merely took an object's place."""
        return next(self._listed(f"{key}/"), None) is not None

    def _is_open(self) -> bool:
        """Tell one file that we may not read from a store that we may not enter."""
        return os.access(self._root, os.R_OK | os.X_OK)


def _write_error(error: OSError, what: str, root: Path, key: str) -> ArchiverError:
    if error.errno in _ABSENT | {errno.ELOOP}:
        return _in_the_way(what, root, key)
    if error.errno in _FULL:
        return StoreRefusedError(f"{what}; nothing was stored", next_command=f"df -h {root}")
    if error.errno in _REFUSED:
        return StoreRefusedError(f"{what}; nothing was stored", next_command=f"ls -ld {root}")
    if error.errno in _TOO_LONG:
        return StoreError(f"{what}; nothing was stored")
    return StoreUnavailableError(what)


def _in_the_way(what: str, root: Path, key: str) -> ObjectConflictError:
    """Name what took the place of a directory on the way to an object; it is nobody's business to remove it here."""
    parts = key.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            kind = "a symbolic link" if place.is_symlink() else "no directory"
            quoted = shlex.quote(str(place))
            return ObjectConflictError(
                f"{what}; {place} is {kind}, and nothing is written or removed behind it",
                next_command=f"mv {quoted} {shlex.quote(str(root / (parts[depth - 1] + '.away')))}",
            )
    return ObjectConflictError(f"{what}; a part of its path is not a directory", next_command=f"ls -ld {root}")


def _linked(source: str | Path, source_directory: int | None, directory: int, name: str) -> bool:
    """Give a file a second name, or return False where that cannot be.

    Raises:
        FileExistsError: The name is taken.
    """
    try:
        os.link(source, name, src_dir_fd=source_directory, dst_dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        raise
    return True


def _write(content: bytes | StagedFile, incoming: int, temporary: str, *, where: str, sha256: Digest) -> None:
    """Write the content under a new name and make it durable.

    Raises:
        ObjectDamagedError: The content is not what its digest says.
    """
    hasher = Hasher((Algorithm.SHA256,))
    descriptor = os.open(temporary, _TEMPORARY, _FILE_MODE, dir_fd=incoming)
    try:
        for chunk in _content_chunks(content):
            hasher.update(chunk)
            _write_all(descriptor, chunk)
        (actual,) = hasher.digests()
        if actual != sha256:
            raise ObjectDamagedError(
                f"the bytes for {where} are not the promised ones: expected {sha256}, "
                f"actual {actual} in {hasher.size} bytes; nothing was stored"
            )
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content_chunks(content: bytes | StagedFile) -> Iterator[bytes | memoryview]:
    if isinstance(content, bytes):
        yield content
        return
    buffer = memoryview(bytearray(BUFFER))
    try:
        with content.path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                yield buffer[:count]
    except OSError as error:
        raise StoreError(f"the staged file cannot be read: {content.path}: {error.strerror or error}") from error


def _write_all(descriptor: int, chunk: bytes | memoryview) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
