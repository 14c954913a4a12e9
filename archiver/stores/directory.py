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
from archiver.core.objects import ObjectFacts, Offer, Receipt, Stranger, StrangerKind
from archiver.stores.keys import checked_key, checked_prefix, is_key
from archiver.stores.tree import (
    BUFFER,
    Branches,
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
from archiver.stores.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archiver.core.fixity import Digest
    from archiver.core.objects import StagedFile
    from archiver.ports.bags import Reader

INCOMING = ".archiver-incoming"
"""Where unfinished writes are, below the root: the same file system as the objects, and no object's place."""

_TOGETHER = 32
"""Small objects that are written together: so many files and so many times 1 MiB are open at once."""

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
        (receipt,) = self._put_together((Offer(key, content, sha256, adopt=adopt),))
        return receipt

    def put_all(self, offers: Iterable[Offer]) -> Iterator[Receipt]:
        """See `Store.put_all`. Small objects go together, one fsync of a directory for all of them, and are read back.

        They are written by one thread: a pool of them hands the interpreter's lock to and fro around each system call,
        which costs more than the calls. The disk writes what one thread has begun as fast as what several have.
        """
        group: list[Offer] = []
        for offer in offers:
            if offer.size > BUFFER:
                yield from self._put_together((offer,))
                continue
            group.append(offer)
            if len(group) == _TOGETHER:
                yield from self._put_together(group, read_back=True)
                group = []
        if group:
            yield from self._put_together(group, read_back=True)

    def _put_together(self, offers: Sequence[Offer], *, read_back: bool = False) -> list[Receipt]:
        writings = [self._writing(offer) for offer in offers]
        with Branches(self._tree) as branches:
            try:
                for writing in writings:
                    with self._translating("write", writing.offer.key):
                        self._begin(writing, branches)
                for writing in writings:
                    with self._translating("write", writing.offer.key):
                        writing.sync()
                for writing in writings:
                    with self._translating("write", writing.offer.key):
                        self._publish(writing)
            finally:
                for writing in writings:
                    writing.close()
            with self._translating("write", offers[0].key):
                branches.sync()
            return [self._receipt(writing, read_back=read_back) for writing in writings]

    def _writing(self, offer: Offer) -> Writing:
        if offer.sha256.algorithm is not Algorithm.SHA256:
            raise ValueError(f"expected a SHA-256 digest, actual {offer.sha256.algorithm}")
        *parents, name = self._parts(offer.key)
        return Writing(offer, tuple(parents), name)

    def _begin(self, writing: Writing, branches: Branches) -> None:
        """Adopt the staged file, or write a copy under a temporary name."""
        writing.directory = directory = branches.at(writing.parents)
        branches.changed(directory)  # also where it exists: the run that wrote it may have been killed ahead of this
        try:
            writing.existed = exists(directory, writing.name)
            writing.adopted = not writing.existed and self._links and writing.adopt()
        except FileExistsError:
            writing.existed = True
        if not (writing.existed or writing.adopted):
            writing.copy(branches.at((INCOMING,)), where=f"{writing.offer.key} in store {self._name!r}")

    def _publish(self, writing: Writing) -> None:
        """Give a copy its name; where that is taken, what is there must be the same."""
        if not (writing.existed or writing.adopted):
            try:
                if not (self._links and writing.link()):
                    with self._renaming:
                        writing.rename()
            except FileExistsError:
                writing.existed = True
        if writing.existed:
            self._settle(writing.directory, writing.name, key=writing.offer.key, sha256=writing.offer.sha256)

    def _receipt(self, writing: Writing, *, read_back: bool) -> Receipt:
        offer = writing.offer
        if writing.existed:
            return Receipt(offer.key, Grade.READ, existed=True)
        # What cannot be read, or is something else, is the caller's to find: it removes what was never promised.
        if read_back and writing.is_right():
            return Receipt(offer.key, Grade.READ, adopted=writing.adopted)
        self._unproven.add(offer.key)
        return Receipt(offer.key, Grade.SIZE, adopted=writing.adopted)

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
