"""Preference signals of the Internet Archive's host: its files for all machines, and header fields of its answers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from archiver.core.errors import FileRefusedError, SourceError
from archiver.core.preferences import HEADERS, Preference, Stated, header_preferences, host_preferences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.core.items import ItemId
    from archiver.ports.clock import Clock
    from archiver.sources.ia_wire import Wire

LONGEST_FILE = 512 << 10
"""Bytes of a robots.txt that are read; RFC 9309 §2.5 asks for 500 KiB at least."""
MOST_ITEMS = 10_000
MOST_ANSWERS = 200
DAY = 86_400.0
_FILES = ("/robots.txt", "/.well-known/tdmrep.json")


class HostPreferences:
    """What the host of one wire states; see `archiver.ports.preferences.PreferenceSource`. Safe for threads.

    Args:
        wire: Asked for the two files, each at most once a day.
        clock: For dates.
    """

    def __init__(self, wire: Wire, *, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._lock = threading.Lock()
        # Another one: while the files are asked for, answers about items keep being heard.
        self._asking = threading.Lock()
        self._files: tuple[float, datetime, dict[str, str], tuple[str, ...]] | None = None
        self._heard: OrderedDict[str, dict[Preference, None]] = OrderedDict()

    def heard(self, url: str, headers: Mapping[str, str]) -> None:
        """Take the header fields of an answer about an item."""
        if not any(name.lower() in HEADERS for name in headers):
            return
        parts = urlsplit(url).path.split("/", 3)
        name = unquote(parts[2]) if len(parts) > 2 and parts[1] in {"metadata", "download"} else ""
        if not name:
            return
        subject = unquote(parts[3]) if len(parts) > 3 and parts[1] == "download" else ""
        found = dict.fromkeys(header_preferences(headers, url=url, at=self._clock.now(), subject=subject))
        with self._lock:
            known = self._heard.setdefault(name, {})
            if len(known) < MOST_ANSWERS:
                known.update(found)
            while len(self._heard) > MOST_ITEMS:
                self._heard.popitem(last=False)

    def stated(self, item: ItemId) -> Stated:
        """Return what the host states about an item; see the port."""
        at, files, unread = self._asked()
        name = quote(item.name, safe="")
        paths = (f"/details/{name}", f"/download/{name}/")
        host = self._wire.endpoint
        of_host = host_preferences(files[_FILES[0]], files[_FILES[1]], paths=paths, host=host, at=at)
        with self._lock:
            of_item = tuple(self._heard.pop(item.name, {}))
        return Stated(tuple(dict.fromkeys((*of_host, *of_item))), unread)

    def _asked(self) -> tuple[datetime, dict[str, str], tuple[str, ...]]:
        with self._asking:
            if self._files is None or self._clock.monotonic() - self._files[0] > DAY:
                texts: dict[str, str] = {}
                unread: list[str] = []
                for path in _FILES:
                    texts[path], why = self._read(path)
                    unread += [why] if why else []
                self._files = (self._clock.monotonic(), self._clock.now(), texts, tuple(unread))
            return self._files[1:]

    def _read(self, path: str) -> tuple[str, str]:
        try:
            return self._wire.fetch(path)[:LONGEST_FILE].decode("utf-8", "replace"), ""
        except FileRefusedError:
            return "", ""  # there is none, or it is kept from us: nothing is stated
        except SourceError as error:
            return "", f"{self._wire.endpoint}{path}: {error.message}"
