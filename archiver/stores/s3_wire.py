"""HTTP/1.1 to one service, on connections that stay open, at little cost for each request and each byte.

It knows what a store needs and nothing else: one request, one answer, no redirect, no proxy, no cookie. A body goes out
after its headers without being announced (no ``Expect``), and an answer that comes before the body was taken is heard.
"""

from __future__ import annotations

import io
import select
import socket
import struct
import weakref
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

    from archiver.stores.s3_client import FilePart

_PIECE = 1 << 20  # bytes read from a file, and asked for from a plain connection, at once
_HEAD = 1 << 16  # bytes that the head of an answer, or one line of a chunked body, may take
_NO_BODY = frozenset({204, 304})


class Line:
    """Connections to one service. May be used by many threads, each asking on a connection of its own.

    Args:
        origin: ``http://host`` or ``https://host``, with a port where it is not the usual one.
        tls: How to prove who the service is; None for plain http.
        connect_timeout: Seconds.
        read_timeout: Seconds without a byte, in either direction.
        most: How many connections are kept open between requests.
    """

    def __init__(
        self, origin: str, *, tls: ssl.SSLContext | None, connect_timeout: float, read_timeout: float, most: int
    ) -> None:
        parts = urlsplit(origin)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if tls else 80)
        self._tls = tls
        self._timeouts = connect_timeout, read_timeout
        self._most = most
        self._idle: deque[_Connection] = deque()
        self._is_open = True
        weakref.finalize(self, _close_all, self._idle)

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes | FilePart = b"") -> Answer:
        """Send a request and return the answer, of which the caller reads or closes the body.

        Args:
            method: In capitals.
            target: Path and query, quoted.
            headers: All that are to be sent but ``content-length``; ``host`` among them.
            body: What to send.

        Raises:
            OSError: No answer, or one that is no HTTP. Whether the service did something is not known.
            ValueError: A header holds the end of a line.
        """
        lines = [f"{method} {target} HTTP/1.1", "user-agent: archiver"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "PUT":
            lines.append(f"content-length: {len(body)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header must not hold the end of a line")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
        connection = self._connection()
        try:
            connection.send(head, body)
            return Answer(connection, self, has_body=method != "HEAD")
        except BaseException:
            connection.close()
            raise

    def _connection(self) -> _Connection:
        while True:
            try:
                connection = self._idle.pop()  # the last one used is the likeliest to be open still
            except IndexError:
                return _Connection(self._host, self._port, self._tls, *self._timeouts)
            if not connection.has_news():
                return connection
            connection.close()  # the service has ended it

    def take_back(self, connection: _Connection) -> None:
        """Keep a connection, on which nothing is under way, for the next request."""
        if self._is_open and len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close every connection: those in use as soon as their answers were read."""
        self._is_open = False
        _close_all(self._idle)


def _close_all(connections: deque[_Connection]) -> None:
    while connections:
        connections.pop().close()


class _Connection:
    """One connection. Plain ones block in the kernel, with its time limits: one call for each MiB instead of dozens."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, connect_timeout: float, read_timeout: float
    ) -> None:
        self.rest = b""
        plain = socket.create_connection((host, port), connect_timeout)
        self._socket = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if tls is None:
                plain.settimeout(None)
                limit = struct.pack("ll", int(read_timeout), int(read_timeout % 1 * 1_000_000))
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
                self._file: io.BufferedReader | None = None
            else:
                plain.settimeout(max(connect_timeout, read_timeout))
                self._socket = tls.wrap_socket(plain, server_hostname=host)
                self._socket.settimeout(read_timeout)
                self._file = io.BufferedReader(self._socket.makefile("rb", 0), 1 << 16)
        except BaseException:
            plain.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def has_news(self) -> bool:
        """Whether something came without being asked for: its end, as a rule."""
        return bool(self.rest or self._poll.poll(0))

    def send(self, head: bytes, body: bytes | FilePart) -> None:
        """Send a request. That the service took no more of it is no error: it may have answered already."""
        try:
            if isinstance(body, bytes):
                self._socket.sendall(head + body)
                return
            self._socket.sendall(head)
            while piece := body.read(_PIECE):
                self._socket.sendall(piece)
        except BlockingIOError as error:
            raise TimeoutError("timeout: the service takes no more bytes") from error
        except (BrokenPipeError, ConnectionResetError):
            self.is_broken = True

    is_broken = False

    def some(self, most: int, *, all_of_it: bool = False) -> bytes:
        """Return the next bytes, none at the end; with ``all_of_it`` as many as were asked for, but at the end."""
        if self.rest:
            piece, self.rest = self.rest[:most], self.rest[most:]
            return piece
        try:
            if self._file is not None:
                return self._file.read(most) if all_of_it else self._file.read1(most)
            return self._socket.recv(most, socket.MSG_WAITALL if all_of_it else 0)
        except BlockingIOError as error:
            raise TimeoutError("timeout: the service has fallen silent") from error

    def until(self, end: bytes) -> bytes:
        """Return the bytes before ``end``, which is taken off too.

        Raises:
            ConnectionError: The connection ended, or it takes too long to come.
        """
        gathered = b""
        while end not in gathered:
            if len(gathered) > _HEAD:
                raise ConnectionError("not an answer in HTTP: its head does not end")
            piece = self.some(_HEAD)
            if not piece:
                raise ConnectionError("the connection ended before the answer")
            gathered += piece
        found, _, self.rest = gathered.partition(end)
        return found

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._socket.close()


