"""Feeds as a source: RSS and Atom, each entry with its enclosures an item.

A feed is asked for with what its host said of its last state (`If-None-Match`, `If-Modified-Since`; RFC 9110 §13.1), also in
the next run; unchanged, it costs its host a header. An entry is known by its feed and its GUID, whatever else changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections import OrderedDict, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from archiver.core.errors import FileRefusedError, ItemNotFoundError, SourceProtocolError
from archiver.core.fixity import digest_of
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceAnswer, SourceItem
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.feed_xml import LONGEST_FEED, file_name, parse_feed
from archiver.sources.http_answers import shown
from archiver.sources.loose_json import Received
from archiver.sources.web.client import client_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.gate import AdmittedItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery
    from archiver.sources.feed_xml import Entry, Feed
    from archiver.sources.web.client import Client

log = logging.getLogger(__name__)

FRESH = 60.0
"""Seconds for which a feed is taken as it was read: its entries are described one after another, twice each."""
MOST_FEEDS = 8
"""Feeds in memory at once."""
CAPABILITIES = Capabilities(
    "RSS and Atom feeds, podcasts",
    forgets=True,
    marks=True,
    licence_scope="item",
    requests_per_second=1,
    downloads=2,
)

_NAME = re.compile(r"([a-z0-9-]{1,70}-[0-9a-f]{8})\.([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class _Read:
    """A feed in memory: when it was read, what it says, and the answer it was read from."""

    at: float
    feed: Feed
    received: Received


class Feeds:
    """Feeds; see `archiver.ports.sources.Source`. Safe for threads: one asks for a feed at a time, and other feeds do not wait."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._client: Client = client_for(around)
        self._lock = threading.Lock()
        self._addresses: dict[str, str] = {}
        self._read: OrderedDict[str, _Read] = OrderedDict()
        self._in_use: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self._around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield the entries of each feed that a query names, one page for each feed; see the port."""
        if selection.items:
            items = tuple(ItemId(self.name, name) for name in dict.fromkeys(selection.items))
            yield CandidatePage(items, "", len(items))
            return
        addresses = self._named(selection.query)
        first = int(cursor) if re.fullmatch(r"[0-9]{1,6}", cursor) else 0
        for number, address in enumerate(addresses[first:], first + 1):
            key = feed_key(address)
            with self._alone(key):
                self._addresses[key] = address
                found = self._current(key, address, fresh=0.0)
                marks = tuple(found.feed.mark(entry) for entry in found.feed.keys)
                hosts = tuple(found.feed.host(entry) for entry in found.feed.keys)
            items = tuple(ItemId(self.name, f"{key}.{entry}") for entry in found.feed.keys)
            yield CandidatePage(items, str(number) if number < len(addresses) else "", None, marks, hosts)

    def describe(self, item: ItemId) -> SourceItem:
        """Read what a feed says of an entry now; see the port."""
        match = _NAME.fullmatch(item.name)
        if match is None:
            raise ItemNotFoundError(f"{item}: an entry is named by its feed and the digest of its GUID")
        key, entry_key = match.groups()
        with self._alone(key):
            address = self._addresses.get(key) or self._remembered(key).get("url", "")
            if not address:
                raise ItemNotFoundError(
                    f"{item}: its feed is not known here: harvest a selection with its address first"
                )
            found = self._current(key, address, fresh=FRESH)
            entry = found.feed.entry(entry_key)
        if entry is None:
            raise ItemNotFoundError(f"{item}: {shown(address)} has no such entry (any more)")
        return _described(item, entry, entry_key, found)

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open an enclosure; see the port. It may lie on any public host."""
        address = dict(file.facts).get("url", "")
        if not address:
            raise FileRefusedError(f"{admitted.item.id}: {file.name[:200]!r} has no address")
        with self._client.open(address, offset=offset, validator=validator) as delivery:
            yield delivery

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _named(self, query: str) -> tuple[str, ...]:
        addresses = tuple(dict.fromkeys(urljoin(f"{self._around.endpoint}/", one) for one in query.split()))
        for address in addresses:
            if not address.startswith(("http://", "https://")):
                raise SourceProtocolError(
                    f"the query of feeds is one or more of their addresses, actual {query[:100]!r}"
                )
        return addresses

    def _alone(self, key: str) -> threading.Lock:
        """Return what whoever reads a feed holds: one asks for all."""
        with self._lock:
            return self._in_use[key]

    def _current(self, key: str, address: str, *, fresh: float) -> _Read:
        """Return a feed, asked for anew when it was read longer ago than that. The caller is alone with it."""
        known = self._read.get(key)
        if known is not None and self._around.clock.monotonic() - known.at <= fresh:
            return known
        received = self._asked(key, address)
        if known is not None and known.received.body == received.body:
            feed = known.feed
        else:
            feed = parse_feed(received.body, url=shown(address))
        found = _Read(self._around.clock.monotonic(), feed, received)
        with self._lock:
            self._read[key] = found
            self._read.move_to_end(key)
            while len(self._read) > MOST_FEEDS:
                self._read.popitem(last=False)
        return found

    def _asked(self, key: str, address: str) -> Received:
        note = self._remembered(key)
        kept = self._recalled(f"{key}.xml") if note.get("url") == address else None
        is_whole = kept is not None and digest_of(kept).value == note.get("sha256")
        headers = {"Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"}
        if is_whole:
            fields = {"If-None-Match": note.get("etag", ""), "If-Modified-Since": note.get("modified", "")}
            headers |= {name: value for name, value in fields.items() if value}
        answer = self._client.get(address, headers=headers, also=(304,), limit=LONGEST_FEED)
        now = self._around.clock.now()
        if answer.status == 304:
            if kept is None or not is_whole:
                raise SourceProtocolError(f"{shown(address)}: not modified, and nobody asked whether it was")
            log.info("%s: not modified", shown(address))
            return Received(kept, answer.url, now)
        self._remember(
            key, address, answer.body, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        )
        return Received(answer.body, answer.url, now)

    def _remember(self, key: str, address: str, body: bytes, etag: str, modified: str) -> None:
        """Write down a feed's state; the body first, so that a note never speaks of one that is not there."""
        notebook = self._around.notebook
        if notebook is None:
            return
        is_plain = etag.isprintable() and modified.isprintable() and len(etag) + len(modified) < 2048
        note = {
            "url": address,
            "sha256": digest_of(body).value,
            "etag": etag if is_plain else "",
            "modified": modified if is_plain else "",
        }
        notebook.keep(f"{key}.xml", body)
        notebook.keep(f"{key}.json", json.dumps(note, sort_keys=True).encode())

    def _remembered(self, key: str) -> dict[str, str]:
        try:
            note = json.loads(self._recalled(f"{key}.json") or b"{}")
        except ValueError:
            return {}
        return {name: value for name, value in note.items() if isinstance(value, str)} if isinstance(note, dict) else {}

    def _recalled(self, name: str) -> bytes | None:
        return self._around.notebook.recall(name) if self._around.notebook is not None else None


