"""Where a DIP is written: a directory of files, or one tar. A byte that does not match never gets a name."""

from __future__ import annotations

import errno
import os
import tarfile
from contextlib import contextmanager, suppress
from filecmp import cmp
from typing import TYPE_CHECKING, BinaryIO

from archiver.core.errors import ObjectConflictError, ObjectDamagedError, StagingFullError, StoreError
from archiver.core.fixity import Hasher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from archiver.core.dips import Part

_BLOCK = 512
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG}
_NO_PLACE = {
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOTEMPTY,
    errno.ENOENT,  # a file system that the kernel makes up, such as /proc, takes no new names
    errno.ELOOP,
    errno.EINVAL,
    errno.ENXIO,
}
_CHUNK = 1 << 20


class DirectoryOutbox:
    """Files below a directory; see `archiver.ports.outboxes.Outbox`.

    Args:
        root: Where; made when it is not there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, part: Part) -> bool:
        """Tell whether the file is there and right."""
        path = self._root / part.name
        with suppress(OSError):
            if path.is_symlink() or path.stat().st_size != part.promised.size:
                return False
            hasher = Hasher((part.promised.digest.algorithm,))
            with path.open("rb", buffering=0) as file:
                while chunk := file.read(_CHUNK):
                    hasher.update(chunk)
            return hasher.digests() == (part.promised.digest,)
        return False

    def take(self, part: Part, attempts: Iterable[Callable[[], Iterable[bytes]]]) -> None:
        """Write a file beside its place, prove it, and only then give it its name."""
        path = self._root / part.name
        with translated(self._root):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.parent / f".{part.promised.digest.value[:32]}.part"
            try:
                with temporary.open("wb") as file:
                    _first_right(part, attempts, file)
                    file.flush()
                    os.fsync(file.fileno())
                # A link, not a rename: it never takes the place of a file that is there already.
                os.link(temporary, path)
            except FileExistsError as error:
                raise ObjectConflictError(
                    f"{path} is there already and is another file; it was left as it is",
                    next_command="archiver get ITEM ANOTHER-DIRECTORY",
                ) from error
            finally:
                temporary.unlink(missing_ok=True)

    def finish(self) -> str:
        """Make the names durable."""
        with translated(self._root):
            descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return str(self._root)


class TarOutbox:
    """One tar (POSIX pax), with a directory at its top; see `archiver.ports.outboxes.Outbox`.

    The file has another name until it is whole. An interrupted one begins anew.

    Args:
        path: The file.
        top: Name of the directory in it.
    """

    def __init__(self, path: Path, top: str) -> None:
        self._path = path
        self._top = top
        self._part = path.with_name(f".{path.name}.part")
        self._file: BinaryIO | None = None

    def has(self, part: Part) -> bool:  # noqa: ARG002 - the port's argument
        """Tell that nothing is kept of an interrupted tar."""
        return False

    def take(self, part: Part, attempts: Iterable[Callable[[], Iterable[bytes]]]) -> None:
        """Append a member; one that proves wrong is cut off again before the next copy is tried."""
        header = tarfile.TarInfo(f"{self._top}/{part.name}")
        header.size = part.promised.size
        header.mode = 0o644
        with translated(self._path.parent):
            file = self._opened()
            file.write(header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
            _first_right(part, attempts, file)
            file.write(bytes(-part.promised.size % _BLOCK))

    def finish(self) -> str:
        """End the archive and give it its name."""
        with translated(self._path.parent):
            file = self._opened()
            file.write(bytes(2 * _BLOCK))
            file.flush()
            os.fsync(file.fileno())
            file.close()
            try:
                # A link, not a rename: it never takes the place of a file that is there already.
                os.link(self._part, self._path)
            except FileExistsError as error:
                if not self._is_there():
                    raise ObjectConflictError(
                        f"{self._path} is there already and is another file; it was left as it is",
                        next_command="archiver get ITEM ANOTHER-DIRECTORY",
                    ) from error
            self._part.unlink()
        return str(self._path)

    def close(self) -> None:
        """Remove what was not finished."""
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _is_there(self) -> bool:
        """Tell whether the file that has the name already is this one, byte for byte."""
        return not self._path.is_symlink() and self._path.is_file() and cmp(self._part, self._path, shallow=False)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb")
        return self._file


def _first_right(part: Part, attempts: Iterable[Callable[[], Iterable[bytes]]], file: BinaryIO) -> None:
    """Write the bytes of the first attempt that are right, at the place where the file stands."""
    begins, failures = file.tell(), []
    for attempt in attempts:
        hasher = Hasher((part.promised.digest.algorithm,))
        try:
            for chunk in attempt():
                hasher.update(chunk)
                file.write(chunk)
        except StoreError as error:
            failures.append(error.message)
        else:
            (actual,) = hasher.digests()
            if actual == part.promised.digest and hasher.size == part.promised.size:
                return
            failures.append(f"expected {part.promised.digest}, actual {actual}")
        file.seek(begins)
        file.truncate()
    reasons = "; ".join(failures) or "there is no copy to read"
    raise ObjectDamagedError(f"{part.promised.path}: no copy gives the promised bytes: {reasons}")


@contextmanager
def translated(place: Path) -> Iterator[None]:
    """Say what to do when the disk cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM | _NO_PLACE:
            raise
        raise StagingFullError(
            f"{error.filename or place} cannot be written: {error.strerror}", next_command=f"df -h {place}"
        ) from error
