"""Directories and files below a root, none of them reached through a symbolic link. Raises `OSError` as it comes."""

from __future__ import annotations

import errno
import os
import stat as modes
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Self

from archiver.core.objects import Stranger, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

BUFFER = 1 << 20
"""Bytes written at once, and the size from which on a file is read in pieces."""
CHUNK = 256 << 10
"""Bytes read at once: they are digested while they still are in the processor's own cache, which saves a twentieth."""
LARGE = 4 << 20
"""Bytes. A file from this size on is announced to the kernel as one that is read to its end."""

# Not everywhere: macOS has none.
_ADVISE = getattr(os, "posix_fadvise", None)

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

# O_NONBLOCK: opening a named pipe that somebody put in a file's place must not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_DIRECTORY_MODE = 0o755  # the umask applies

_REMEMBERED_DIRECTORIES = 4096


class Tree:
    """The directories below a root.

    Args:
        root: May itself be a symbolic link.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._durable: set[tuple[str, ...]] = set()

    @contextmanager
    def opened(self, parts: Sequence[str]) -> Iterator[int]:
        """Open a directory, each part relative to the one before, and return its descriptor.

        Args:
            parts: Its path below the root.
        """
        here = os.open(self.root, _DIRECTORY)
        try:
            for part in parts:
                below = _opened(here, part)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def is_durable(self, path: tuple[str, ...]) -> bool:
        """Tell whether the entry of a directory in its parent is known to be durable; one taken away since may be, too."""
        return path in self._durable

    def remember_durable(self, paths: Iterable[tuple[str, ...]]) -> None:
        """Remember directories whose entries in their parents are durable."""
        if len(self._durable) >= _REMEMBERED_DIRECTORIES:
            self._durable.clear()
        self._durable.update(paths)

    def files(self, parts: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Yield path below the root and size of every regular file below a directory, in no order.

        Memory grows with the depth of the tree only. What vanishes meanwhile is left out.
        """
        for path, facts in self.entries(parts):
            if isinstance(facts, OSError):
                raise facts
            if modes.S_ISREG(facts.st_mode):
                yield path, facts.st_size

    def entries(self, parts: Sequence[str]) -> Iterator[tuple[str, os.stat_result | OSError]]:
        """Yield path below the root and facts of everything below a directory that is no directory, in no order.

        Of a directory that cannot be looked into the error is yielded, and what is beside it follows.
        """
        with self.opened(parts):  # refuses a symbolic link on the way
            levels = [("".join(f"{part}/" for part in parts), os.scandir(self.root.joinpath(*parts)))]
        try:
            while levels:
                path, entries = levels[-1]
                entry = next(entries, None)
                if entry is None:
                    levels.pop()[1].close()
                elif entry.is_dir(follow_symlinks=False):
                    try:
                        levels.append((f"{path}{entry.name}/", os.scandir(entry.path)))
                    except FileNotFoundError:
                        continue
                    except OSError as error:
                        yield path + entry.name, error
                else:
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    yield path + entry.name, facts
        finally:
            for _, entries in levels:
                entries.close()


def _opened(parent: int, part: str) -> int:
    return os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


class Branches:
    """Directories below a root that several files are written to: made where they are missing, each opened once.

    For one thread, and for a moment only: a directory that is moved away meanwhile is still written to where it was moved to.

    Args:
        tree: Where they are.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._open: dict[tuple[str, ...], int] = {}
        self._new: list[tuple[str, ...]] = []
        self._changed: dict[int, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def at(self, parts: tuple[str, ...]) -> int:
        """Return the descriptor of a directory, which stays this object's; its entry is durable after `sync`.

        Args:
            parts: Its path below the root. What is missing of it is made, the root included.
        """
        descriptor = self._open.get(parts)
        if descriptor is None:
            descriptor = self._made(self.at(parts[:-1]), parts) if parts else self._root()
            self._open[parts] = descriptor
        return descriptor

    def changed(self, descriptor: int) -> None:
        """Take down that the names in a directory are to be durable after `sync`."""
        self._changed[descriptor] = None

    def sync(self) -> None:
        """Make the names in every changed directory durable, and those of the directories."""
        for descriptor in self._changed:
            os.fsync(descriptor)
        self._changed.clear()
        self._tree.remember_durable(self._new)
        self._new.clear()

    def _root(self) -> int:
        with suppress(FileNotFoundError):
            return os.open(self._tree.root, _DIRECTORY)
        self._tree.root.mkdir(parents=True, exist_ok=True)
        return os.open(self._tree.root, _DIRECTORY)

    def _made(self, parent: int, path: tuple[str, ...]) -> int:
        """Open a directory that is made where it is missing.

        One met for the first time is made durable too: the run or the thread that made it may not have come so far.
        """
        if self._tree.is_durable(path):
            with suppress(FileNotFoundError):  # taken away since
                return _opened(parent, path[-1])
        with suppress(FileExistsError):
            os.mkdir(path[-1], _DIRECTORY_MODE, dir_fd=parent)
        self.changed(parent)
        self._new.append(path)
        return _opened(parent, path[-1])


class LastDirectory:
    """The directory that was opened last, kept open for what is read next: files come in the order of their paths.

    For one thread. A directory that is moved away meanwhile is still read where it was moved to.

    Args:
        tree: Where it is.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._parts: Sequence[str] | None = None
        self._opened = ExitStack()
        self._descriptor = -1

    def at(self, parts: Sequence[str]) -> int:
        """Return the descriptor of a directory, which stays this object's."""
        if parts != self._parts:
            self.close()
            self._descriptor = self._opened.enter_context(self._tree.opened(parts))
            self._parts = parts
        return self._descriptor

    def close(self) -> None:
        """Let the directory go."""
        self._parts = None
        self._opened.close()


