"""The double itself: two loopback ports that answer for what it publishes."""

from __future__ import annotations

import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

from archiver.rehearsal.answers import Answers, NodeAnswers
from archiver.rehearsal.published import Published

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from archiver.rehearsal.corpus import DoubleItem


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class ArchiveDouble(Published):
    """A double of archive.org; a context manager that serves while it is open."""

    def __init__(self, items: Iterable[DoubleItem] = (), *, port: int = 0) -> None:
        super().__init__(items)
        self._front = _Server(("127.0.0.1", port), type("Front", (Answers,), {"double": self}))
        self._node = _Server(("127.0.0.1", 0), type("Node", (NodeAnswers,), {"double": self}))
        self.url = f"http://127.0.0.1:{self._front.server_address[1]}"
        self.node_url = f"http://127.0.0.1:{self._node.server_address[1]}"

    def __enter__(self) -> Self:
        for server in (self._front, self._node):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in (self._front, self._node):
            server.shutdown()
            server.server_close()
