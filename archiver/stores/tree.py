"""Directories and files below a root, none of them reached through a symbolic link. Raises `OSError` as it comes."""

from __future__ import annotations

import errno
import os
import stat as modes
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archiver.core.objects import Stranger, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BUFFER = 1 << 20
"""Bytes read or written at once."""
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
    def opened(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """Open a directory, each part relative to the one before, and return its descriptor.

        Args:
            parts: Its path below the root.
            make: Make what is missing, the root included; its entries are durable when this returns.
        """
        here = self._open_root(make=make)
        try:
            for depth, part in enumerate(parts, start=1):
                if make:
                    self._make(here, part, tuple(parts[:depth]))
                below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def _open_root(self, *, make: bool) -> int:
        try:
            return os.open(self.root, _DIRECTORY)
        except FileNotFoundError:
            if not make:
                raise
        self.root.mkdir(parents=True, exist_ok=True)
        return os.open(self.root, _DIRECTORY)

    def _make(self, parent: int, part: str, path: tuple[str, ...]) -> None:
        """Make a directory and its entry in its parent durable.

        One met for the first time is made durable too: the run or the thread that made it may not have come so far.
        """
        try:
            os.mkdir(part, _DIRECTORY_MODE, dir_fd=parent)
        except FileExistsError:
            if path in self._durable:
                return
        os.fsync(parent)
        if len(self._durable) >= _REMEMBERED_DIRECTORIES:
            self._durable.clear()
        self._durable.add(path)

    def files(self, parts: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Yield path below the root and size of every regular file below a directory, in no order.

        Memory grows with the depth of the tree only. What vanishes meanwhile is left out.
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
                    with suppress(FileNotFoundError):
                        levels.append((f"{path}{entry.name}/", os.scandir(entry.path)))
                elif (size := _regular_size(entry)) is not None:
                    yield path + entry.name, size
        finally:
            for _, entries in levels:
                entries.close()


def strangers_below(tree: Tree, parts: Sequence[str]) -> Iterator[Stranger]:
    """Yield everything below a directory that is neither a plain file with one name nor a directory."""
    with tree.opened(parts):  # refuses a symbolic link on the way
        waiting = ["".join(f"{part}/" for part in parts)]
    while waiting:
        path = waiting.pop()
        with suppress(FileNotFoundError), os.scandir(tree.root / path) as entries:
            for entry in entries:
                here = path + entry.name
                stranger = _stranger(entry, here)
                if stranger is not None:
                    yield stranger
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{here}/")


def _stranger(entry: os.DirEntry[str], path: str) -> Stranger | None:
    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    try:
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if shown != path:
        return Stranger(StrangerKind.UNNAMEABLE, shown, "its name is not UTF-8")
    if modes.S_ISLNK(facts.st_mode):
        return Stranger(StrangerKind.LINK, shown, "a symbolic link")
    if modes.S_ISREG(facts.st_mode):
        return Stranger(StrangerKind.SHARED, shown, f"{facts.st_nlink} names") if facts.st_nlink > 1 else None
    return None if modes.S_ISDIR(facts.st_mode) else Stranger(StrangerKind.SPECIAL, shown, "a device, pipe or socket")


def _regular_size(entry: os.DirEntry[str]) -> int | None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return facts.st_size if modes.S_ISREG(facts.st_mode) else None


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


def chunks(descriptor: int) -> Iterator[bytes]:
    """Yield the bytes of an open file in order, the kernel reading ahead of a large one."""
    if _ADVISE is not None and os.fstat(descriptor).st_size >= LARGE:
        with suppress(OSError):  # advice only
            _ADVISE(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    while chunk := os.read(descriptor, BUFFER):
        yield chunk


def let_go(descriptor: int) -> None:
    """Ask the kernel to forget the cached pages of a file that is durable, so that the next read asks the disk."""
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
