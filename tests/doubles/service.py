"""A service on loopback that speaks a recorded wire: a function answers, faults can be put before it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True)
class Request:
    """What was asked: the path unquoted, the query's first values, header fields by lower-case name."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    target: str


@dataclass(frozen=True)
class Reply:
    """What is answered. A body in pieces is sent in chunks; `raw` bytes stand for the whole answer."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: Iterable[bytes] | None = None
    pause: float = 0.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class ServiceDouble:
    """Serves while it is open.

    Attributes:
        answer: Given a request; None is a 404.
        faults: Replies by a part of the path or target; each stands before the answer for as often as it says.
        requests: In order.
        latency: Seconds before each answer.
        busiest: How many were answered at once at most: `interface`, `files` and `all`.
    """

    def __init__(self, answer: Callable[[Request], Reply | None]) -> None:
        self.answer = answer
        self.faults: list[list[Any]] = []
        self.requests: list[Request] = []
        self.busy: dict[str, int] = {}
        self.busiest: dict[str, int] = {}
        self.latency = 0.0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"double": self}))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, part: str, reply: Reply, *, times: int = 1 << 30) -> None:
        self.faults.append([part, reply, times])

    def replied(self, request: Request) -> Reply:
        self.requests.append(request)
        for fault in self.faults:
            if fault[0] in unquote(request.target) and fault[2] > 0:
                fault[2] -= 1
                return fault[1]
        return self.answer(request) or Reply(b"not found", 404, {"Content-Type": "text/plain"})

    @contextmanager
    def at_work(self, kind: str) -> Iterator[None]:
        """Count how many requests are answered at once: of the interface, of files, and in all."""
        with self._lock:
            for name in (kind, "all"):
                self.busy[name] = self.busy.get(name, 0) + 1
                self.busiest[name] = max(self.busiest.get(name, 0), self.busy[name])
        try:
            yield
        finally:
            with self._lock:
                for name in (kind, "all"):
                    self.busy[name] -= 1

    def asked(self, part: str) -> list[Request]:
        return [request for request in self.requests if part in unquote(request.target)]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double: ServiceDouble

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {key.lower(): value for key, value in self.headers.items()}
        with self.double.at_work("interface" if parts.query else "files"), suppress(OSError):
            reply = self.double.replied(Request(unquote(parts.path), query, headers, self.path))
            time.sleep(self.double.latency)
            self._send(reply, headers)

    def _send(self, reply: Reply, headers: dict[str, str]) -> None:
        if reply.raw is not None:
            for piece in reply.raw:
                self.wfile.write(piece)
                time.sleep(reply.pause)
            self.close_connection = True
            return
        if not isinstance(reply.body, bytes):
            self._chunked(reply)
            return
        status, body = reply.status, reply.body
        extra: dict[str, str] = {}
        asked, tag = headers.get("range", ""), reply.headers.get("ETag", "")
        if asked.startswith("bytes=") and tag and headers.get("if-range") == tag and status == 200:
            first = int(asked[6:].rstrip("-"))
            extra["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[first:]
        self.send_response(status)
        for name, value in {**reply.headers, **extra, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _chunked(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in reply.body:
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            time.sleep(reply.pause)
        self.wfile.write(b"0\r\n\r\n")
