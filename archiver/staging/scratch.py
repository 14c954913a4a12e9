"""Scratch on the local disk: files without a name, so that nothing is left of them after a crash."""

from __future__ import annotations

import heapq
import io
import marshal
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import IO, TYPE_CHECKING, BinaryIO, Self, cast

from archiver.core.errors import StagingFullError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from archiver.ports.scratch import Row

ROWS = 60_000
"""Rows held in memory before they go to the disk: about 20 MB of paths and digests."""
BYTES = 4 << 20
"""Bytes of one tag file held in memory."""
_BLOCK = 100
"""Rows read back at once."""


class DiskScratch:
    """Small things stay in memory, large ones go to temporary files; see `archiver.ports.scratch.Scratch`.

    What is written is read back by the same process and is never trusted across runs.

    Args:
        directory: Where the files are, or None for the system's own place.
        rows: How many rows of one kind may stay in memory.
    """

    def __init__(self, directory: Path | None = None, *, rows: int = ROWS) -> None:
        self._directory = directory
        self._rows = rows
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let everything go."""
        self._files.close()

    def held(self, chunks: Iterable[bytes]) -> BinaryIO:
        """See the port."""
        file: IO[bytes] = io.BytesIO()
        for chunk in chunks:
            with _translated():
                if isinstance(file, io.BytesIO) and file.tell() + len(chunk) > BYTES:
                    begun, file = file, self._file()
                    file.write(begun.getvalue())
                file.write(chunk)
        file.seek(0)
        return cast("BinaryIO", file)

    def kept(self, rows: Iterable[Row]) -> Iterable[Row]:
        """See the port."""
        source = iter(rows)
        first = list(islice(source, self._rows))
        if len(first) < self._rows:
            return first
        run = _Run(self._file())
        while first:
            run.write(first)
            first.clear()  # before the next ones are taken: both would not fit
            first.extend(islice(source, self._rows))
        return run

    def in_order(self, rows: Iterable[Row]) -> Iterator[Row]:
        """See the port."""
        source = iter(rows)
        some = sorted(islice(source, self._rows))
        if len(some) < self._rows:
            return iter(some)
        file, runs = self._file(), []
        while some:
            runs.append(_Run(file, some))
            some.clear()  # before the next ones are taken: both would not fit
            some.extend(islice(source, self._rows))
            some.sort()
        return heapq.merge(*runs)

    def _file(self) -> IO[bytes]:
        import tempfile  # noqa: PLC0415 - half as large as all the rest of a small check

        with _translated():
            return self._files.enter_context(tempfile.TemporaryFile(prefix="archiver-", dir=self._directory))


class _Run:
    """Rows in a file, in blocks; several runs may share one file, and several may be read at once."""

    def __init__(self, file: IO[bytes], rows: list[Row] | None = None) -> None:
        self._file = file
        self._begins = file.seek(0, io.SEEK_END)
        self._ends = self._begins
        if rows:
            self.write(rows)

    def write(self, rows: list[Row]) -> None:
        with _translated():
            self._file.seek(0, io.SEEK_END)
            for at in range(0, len(rows), _BLOCK):
                block = marshal.dumps(rows[at : at + _BLOCK])
                self._file.write(len(block).to_bytes(4, "big") + block)
            self._ends = self._file.tell()

    def __iter__(self) -> Iterator[Row]:
        at = self._begins
        while at < self._ends:
            with _translated():
                self._file.seek(at)
                length = int.from_bytes(self._file.read(4), "big")
                block = self._file.read(length)
            at += 4 + length
            yield from marshal.loads(block)  # noqa: S302 - written by this very process to a file without a name


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StagingFullError(
            f"no temporary file can be written: {error.strerror or error}",
            next_command="TMPDIR=DIR archiver …   # with DIR on a disk with room",
        ) from error
