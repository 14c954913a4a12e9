"""An HTTP proxy on loopback that does to one request what networks and services do to some.

One request for each connection, both bodies held in memory: it is for small bodies.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_SECONDS = 20

SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
NO_SUCH_UPLOAD = b"<?xml version='1.0'?><Error><Code>NoSuchUpload</Code><Message>No such upload.</Message></Error>"
NOT_IMPLEMENTED = (
    b"<?xml version='1.0'?><Error><Code>NotImplemented</Code>"
    b"<Message>A header you provided implies functionality that is not implemented</Message></Error>"
)


@dataclass(frozen=True)
class Request:
    """A request on its way up."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    def has(self, header: str) -> bool:
        return re.search(rb"(?im)^" + header.encode() + rb"\s*:", self.head) is not None

    def without(self, header: str) -> Request:
        return Request(re.sub(rb"(?im)^" + header.encode() + rb"[^:\r\n]*:[^\r\n]*\r\n", b"", self.head), self.body)


def answer(status: str, body: bytes) -> bytes:
    """A whole answer that ends the connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@dataclass
class FaultProxy:
    """Stands before a server on loopback.

    Attributes:
        upstream: The server's port.
        tls: Speak TLS to clients.
        respond: Called with each request: returns bytes to answer with in place of the server, or None.
        alter_up: Called with each request: returns the one to send on, or None for this one.
        alter_down: Called with each request and the server's whole answer: returns the bytes to send back, or None for
            these; fewer bytes than the answer's own length are an answer that breaks off, ``b""`` a lost answer.
        requests: What came, in order.
    """

    upstream: int
    tls: ssl.SSLContext | None = None
    respond: Callable[[Request], bytes | None] = lambda request: None
    alter_up: Callable[[Request], Request | None] = lambda request: None
    alter_down: Callable[[Request, bytes], bytes | None] = lambda request, whole: None
    requests: list[Request] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=socket.socket, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)
    _open: bool = True

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(32)
        self._listener.settimeout(0.1)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        for thread in self._threads:
            thread.join(_SECONDS)
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(_SECONDS)
        try:
            with client:
                if self.tls:
                    with self.tls.wrap_socket(client, server_side=True) as secure:
                        self._handle(secure)
                else:
                    self._handle(client)
        except OSError:
            pass  # the client went away, or does not trust our certificate

    def _handle(self, client: socket.socket) -> None:
        request = _receive(client)
        if request is None:
            return
        self.requests.append(request)
        reply = self.respond(request)
        if reply is None:
            whole = _ask(self.upstream, self.alter_up(request) or request)
            altered = self.alter_down(request, whole)
            reply = whole if altered is None else altered
        client.sendall(reply)


def times(number: int, fault: Callable, *, method: str = "PUT", target: str = "") -> Callable:
    """Do ``fault`` to the first so many requests of a method whose target holds a text, and nothing to the others."""
    left = [number]

    def limited(request: Request, *rest: bytes):
        if request.method == method and target in request.target and left[0] > 0:
            left[0] -= 1
            return fault(request, *rest)
        return None

    return limited


def flipped(content: bytes) -> bytes:
    """The bytes with one bit of the last one changed."""
    return content[:-1] + bytes([content[-1] ^ 1])


def _receive(client: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        received = client.recv(65536)
        if not received:
            return None
        data += received
    head, _, start = data.partition(b"\r\n\r\n")
    head += b"\r\n"
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    if re.search(rb"(?im)^expect:", head):
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray(start)
    while length and len(body) < int(length[1]):
        received = client.recv(1 << 20)
        if not received:
            return None
        body += received
    return Request(head, bytes(body)).without("expect")


def _ask(port: int, request: Request) -> bytes:
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as server:
        server.sendall(request.without("connection").head + b"Connection: close\r\n\r\n" + request.body)
        return b"".join(iter(lambda: server.recv(1 << 20), b""))
