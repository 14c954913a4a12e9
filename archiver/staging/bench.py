"""A bench on the local disk: one file at a time lies on it, with what is made of it, and both go when the work is done."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from archiver.core.errors import ObjectDamagedError, StagingFullError
from archiver.core.fixity import Algorithm, Hasher
from archiver.core.objects import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.core.fixity import Digest


class DiskBench:
    """See `archiver.ports.derivers.Bench`.

    Args:
        root: The directory; made when it is first needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def clear(self) -> None:
        """Remove what a killed run left; see the port."""
        for left in self._root.glob("work-*") if self._root.is_dir() else ():
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def brought(self, chunks: Iterator[bytes], *, size: int, sha256: Digest) -> Iterator[StagedFile]:
        """Bring bytes in; see the port."""
        place = self._root / f"work-{uuid4().hex}"
        try:
            with self._translating():
                place.mkdir(parents=True, mode=0o700)
                path = place / "source"
                hasher = Hasher((Algorithm.SHA256,))
                with path.open("xb", buffering=0) as file:
                    for chunk in chunks:
                        hasher.update(chunk)
                        if hasher.size > size:
                            break
                        file.write(chunk)
            if (hasher.size, hasher.digests()[0]) != (size, sha256):
                raise ObjectDamagedError(
                    f"not what was stored: expected {sha256} in {size} bytes, actual {hasher.digests()[0]} in {hasher.size}"
                )
            yield StagedFile(path, size, sha256)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def keep(self, name: str, content: bytes) -> None:
        """Keep a small record durably; see the port."""
        with self._translating():
            self._root.mkdir(parents=True, exist_ok=True)
            part = self._kept(name).with_suffix(".new")
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._kept(name))

    def kept(self, name: str) -> bytes | None:
        """Return a record kept earlier, or None."""
        try:
            return self._kept(name).read_bytes()
        except OSError:
            return None

    def drop(self, name: str) -> None:
        """Remove a record; see the port."""
        with suppress(OSError):
            self._kept(name).unlink()
        with suppress(OSError):
            self._root.rmdir()

    def _kept(self, name: str) -> Path:
        return self._root / f"kept-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StagingFullError(
                f"the bench cannot be written: {error.filename or self._root}: {error.strerror or error}",
                next_command=f"df -h {self._root}",
            ) from error
