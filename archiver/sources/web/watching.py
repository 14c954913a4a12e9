"""Answers that cannot keep us for ever: what comes over the socket is watched below `http.client`.

That has no idea of time or of bounds: an answer that drips, a head without end, a line without end.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPHeaderDict

from archiver.core.errors import SourceProtocolError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOWEST = 1024
"""Bytes a second. An answer that drips more slowly than this for the length of the timeout is given up."""
LONGEST_HEAD = 1 << 20
"""Bytes of all lines of an answer's head, or of its trailer; ccMixter is known to send one field of many kilobytes."""
LONGEST_LINE = 60_000
"""Bytes of one line that are handed on; `http.client` refuses more than 65,536."""
MOST_FIELDS = 100
"""In a head, as `http.client` has it."""
LONGEST_GATHERING = 1.0
"""Seconds for which bytes of a body are held back until there are enough of them to be worth their handling."""


class _Socket(socket.SocketIO):
    """The bytes of an answer, with an eye on their pace.

    Attributes:
        failure: Why no more will come, once that is known; raised at the next receive.
    """

    def __init__(self, sock: socket.socket, where: str) -> None:
        super().__init__(sock, "r")
        self._where = where
        self._patience = sock.gettimeout() or 60.0
        self._began: float | None = None
        self._received = 0
        self._is_gathering = False
        self._gathered = 0
        self._until = 0.0
        self.failure: Exception | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Receive again and again for one read of many bytes, for `LONGEST_GATHERING` or a little longer.

        No byte is lost to a fault: None ends the read, and the fault is kept in `failure`.
        """
        self._is_gathering, self._gathered = True, 0
        self._until = time.monotonic() + LONGEST_GATHERING
        try:
            yield
        finally:
            self._is_gathering = False

    def readinto(self, buffer: Any) -> int | None:
        if self._is_gathering:
            is_over = self._gathered > 0 and time.monotonic() > self._until
            return None if is_over or self.failure is not None else self._gather(buffer)
        if self.failure is not None:
            raise self.failure
        return self._watched(super().readinto(buffer))

    def _gather(self, buffer: Any) -> int | None:
        try:
            received = self._watched(super().readinto(buffer))
        except OSError as error:
            self.failure = error
            return None
        self._gathered += received
        return received

    def _watched(self, received: int | None) -> int:
        received = received or 0
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self._received += received
        elapsed = now - self._began
        if elapsed > self._patience and received:
            if self._received < SLOWEST * elapsed:
                self.failure = SourceUnavailableError(
                    f"{self._where}: only {self._received} bytes in {elapsed:.0f} seconds"
                )
            self._began, self._received = now, 0
        return received


class _Lines(io.BufferedReader):
    """Reads lines of a bounded length, and no more than so many of them between two pieces of a body."""

    where = ""
    _of_lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = LONGEST_HEAD if size is None or size < 0 else size
        line = super().readline(min(limit, LONGEST_LINE))
        self._count(line)
        rest = line
        while len(rest) >= LONGEST_LINE and not rest.endswith(b"\n"):
            rest = super().readline(LONGEST_LINE)
            self._count(rest)
        return line if line.endswith(b"\n") or line is rest else line[:-2] + b"\r\n"

    def lines_here(self) -> list[bytes]:
        """Return the lines of a head up to its empty one, if all of them are here already and none is odd; else nothing."""
        ready = self.peek()
        end = ready.find(b"\r\n\r\n")
        found = ready[: end + 2].splitlines(keepends=True) if 0 < end < LONGEST_LINE else []
        if not all(line.endswith(b"\r\n") and line != b"\r\n" for line in found):
            return []
        if found:
            self._count(super().read(end + 4))
        return found

    def _count(self, line: bytes) -> None:
        self._of_lines += len(line)
        if self._of_lines > LONGEST_HEAD:
            raise SourceProtocolError(f"{self.where}: the head of the answer is longer than {LONGEST_HEAD} bytes")

    def read(self, size: int | None = -1, /) -> bytes:
        self._of_lines = 0
        return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Return as many bytes as come in at once or soon, at most ``size``; read into their place, never copied."""
        self._of_lines = 0
        raw: Any = self.raw
        with raw.gathering():
            found = super().read(size)
        if not found and raw.failure is not None:
            raise raw.failure
        return found or b""

    def readinto(self, buffer: Any, /) -> int:
        self._of_lines = 0
        return super().readinto(buffer)


class _Watched:
    """What `http.client` takes for a socket, where it only wants to read from it."""

    def __init__(self, sock: socket.socket, where: str) -> None:
        self._sock = sock
        self._where = where

    def makefile(self, mode: str) -> _Lines:  # noqa: ARG002 - it asks for "rb"
        raw = _Socket(self._sock, self._where)
        self._sock._io_refs += 1  # type: ignore[attr-defined]  # noqa: SLF001 - what a socket's own `makefile` does
        lines = _Lines(raw)
        lines.where = self._where
        return lines


class WatchedResponse(http.client.HTTPResponse):
    """An answer whose head is read without the parser of e-mails, which costs more than all the rest."""

    def __init__(self, sock: socket.socket, *, method: str, where: str) -> None:
        super().__init__(_Watched(sock, where), method=method)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Read the head, as `http.client` does (RFC 9112 §§ 4 to 6.3)."""
        version, status, reason = self._read_status()  # type: ignore[attr-defined]
        while status == http.HTTPStatus.CONTINUE:
            _fields(self.fp)
            version, status, reason = self._read_status()  # type: ignore[attr-defined]
        if not version.startswith("HTTP/"):
            raise http.client.UnknownProtocol(version)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in {"HTTP/1.0", "HTTP/0.9"} else 11
        fields = self.headers = self.msg = _fields(self.fp)  # type: ignore[assignment]
        self.chunked = fields.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else _length(fields.get("content-length", ""))
        if status in {http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED} or status < http.HTTPStatus.OK:
            self.length = 0
        self.will_close = self._check_close() or (not self.chunked and self.length is None)  # type: ignore[attr-defined]


def _fields(file: Any) -> HTTPHeaderDict:
    """Read the fields of a head to its empty line; a line that is none is left out."""
    fields = HTTPHeaderDict()
    name = value = ""
    ready = file.lines_here()
    lines = iter((*ready, b"")) if ready else iter(lambda: file.readline(LONGEST_LINE + 1), None)
    for number, line in enumerate(lines):
        if number > MOST_FIELDS:
            raise http.client.HTTPException(f"more than {MOST_FIELDS} fields in the head of the answer")
        text = line.decode("latin-1")
        if text[:1] in {" ", "\t"} and text.strip():
            value = f"{value} {text.strip()}"
            continue
        if name:
            fields.add(name, value)
        if line in {b"\r\n", b"\n", b""}:
            break
        name, colon, value = text.partition(":")
        name, value = name.strip() if colon else "", value.strip()
    return fields


def _length(text: str) -> int | None:
    """Return the length that a head states; several that are the same count as one."""
    found = {one.strip() for one in text.split(",")}
    return int(text) if len(found) == 1 and (text := found.pop()).isascii() and text.isdigit() else None
