"""Faults of archive.org, each one a switch."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from enum import StrEnum

ALWAYS = 1 << 30


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """A status with an HTML page, and ``Retry-After`` where ``text`` has one."""
    CUT = "cut"
    """Content-Length is right, the connection ends after ``number`` bytes."""
    SHORT_CHUNKED = "short-chunked"
    """A chunked body that ends cleanly after half of the bytes."""
    CORRUPT = "corrupt"
    """As many bytes as declared, one of them another."""
    HTML = "html"
    """A web page with status 200."""
    RESET = "reset"
    """The connection is reset before an answer."""
    REDIRECT_LOOP = "redirect-loop"
    REDIRECT_TO = "redirect-to"
    """A redirect to the address in ``text``."""
    NO_RANGE = "no-range"
    """Range is ignored, the answer is whole."""
    WRONG_RANGE = "wrong-range"
    """206 with another Content-Range than asked for."""
    OTHER_ETAG = "other-etag"
    """The file has another entity tag from now on."""
    DRIP = "drip"
    """Ten bytes a second."""
    ENDLESS = "endless"
    """A chunked body without end."""
    JSON_ERROR = "json-error"
    """Status 200 and ``{"error": …}``."""
    NOT_JSON = "not-json"
    BOMB = "bomb"
    """A gzip body of a gigabyte of spaces."""
    SAME_PAGE = "same-page"
    """A search that ignores its cursor."""
    FOREIGN = "foreign"
    """A search that answers with the identifier in ``text`` as well."""
    TOTAL = "total"
    """A search that announces ``number`` items."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: What goes wrong.
        times: How often, then all is well.
        number: A status, a number of bytes or of items.
        text: A header's value, an address or an identifier.
    """

    kind: Kind
    times: int = ALWAYS
    number: int = 0
    text: str = ""


class Faults:
    """The faults that are switched on, by route: ``metadata/ID``, ``download/ID/NAME``, ``node/ID/NAME``, ``search``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._switched: dict[str, Fault] = {}

    def switch(self, route: str, fault: Fault) -> None:
        """Switch a fault on."""
        with self._lock:
            self._switched[route] = fault

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._switched.clear()

    def take(self, route: str) -> Fault | None:
        """Return the fault of a route and count it."""
        with self._lock:
            fault = self._switched.get(route)
            if fault is None or fault.times <= 0:
                return None
            self._switched[route] = replace(fault, times=fault.times - 1)
            return fault
