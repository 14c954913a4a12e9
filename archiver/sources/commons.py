"""Wikimedia Commons as a source: audio files by category, search, title or date of upload.

Its rules are in `docs/sources.md`: who asks must say so, requests come one after another and stop while the servers lag
behind (``maxlag``), and no more than two files are downloaded at once.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from archiver.core.errors import ItemNotFoundError, SourceProtocolError
from archiver.core.items import ItemId
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.commons_wire import (
    IMAGEINFO,
    MOST_PARTS,
    audio_pages,
    is_page_number,
    mark_of,
    merge,
    parse_page,
    parse_part,
    parse_query,
    titles_of,
)
from archiver.sources.loose_json import Received, text
from archiver.sources.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, SourceItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery

HOME = "https://commons.wikimedia.org"
FILES = ("upload.wikimedia.org",)
API = "/w/api.php"
TITLES_AT_ONCE = 50
"""Titles in one request; the API takes no more."""
CAPABILITIES = Capabilities(
    "Wikimedia Commons", digests=("sha1",), incremental=True, marks=True, requests_per_second=1, downloads=2
)

_ALWAYS = {"action": "query", "format": "json", "prop": "imageinfo", "maxlag": "5"}


@dataclass(frozen=True)
class Commons:
    """Wikimedia Commons; see `archiver.ports.sources.Source`. Items are named by the number of their page."""

    service: Service

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.service.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield audio files, batch by batch; see the port. The cursor is what the API calls ``continue``."""
        titles = titles_of(selection.query)
        if selection.items:
            yield CandidatePage(self._items(dict.fromkeys(selection.items)), "", len(selection.items))
        elif titles:
            yield from self._titled(titles)
        else:
            yield from self._queried(selection, cursor)

    def _titled(self, titles: tuple[str, ...]) -> Iterator[CandidatePage]:
        seen: set[str] = set()
        for start in range(0, len(titles), TITLES_AT_ONCE):
            asked = {"titles": "|".join(titles[start : start + TITLES_AT_ONCE]), "iiprop": IMAGEINFO}
            pages, _, _ = self._batch(asked, {}, what="the titles of a selection")
            new = [number for number in audio_pages(pages) if number not in seen]
            seen.update(new)
            yield CandidatePage(self._items(new), "", len(titles), _marks(pages, new))

    def _queried(self, selection: Selection, cursor: str) -> Iterator[CandidatePage]:
        query = selection.query
        params = {**parse_query(query), **_newer(query, selection.since), "iiprop": IMAGEINFO}
        following = _parsed_cursor(cursor)
        seen: set[str] = set()
        while True:
            pages, after, _ = self._batch(params, following, what=f"the query {query!r}")
            new = [number for number in audio_pages(pages) if number not in seen]
            seen.update(new)
            cursor = json.dumps(after, sort_keys=True) if after else ""
            yield CandidatePage(self._items(new), cursor, None, _marks(pages, new))
            if not after:
                return
            if after == following:
                raise SourceProtocolError(f"the query {query!r} goes round in circles after {len(seen)} items")
            following = after

    def describe(self, item: ItemId) -> SourceItem:
        """Read what Wikimedia Commons says of a file now; see the port."""
        if not is_page_number(item.name):
            raise ItemNotFoundError(f"{item}: a file at Wikimedia Commons is named by the number of its page")
        pages, _, received = self._batch({"pageids": item.name, "iiprop": IMAGEINFO}, {}, what=str(item))
        whole = Received(b"".join(one.body for one in received), received[0].url, received[0].at)
        return parse_page(item, pages.get(item.name), whole)

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file; see the port."""
        with self.service.open(admitted.item.id, file, offset=offset, validator=validator) as delivery:
            yield delivery

    def close(self) -> None:
        """Close every connection."""
        self.service.close()

    def _batch(
        self, params: dict[str, str], following: dict[str, str], *, what: str
    ) -> tuple[dict[str, dict[str, Any]], dict[str, str], list[Received]]:
        """Ask until a batch is complete: what is said of one page is spread over several answers.

        Returns:
            The pages, what continues behind the batch, and every answer.
        """
        pages: dict[str, dict[str, Any]] = {}
        received: list[Received] = []

        def parse(one: Received) -> tuple[dict[str, Any], dict[str, str]]:
            found = parse_part(one.body, what=what)
            received.append(one)
            return found

        for _ in range(MOST_PARTS):
            asked = {**_ALWAYS, **params, **(following or {"continue": ""})}
            answer, after = self.service.ask(API, parse, params=asked, what=what)
            merge(pages, answer)
            if not after or "batchcomplete" in answer:
                return pages, after, received
            if after == following:
                raise SourceProtocolError(f"{what}: the answer goes round in circles")
            following = after
        raise SourceProtocolError(f"{what}: one batch is spread over more than {MOST_PARTS} answers")

    def _items(self, names: Iterable[str]) -> tuple[ItemId, ...]:
        return tuple(ItemId(self.name, name) for name in names)


def _newer(query: str, since: datetime | None) -> dict[str, str]:
    """Return the parameters that ask only for what is new since a time; a search has none."""
    params = parse_query(query)
    if since is None:
        return {}
    start = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if params["generator"] == "categorymembers":
        return {"gcmsort": "timestamp", "gcmdir": "newer", "gcmstart": start}
    # A time of the selection's own may be written in several ways; one that is later is left as it is.
    return {"gaistart": max(params["gaistart"], start)} if params["generator"] == "allimages" else {}


def _marks(pages: Mapping[str, Mapping[str, Any]], numbers: Sequence[str]) -> tuple[str, ...]:
    by_number = {text(page.get("pageid")): page for page in pages.values()}
    return tuple(mark_of(by_number[number]) for number in numbers)


def _parsed_cursor(cursor: str) -> dict[str, str]:
    if not cursor:
        return {}
    try:
        following = json.loads(cursor)
        return {str(key): text(value) for key, value in following.items()}
    except (ValueError, AttributeError) as error:
        raise SourceProtocolError(f"no cursor of Wikimedia Commons: {cursor[:100]!r}") from error


@dataclass(frozen=True)
class CommonsOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> Commons:
        """Open the source; nothing is asked of it yet."""
        return Commons(Service(surroundings, home=HOME, hosts=FILES))


OFFER = CommonsOffer()
