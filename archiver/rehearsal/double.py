"""The double itself: two loopback ports, what they publish, and what they were asked."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from archiver.rehearsal.answers import Answers, NodeAnswers
from archiver.rehearsal.faults import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from archiver.rehearsal.corpus import DoubleFile, DoubleItem


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    Attributes:
        is_node: Whether a data node was asked, that is, for a file's bytes.
        path: Path and query, as sent.
        headers: As sent.
    """

    is_node: bool
    path: str
    headers: dict[str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class ArchiveDouble:
    """A double of archive.org; a context manager that serves while it is open.

    Attributes:
        items: By identifier.
        faults: Switches, by route.
        latency: Seconds before each answer.
        page_size: Identifiers on a page of a search, whatever `count` says; 0 for what it says.
        pages: Further pages of the front end, by path, such as ``/robots.txt``.
        headers: Header fields that every answer carries.
        requests: What was asked, in order.
    """

    def __init__(self, items: Iterable[DoubleItem] = (), *, port: int = 0) -> None:
        self.items = {item.identifier: item for item in items}
        self.faults = Faults()
        self.latency = 0.0
        self.page_size = 0
        self.pages: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.requests: list[Request] = []
        self._edits: dict[str, tuple[int, DoubleItem]] = {}
        self._reads: dict[str, int] = {}
        self._searched: dict[str, tuple[DoubleItem, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._front = _Server(("127.0.0.1", port), type("Front", (Answers,), {"double": self}))
        self._node = _Server(("127.0.0.1", 0), type("Node", (NodeAnswers,), {"double": self}))

    @property
    def url(self) -> str:
        """The front end."""
        return f"http://127.0.0.1:{self._front.server_address[1]}"

    @property
    def node_url(self) -> str:
        """The data node: another host in the eyes of a client."""
        return f"http://127.0.0.1:{self._node.server_address[1]}"

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

    def add(self, *items: DoubleItem) -> None:
        """Publish items, in place of those of the same name."""
        self.items.update({item.identifier: item for item in items})

    def edit(self, item: DoubleItem, *, after_reads: int) -> None:
        """Let an item be another one after its metadata was read so often."""
        self._edits[item.identifier] = (after_reads, item)

    def fail(self, route: str, fault: Fault) -> None:
        """Switch a fault on; routes are those of `Faults`."""
        self.faults.switch(route, fault)

    def described(self, name: str) -> DoubleItem | None:
        """Count a reading of an item's metadata and return the item as it is by now."""
        with self._lock:
            self._reads[name] = self._reads.get(name, 0) + 1
            after, edited = self._edits.get(name, (0, None))
            if edited is not None and self._reads[name] > after:
                self.items[name] = edited
            return self.items.get(name)

    def searched(self, name: str) -> dict[str, Any]:
        """Return what the search knows of an item, worked out once for each state of it."""
        item = self.items.get(name)
        known = self._searched.get(name)
        if item is None or (known is not None and known[0] is item):
            return known[1] if item is not None and known is not None else {}
        self._searched[name] = (item, item.searched())
        return self._searched[name][1]

    def file(self, name: str, path: str) -> DoubleFile | None:
        """Return a file of an item."""
        item = self.items.get(name)
        return next((file for file in item.files if file.name == path), None) if item else None

    def took(self, answer: Answers) -> None:
        """Keep a request in the log."""
        with self._lock:
            self.requests.append(Request(answer.is_node, answer.path, dict(answer.headers)))

    def asked_for_bytes(self) -> list[str]:
        """Return the paths of the files that were asked for."""
        with self._lock:
            return [unquote(request.path) for request in self.requests if request.is_node]
