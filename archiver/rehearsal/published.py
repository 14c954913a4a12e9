"""What the double publishes and what it was asked: the state behind its two ports, shared by every request."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from archiver.rehearsal.faults import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class Published:
    """Items and switches that may be changed while the ports answer.

    Attributes:
        items: By identifier.
        faults: Switches, by route.
        latency: Seconds before each answer.
        page_size: Identifiers on a page of a search, whatever `count` says; 0 for what it says.
        pages: Further pages of the front end, by path, such as ``/robots.txt``.
        headers: Header fields that every answer carries.
        requests: What was asked, in order.
        url: The front end; empty while no port listens.
        node_url: The data node: another host in the eyes of a client; empty while no port listens.
    """

    def __init__(self, items: Iterable[DoubleItem] = ()) -> None:
        self.items = {item.identifier: item for item in items}
        self.faults = Faults()
        self.latency = 0.0
        self.page_size = 0
        self.pages: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.requests: list[Request] = []
        self.url = ""
        self.node_url = ""
        self._edits: dict[str, tuple[int, DoubleItem]] = {}
        self._reads: dict[str, int] = {}
        self._searched: dict[str, tuple[DoubleItem, dict[str, Any]]] = {}
        self._lock = threading.Lock()

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

    def took(self, request: Request) -> None:
        """Keep a request in the log."""
        with self._lock:
            self.requests.append(request)

    def asked_for_bytes(self) -> list[str]:
        """Return the paths of the files that were asked for."""
        with self._lock:
            return [unquote(request.path) for request in self.requests if request.is_node]
