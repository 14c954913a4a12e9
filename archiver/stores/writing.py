"""One object on its way into a directory: under a temporary name, durable, then under its own. Raises `OSError` as it comes."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from archiver.core.errors import ObjectDamagedError, StoreError
from archiver.core.fixity import Algorithm, Hasher, digest_of
from archiver.stores.tree import BUFFER, exists, let_go, regular_size, small_content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.core.objects import Offer

_TEMPORARY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# Not 0444: the directory's permissions decide about deletion, and repair by hand must stay possible. The umask applies.
_FILE_MODE = 0o644

# FAT, exFAT and some network file systems have no hard links; a file may have only so many (EMLINK); the kernel
# forbids links to other people's files (EPERM, fs.protected_hardlinks).
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


class Writing:
    """One object that is being written.

    Attributes:
        offer: What.
        parents: The path of its directory, below the root.
        name: Its name there.
        directory: Descriptor of that directory, once it is open.
        existed: Whether something was there already.
        adopted: Whether the staged file itself was taken.
    """

    __slots__ = (
        "_descriptor",
        "_incoming",
        "_temporary",
        "adopted",
        "directory",
        "existed",
        "name",
        "offer",
        "parents",
    )

    def __init__(self, offer: Offer, parents: tuple[str, ...], name: str) -> None:
        self.offer = offer
        self.parents = parents
        self.name = name
        self.directory = -1
        self.existed = False
        self.adopted = False
        self._incoming = -1
        self._descriptor = -1
        self._temporary = ""

    def adopt(self) -> bool:
        """Take the staged file itself, where it is the regular file it is said to be and in the same file system.

        Raises:
            FileExistsError: The name is taken.
        """
        content = self.offer.content
        if isinstance(content, bytes) or not self.offer.adopt:
            return False
        try:
            if regular_size(content.path.lstat()) != content.size:
                return False
        except OSError:
            return False  # copying it fails with the message that belongs to it
        return _linked(content.path, None, self.directory, self.name)

    def copy(self, incoming: int, *, where: str) -> None:
        """Write the content under a new name, and let the disk begin with it.

        Args:
            incoming: Descriptor of the directory for unfinished writes.
            where: For messages.

        Raises:
            ObjectDamagedError: The content is not what its digest says.
        """
        self._incoming = incoming
        self._temporary = uuid4().hex
        self._descriptor = os.open(self._temporary, _TEMPORARY, _FILE_MODE, dir_fd=incoming)
        hasher = Hasher((Algorithm.SHA256,))
        for chunk in _chunks_of(self.offer):
            hasher.update(chunk)
            _write_all(self._descriptor, chunk)
        (actual,) = hasher.digests()
        if actual != self.offer.sha256:
            raise ObjectDamagedError(
                f"the bytes for {where} are not the promised ones: expected {self.offer.sha256}, "
                f"actual {actual} in {hasher.size} bytes; nothing was stored"
            )
        if self.offer.size <= BUFFER:
            # A disk that has several files to write when it is asked to have finished the first writes them together.
            let_go(self._descriptor)

    def sync(self) -> None:
        """Return once the bytes that were written, if any were, are durable."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)

    def link(self) -> bool:
        """Give what was written its name, or return False where there are no hard links.

        Raises:
            FileExistsError: The name is taken.
        """
        return _linked(self._temporary, self._incoming, self.directory, self.name)

    def rename(self) -> None:
        """Give what was written its name where there are no hard links; no two of these may go on at once.

        Raises:
            FileExistsError: The name is taken.
        """
        if exists(self.directory, self.name):
            raise FileExistsError(self.name)
        os.rename(self._temporary, self.name, src_dir_fd=self._incoming, dst_dir_fd=self.directory)

    def close(self) -> None:
        """Remove the temporary name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=self._incoming)

    def is_right(self) -> bool:
        """Read a small object back from where it is now, and tell whether it is the one that was to be written."""
        with suppress(OSError):
            content = small_content(self.directory, self.name, self.offer.size, last=True)
            return content is not None and digest_of(content) == self.offer.sha256
        return False


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


def _chunks_of(offer: Offer) -> Iterator[bytes | memoryview]:
    content = offer.content
    if isinstance(content, bytes):
        yield content
        return
    buffer = memoryview(bytearray(min(BUFFER, content.size + 1)))
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