class Answer:
    """What the service said: status, headers by their names in lower case, and a body to read once.

    Attributes:
        status: Of the last head; those that only announce one (1xx) are passed over.
        headers: Of several with one name the last.
        length: Bytes of the body as the service states them, or None where it does not.
        content: For whoever read the body whole.
    """

    content: bytes = b""

    def __init__(self, connection: _Connection, line: Line, *, has_body: bool) -> None:
        self._line = line
        self._connection: _Connection | None = connection
        self.status = 100
        while 100 <= self.status < 200:
            version, self.status, self.headers = _head(connection.until(b"\r\n\r\n"))
        stated = _length(self.headers)
        if not has_body or self.status in _NO_BODY:
            self.length: int | None = 0
            self._is_chunked = False
        else:
            self._is_chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
            self.length = None if self._is_chunked else stated
        self._left: int | None = self.length  # of the body, or of the chunk
        wants_end = "close" in self.headers.get("connection", "").lower() or version != b"HTTP/1.1"
        self._can_stay = not (wants_end or connection.is_broken or (self.length is None and not self._is_chunked))
        if self.length == 0:
            self._end()

    def read(self, most: int) -> bytes:
        """Return the next bytes of the body, at most so many; none at its end, and where it breaks off.

        Raises:
            OSError: It broke off in a way that its length would not show.
        """
        if self._connection is None:
            return b""
        if self._is_chunked and not self._left and not self._next_chunk(self._connection):
            self._end()
            return b""
        wanted = most if self._left is None else min(most, self._left)
        piece = self._connection.some(wanted, all_of_it=self._left is not None)
        if self._left is not None:
            self._left -= len(piece)
        if not piece:
            if self._is_chunked:
                raise ConnectionError("the answer broke off")
            self.close()
        elif self._left == 0 and not self._is_chunked:
            self._end()
        return piece

    def _next_chunk(self, connection: _Connection) -> bool:
        """Read the size of the next chunk (RFC 9112 §7.1); return whether there is one."""
        if self._left is not None:
            connection.until(b"\r\n")  # of the chunk before
        self._left = _number(connection.until(b"\r\n").partition(b";")[0], 16)
        if self._left == 0:
            while connection.until(b"\r\n"):
                pass  # trailers
        return self._left > 0

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._can_stay:
                self._line.take_back(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Leave the rest of the body unread. An answer that was read to its end keeps its connection open."""
        self._can_stay = False
        self._end()


def _head(lines: bytes) -> tuple[bytes, int, dict[str, str]]:
    first, *others = lines.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ConnectionError("not an answer in HTTP")
    headers = {}
    for line in others:
        name, _, value = line.partition(b":")
        headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    return version, _number(rest[:3], 10), headers


def _length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length")
    return None if text is None else _number(text.encode("latin-1"), 10)


def _number(text: bytes, base: int) -> int:
    digits = text.strip()
    if not digits.isalnum():  # int() would take a sign and underscores
        raise ConnectionError(f"not an answer in HTTP: expected a number, actual {digits[:40]!r}")
    try:
        return int(digits, base)
    except ValueError as error:
        raise ConnectionError(f"not an answer in HTTP: expected a number, actual {digits[:40]!r}") from error