def feed_key(address: str) -> str:
    """Return what stands for a feed in identifiers: its host, for people, and eight digits of its address's SHA-256."""
    host = re.sub(r"[^a-z0-9]+", "-", (urlsplit(address).hostname or "").lower()).strip("-")[:60] or "feed"
    return f"{host}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"


def _described(item: ItemId, entry: Entry, key: str, read: _Read) -> SourceItem:
    received = read.received
    return SourceItem(
        id=item,
        title=entry.title,
        creators=entry.creators,
        url=entry.link or received.url,
        declarations=entry.declarations,
        files=tuple(_files(entry, key)),
        answers=(
            SourceAnswer("entry.xml", entry.kept, digest_of(received.body), received.url, received.at, entry.redacted),
        ),
        updated=" ".join(filter(None, (entry.published, *(one.url.partition("?")[0] for one in entry.enclosures)))),
        mediatype="audio",
        collections=(read.feed.title,) if read.feed.title else (),
        date=entry.published,
    )


def _files(entry: Entry, key: str) -> Iterator[DeclaredFile]:
    names: set[str] = set()
    for number, enclosure in enumerate(entry.enclosures, 1):
        name = file_name(enclosure, key)
        name = name if name not in names else f"{number}-{name}"
        names.add(name)
        facts = {
            "url": enclosure.url,
            "mtime": entry.published,
            # The length is often nought, wrong or missing: it can tell that something changed, and is no size.
            "revision": f"{enclosure.url.partition('?')[0]} {enclosure.length}",
            "title": entry.title if len(entry.enclosures) == 1 else "",
        }
        yield DeclaredFile(
            name=name,
            role=FileRole.ORIGINAL,
            format=enclosure.type,
            facts=tuple((label, value) for label, value in facts.items() if value),
        )


@dataclass(frozen=True)
class FeedsOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> Feeds:
        """Open the source; nothing is asked of it yet."""
        return Feeds(surroundings)


OFFER = FeedsOffer()
