"""ccMixter as a source: uploads by the parameters of its query API.

A small server of an old make: one request a second, one file at a time, and no file without a ``Referer``.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from archiver.core.errors import ItemNotFoundError, SourceProtocolError
from archiver.core.items import ItemId
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.ccmixter_wire import is_upload_number, mark_of, parse_upload, parse_uploads, upload_number
from archiver.sources.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, SourceItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery
    from archiver.sources.loose_json import Received

HOME = "https://ccmixter.org"
API = "/api/query"
PAGE = 200
"""Uploads asked for at once; the server hands out as many as it likes."""
CAPABILITIES = Capabilities(
    "ccMixter", digests=("sha1",), incremental=True, marks=True, requests_per_second=1, downloads=1
)

_OWN = {"f", "limit", "offset", "sort", "ord", "ids", "dataview"}


@dataclass(frozen=True)
class CcMixter:
    """ccMixter; see `archiver.ports.sources.Source`. Items are named by the number of their upload."""

    service: Service

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.service.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield uploads, oldest first; see the port. The cursor is the number of uploads that were answered."""
        if selection.items:
            items = tuple(ItemId(self.name, name) for name in dict.fromkeys(selection.items))
            yield CandidatePage(items, "", len(items))
            return
        params = parse_query(selection.query)
        if selection.since is not None:
            params.setdefault("sinced", f"{selection.since:%Y-%m-%d}")
        what = f"the query {selection.query!r}"
        offset = _parsed_cursor(cursor)
        seen: set[str] = set()
        while True:
            found = self._uploads({**params, "limit": str(PAGE), "offset": str(offset)}, what=what)[0]
            marks = {number: mark_of(upload) for upload in found if (number := upload_number(upload))}
            new = [number for number in marks if number not in seen]
            if found and not new:
                raise SourceProtocolError(f"{what} repeats what it has already given, after {len(seen)} items")
            seen.update(new)
            # The server may hand out fewer than asked for: what counts is how many came, and only none is the end.
            offset += len(found)
            items = tuple(ItemId(self.name, number) for number in new)
            yield CandidatePage(items, str(offset) if found else "", None, tuple(marks[number] for number in new))
            if not found:
                return

    def describe(self, item: ItemId) -> SourceItem:
        """Read what ccMixter says of an upload now; see the port."""
        if not is_upload_number(item.name):
            raise ItemNotFoundError(f"{item}: an upload at ccMixter is named by its number")
        uploads, received = self._uploads({"ids": item.name}, what=str(item))
        return parse_upload(item, uploads, received)

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file; see the port."""
        # The server answers 403 to whoever does not come from its pages; a mirror or double of it knows no others.
        headers = {"Referer": f"{HOME}/"}
        with self.service.open(admitted.item.id, file, offset=offset, validator=validator, headers=headers) as delivery:
            yield delivery

    def close(self) -> None:
        """Close every connection."""
        self.service.close()

    def _uploads(self, params: dict[str, str], *, what: str) -> tuple[list[dict[str, Any]], Received]:
        def parse(received: Received) -> tuple[list[dict[str, Any]], Received]:
            return parse_uploads(received.body, what=what), received

        return self.service.ask(API, parse, params={"f": "json", **params}, what=what)


def parse_query(query: str) -> dict[str, str]:
    """Turn the query of a selection, ``name=value`` joined by ``&``, into parameters of the API.

    Raises:
        SourceProtocolError: It is none, or sets what the program itself sets.
    """
    order = {"sort": "date", "ord": "ASC"}
    if query.strip() == "*":
        return order
    pairs = parse_qsl(query, keep_blank_values=True)
    wrong = next((name for name, _ in pairs if name in _OWN or not re.fullmatch(r"[a-z_]{1,40}", name)), None)
    if not pairs or wrong is not None or len(dict(pairs)) != len(pairs):
        raise SourceProtocolError(
            'a query of ccMixter is "*" or parameters of its query API, such as "tags=ambient&lic=by&sinced=2026-01-01", '
            f"actual {query[:100]!r}"
        )
    return {**order, **dict(pairs)}


def _parsed_cursor(cursor: str) -> int:
    if cursor and not re.fullmatch(r"[0-9]{1,9}", cursor):
        raise SourceProtocolError(f"no cursor of ccMixter: {cursor[:100]!r}")
    return int(cursor or 0)


@dataclass(frozen=True)
class CcMixterOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> CcMixter:
        """Open the source; nothing is asked of it yet."""
        return CcMixter(Service(surroundings, home=HOME, hosts=("*.ccmixter.org",), one_connection=True))


OFFER = CcMixterOffer()
