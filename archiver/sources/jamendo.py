"""Jamendo as a source: tracks by the parameters of its list, with the operator's own client id.

The id is a secret: it is sent to the API alone, and what the service makes of it (``from=``) is kept nowhere. Files are
downloaded without it. Only what the musician lets people download is taken; a preview is not.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.errors import ItemNotFoundError, SettingsError, SourceProtocolError
from archiver.core.items import ItemId
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.jamendo_wire import (
    FORMATS,
    is_track_number,
    mark_of,
    parse_query,
    parse_results,
    parse_track,
    track_number,
)
from archiver.sources.service import Service
from archiver.sources.web.client import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, SourceItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery
    from archiver.sources.loose_json import Received

HOME = "https://api.jamendo.com"
API = "/v3.0/tracks/"
PAGE = 200
CLIENT_ID = "client_id"
"""The option that the fuse box fills from the environment; it never stands in a file."""
CAPABILITIES = Capabilities("Jamendo", incremental=True, marks=True, requests_per_second=1, downloads=2)


@dataclass(frozen=True)
class Jamendo:
    """Jamendo; see `archiver.ports.sources.Source`. Items are named by the number of their track."""

    service: Service
    secret: Secret
    format_: str

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.service.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield tracks by their numbers; see the port. The cursor is the number of tracks that were answered."""
        if selection.items:
            items = tuple(ItemId(self.name, name) for name in dict.fromkeys(selection.items))
            yield CandidatePage(items, "", len(items))
            return
        params = {**parse_query(selection.query), "order": "id", "fullcount": "true", **self._formats}
        if selection.since is not None:
            days = f"{selection.since:%Y-%m-%d}_{self.service.around.clock.now():%Y-%m-%d}"
            params.setdefault("datebetween", days)
        what = f"the query {selection.query!r}"
        offset = _parsed_cursor(cursor)
        seen: set[str] = set()
        while True:
            page = {**params, "limit": str(PAGE), "offset": str(offset)}
            found, total, _ = self._tracks(page, what=what)
            marks = {number: mark_of(track) for track in found if (number := track_number(track))}
            new = [number for number in marks if number not in seen]
            if found and not new:
                raise SourceProtocolError(f"{what} repeats what it has already given, after {len(seen)} items")
            seen.update(new)
            offset += len(found)
            items = tuple(ItemId(self.name, number) for number in new)
            yield CandidatePage(items, str(offset) if found else "", total, tuple(marks[number] for number in new))
            if not found:
                return

    def describe(self, item: ItemId) -> SourceItem:
        """Read what Jamendo says of a track now; see the port."""
        if not is_track_number(item.name):
            raise ItemNotFoundError(f"{item}: a track at Jamendo is named by its number")
        params = {"id": item.name, "include": "licenses musicinfo", **self._formats}
        found, _, received = self._tracks(params, what=str(item))
        return parse_track(item, found, received, format_=self.format_, secret=self._client_id)

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

    @property
    def _formats(self) -> dict[str, str]:
        return {"audioformat": self.format_, "audiodlformat": self.format_}

    @property
    def _client_id(self) -> str:
        return self.secret.params[CLIENT_ID]

    def _tracks(self, params: dict[str, str], *, what: str) -> tuple[list[dict[str, Any]], int | None, Received]:
        def parse(received: Received) -> tuple[list[dict[str, Any]], int | None, Received]:
            return *parse_results(received.body, what=what, secret=self._client_id), received

        return self.service.ask(API, parse, params={"format": "json", **params}, what=what, secret=self.secret)


def _parsed_cursor(cursor: str) -> int:
    if cursor and not re.fullmatch(r"[0-9]{1,9}", cursor):
        raise SourceProtocolError(f"no cursor of Jamendo: {cursor[:100]!r}")
    return int(cursor or 0)


@dataclass(frozen=True)
class JamendoOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> Jamendo:
        """Open the source; nothing is asked of it yet."""
        options, name = surroundings.options, surroundings.name
        format_ = options.get("format", "mp32")
        if format_ not in FORMATS:
            raise SettingsError(
                f"sources.{name}.options.format: expected one of {', '.join(FORMATS)}, actual {format_[:100]!r}",
                next_command='"$EDITOR" archiver.toml',
            )
        client_id = options.get(CLIENT_ID, "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{6,64}", client_id):
            raise SettingsError(
                f"sources.{name}: Jamendo answers nobody without a client id of their own, and the environment gives none",
                next_command='export JAMENDO_CLIENT_ID="…"   # your own, from devportal.jamendo.com',
            )
        service = Service(surroundings, home=HOME, hosts=("*.jamendo.com",))
        return Jamendo(service, Secret(service.endpoint, params={CLIENT_ID: client_id}), format_)


OFFER = JamendoOffer()
