"""A server on loopback that answers each request with bytes of the test's choice, slowly or without end where wanted."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress


class RawServer:
    """Answers by path.

    Attributes:
        answers: By path without its query: bytes, or an iterable of bytes (a number in it is a pause in seconds), or a
            function of the request's head that returns either. Any other path is answered with 404.
        heads: What was asked, each a text.
    """

    def __init__(self, host="127.0.0.1"):
        self.answers = {}
        self.heads = []
        self._socket = socket.create_server((host, 0))
        self._open = True

    @property
    def netloc(self):
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    @property
    def url(self):
        return f"http://{self.netloc}"

    def paths(self):
        return [head.split(" ", 2)[1] for head in self.heads]

    def serve(self):
        while self._open:
            with suppress(OSError):
                peer, _ = self._socket.accept()
                threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def close(self):
        self._open = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _talk(self, peer):
        with peer, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = peer.recv(65536)
                if not piece:
                    return
                head += piece
            text = head.decode("latin-1")
            self.heads.append(text)
            answer = self.answers.get(text.split(" ", 2)[1].partition("?")[0], whole(b"", status="404 Not Found"))
            answer = answer(text) if callable(answer) else answer
            for piece in [answer] if isinstance(answer, bytes) else answer:
                if not self._open:
                    return
                if isinstance(piece, bytes):
                    peer.sendall(piece)
                else:
                    time.sleep(piece)


def whole(body, *fields, status="200 OK"):
    """Return an answer with a length; ``fields`` are further lines of its head."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location, status="302 Found"):
    return whole(b"", f"Location: {location}", status=status)


@contextmanager
def raw_server(host="127.0.0.1"):
    server = RawServer(host)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.close()
