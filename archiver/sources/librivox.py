"""LibriVox as an index to the Internet Archive, where all its recordings lie.

LibriVox says which books there are; everything else, above all the licence, is what the Internet Archive says of the item.
Items are therefore named as the Internet Archive names them.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from archiver.core.errors import SourceProtocolError
from archiver.core.items import ItemId
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.ia_metadata import is_identifier
from archiver.sources.loose_json import evidence, first, parse_object, texts
from archiver.sources.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, SourceAnswer, SourceItem
    from archiver.core.preferences import Stated
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery
    from archiver.sources.internet_archive import InternetArchive
    from archiver.sources.loose_json import Received

log = logging.getLogger(__name__)

HOME = "https://librivox.org"
API = "/api/feed/audiobooks/"
PAGE = 50
MOST_BOOKS = 2000
"""Records of the index that are remembered for the items to be described next, about 2 KB each."""
CAPABILITIES = Capabilities(
    "LibriVox, as an index to the Internet Archive", digests=("sha1", "md5"), incremental=True, requests_per_second=1
)

_ITEM = re.compile(r"https?://[^/\s]+/(?:details|download|compress)/([A-Za-z0-9._-]{1,255})(?:[/?#].*)?", re.IGNORECASE)
_PARAMETERS = {"since", "author", "title", "genre", "id"}
_NO_EVIDENCE = {"sections", "description", "translators"}


class LibriVox:
    """LibriVox; see `archiver.ports.sources.Source`.

    Args:
        around: What the settings say of the index.
        archive: Opened with what they say of the Internet Archive; closed with this.
    """

    def __init__(self, around: Surroundings, archive: InternetArchive) -> None:
        self._service = Service(around, home=HOME, hosts=())
        self._archive = archive
        self._lock = threading.Lock()
        self._books: OrderedDict[str, SourceAnswer] = OrderedDict()

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self._service.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield the items of the Internet Archive that the index names; the cursor is how many books were answered."""
        if selection.items:
            items = tuple(ItemId(self.name, name) for name in dict.fromkeys(selection.items))
            yield CandidatePage(items, "", len(items))
            return
        params = {**parse_query(selection.query), "format": "json", "extended": "1", "limit": str(PAGE)}
        if selection.since is not None:
            since = int(selection.since.timestamp())
            params["since"] = str(max(since, int(params.get("since", "0"))))
        what = f"the query {selection.query!r}"
        offset = _parsed_cursor(cursor)
        numbers: set[str] = set()
        seen: set[str] = set()
        while True:
            books = self._page({**params, "offset": str(offset)}, what=what)
            fresh = {number for book, _ in books if (number := first(book.get("id")))} - numbers
            if books and not fresh:
                raise SourceProtocolError(f"{what} repeats what it has already given, after {len(numbers)} books")
            numbers |= fresh
            offset += len(books)
            new = [name for name in dict.fromkeys(self._noted(books)) if name not in seen]
            seen.update(new)
            yield CandidatePage(tuple(ItemId(self.name, name) for name in new), str(offset) if books else "", None)
            if not books:
                return

    def describe(self, item: ItemId) -> SourceItem:
        """Read what the Internet Archive says of the item now; see the port. The index's record is kept beside it."""
        described = self._archive.describe(item)
        with self._lock:
            book = self._books.get(item.name)
        return replace(described, answers=(*described.answers, book)) if book is not None else described

    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> AbstractContextManager[Delivery]:
        """Open a file at the Internet Archive; see the port."""
        return self._archive.read(admitted, file, offset=offset, validator=validator)

    def stated(self, item: ItemId) -> Stated:
        """Return what the host of the files states; see `archiver.ports.preferences.PreferenceSource`."""
        return self._archive.stated(item)

    def close(self) -> None:
        """Close every connection."""
        self._service.close()
        self._archive.close()

    def _page(self, params: Mapping[str, str], *, what: str) -> list[tuple[dict[str, Any], Received]]:
        def parse(received: Received) -> list[tuple[dict[str, Any], Received]]:
            return [(book, received) for book in parse_books(received.body, what=what)]

        # "None found" has status 404: that is the end of the index, and of every query that finds nothing.
        return self._service.ask(API, parse, params=params, what=what, also=(404,))

    def _noted(self, books: list[tuple[dict[str, Any], Received]]) -> Iterator[str]:
        for book, received in books:
            name = identifier_of(book)
            if not name:
                log.info("LibriVox book %s has no item at the Internet Archive", first(book.get("id"))[:20])
                continue
            kept = {key: value for key, value in book.items() if key not in _NO_EVIDENCE}
            with self._lock:
                self._books[name] = evidence("librivox.json", kept, received)
                while len(self._books) > MOST_BOOKS:
                    self._books.popitem(last=False)
            yield name


def parse_books(received: bytes, *, what: str) -> list[dict[str, Any]]:
    """Read a list of books; empty where the service says that there is none.

    Raises:
        SourceProtocolError: The answer is neither.
    """
    answer = parse_object(received, what=what)
    books = answer.get("books")
    if isinstance(books, list) and all(isinstance(book, dict) for book in books):
        return books
    if "could not be found" in first(answer.get("error")):
        return []
    raise SourceProtocolError(f"{what}: the answer has no list of books: {first(answer.get('error'))[:200]!r}")


def identifier_of(book: Mapping[str, Any]) -> str:
    """Return the item of a book at the Internet Archive: by its page, else by its archive, else by its chapters; or nothing."""
    sections = book.get("sections")
    chapters = (
        [section.get("listen_url") for section in sections if isinstance(section, dict)]
        if isinstance(sections, list)
        else []
    )
    for address in (*texts(book.get("url_iarchive")), *texts(book.get("url_zip_file")), *texts(chapters)):
        match = _ITEM.fullmatch(address.strip())
        if match and is_identifier(match[1]):
            return match[1]
    return ""


def parse_query(query: str) -> dict[str, str]:
    """Turn the query of a selection into parameters of the API; a date in ``since`` becomes the seconds it wants.

    Raises:
        SourceProtocolError: It is none.
    """
    if query.strip() == "*":
        return {}
    pairs = parse_qsl(query, keep_blank_values=True)
    params = dict(pairs)
    if not pairs or len(params) != len(pairs) or not set(params) <= _PARAMETERS:
        raise SourceProtocolError(
            f'a query of LibriVox is "*" or some of {", ".join(sorted(_PARAMETERS))}, such as "author=Austen&since=2026-01-01", '
            f"actual {query[:100]!r}"
        )
    since = params.get("since", "")
    if since and not re.fullmatch(r"[0-9]{1,12}", since):
        try:
            params["since"] = str(int(datetime.fromisoformat(since).replace(tzinfo=UTC).timestamp()))
        except ValueError as error:
            raise SourceProtocolError(f"since: expected a date, actual {since[:100]!r}") from error
    return params


def _parsed_cursor(cursor: str) -> int:
    if cursor and not re.fullmatch(r"[0-9]{1,9}", cursor):
        raise SourceProtocolError(f"no cursor of LibriVox: {cursor[:100]!r}")
    return int(cursor or 0)