def stranger_of(path: str, facts: os.stat_result) -> Stranger | None:
    """Return what stands in the way of something's being a plain file with one name, or None."""
    if not path.isascii():
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if shown != path:
            return Stranger(StrangerKind.UNNAMEABLE, shown, "its name is not UTF-8")
    if modes.S_ISREG(facts.st_mode):
        return Stranger(StrangerKind.SHARED, path, f"{facts.st_nlink} names") if facts.st_nlink > 1 else None
    if modes.S_ISLNK(facts.st_mode):
        return Stranger(StrangerKind.LINK, path, "a symbolic link")
    return Stranger(StrangerKind.SPECIAL, path, "a device, pipe or socket")


@contextmanager
def opened_file(directory: int, name: str) -> Iterator[int]:
    """Open a regular file and return its descriptor.

    Raises:
        FileNotFoundError: There is none.
        OSError: With ELOOP, where a symbolic link, a device or a pipe took its place; with EISDIR for a directory.
    """
    descriptor = os.open(name, _FILE, dir_fd=directory)
    try:
        regular_size(os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def regular_size(facts: os.stat_result) -> int:
    """Return the size in bytes, raising as `opened_file` does."""
    if modes.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a directory")
    if not modes.S_ISREG(facts.st_mode):
        raise OSError(errno.ELOOP, "not a regular file")
    return facts.st_size


def small_content(directory: int, name: str, size: int, *, last: bool = False) -> bytes | None:
    """Return the bytes of a regular file of at most so many bytes, or None when it is larger; raises as `opened_file`.

    Args:
        directory: Where it is.
        name: Its name.
        size: Bytes.
        last: Whether to `let_go` of it: the next read is to ask the disk.
    """
    descriptor = os.open(name, _FILE, dir_fd=directory)
    try:
        regular_size(os.fstat(descriptor))
        content = os.read(descriptor, size + 1)
        if last:
            let_go(descriptor)
        return content if len(content) <= size else None
    finally:
        os.close(descriptor)


def chunks(descriptor: int) -> Iterator[bytes]:
    """Yield the bytes of an open file in order, the kernel reading ahead of a large one."""
    if _ADVISE is not None and os.fstat(descriptor).st_size >= LARGE:
        with suppress(OSError):  # advice only
            _ADVISE(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


def let_go(descriptor: int) -> None:
    """Ask the kernel to forget the cached pages of a file that is durable, so that the next read asks the disk.

    Of one that is not durable yet it begins to write the pages, and keeps them.
    """
    if _ADVISE is not None:
        with suppress(OSError):  # advice only
            _ADVISE(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def remove_empty(directory: int, name: str) -> None:
    """Remove a directory that holds directories only; one that holds anything else stays, and so do its parents."""
    for _, below, _, here in os.fwalk(name, topdown=False, follow_symlinks=False, dir_fd=directory):
        for one in below:
            with suppress(OSError):  # not empty, or a link to a directory
                os.rmdir(one, dir_fd=here)
    with suppress(OSError):
        os.rmdir(name, dir_fd=directory)


def exists(directory: int, name: str) -> bool:
    """Tell whether a name is taken, by whatever it may be."""
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
