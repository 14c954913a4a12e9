"""The Internet Archive as a source.

What its services are known to do wrong, and the rule each of them made, stands in `docs/sources.md`.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from archiver.core.errors import (
    FileRefusedError,
    ItemNotFoundError,
    SettingsError,
    SourceProtocolError,
    SourceUnavailableError,
)
from archiver.core.items import ItemId
from archiver.ports.sources import CandidatePage
from archiver.sources.http_answers import is_private
from archiver.sources.ia_metadata import parse_item, refuse_identifier
from archiver.sources.ia_preferences import HostPreferences
from archiver.sources.ia_wire import Wire
from archiver.sources.loose_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, SourceItem
    from archiver.core.patience import Patience
    from archiver.core.preferences import Stated
    from archiver.core.selections import Selection
    from archiver.ports.clock import Clock
    from archiver.ports.hosts import HostTimes, Slots
    from archiver.ports.sources import Delivery
    from archiver.sources.ia_wire import Manners

T = TypeVar("T")

log = logging.getLogger(__name__)

PAGE = 1000
"""Identifiers on the first page of a search; the service takes 100 to 10,000."""
CHANGED = ("oai_updatedate", "item_last_updated")
"""Fields of a search answer that change when the item does: the first is a list of times, the last of them the newest."""
DRIFT = 0.01
"""How much of what a search announces may be missing from what it delivers, as a share."""


class InternetArchive:
    """The Internet Archive; see `archiver.ports.sources.Source`. Safe for threads; cheap until first used.

    Args:
        name: As in item identifiers.
        manners: Where, as whom and how fast; a public endpoint is not contacted without a contact.
        patience: How often metadata and search are tried.
        clock: For waiting.
        times: When hosts may be asked next; None for this source alone.
        slots: How many bodies are open at once; None for this source alone.

    Raises:
        SettingsError: The endpoint is public and there is no contact.
    """

    def __init__(
        self,
        name: str,
        manners: Manners,
        *,
        patience: Patience,
        clock: Clock,
        times: HostTimes | None = None,
        slots: Slots | None = None,
    ) -> None:
        if not manners.contact and not is_private(urlsplit(manners.endpoint).hostname or ""):
            raise SettingsError(
                f"{manners.endpoint} is not contacted without a way to reach you: [archive] contact is empty",
                next_command='export ARCHIVER_ARCHIVE__CONTACT="mailto:you@example.org"   # or set it in archiver.toml',
            )
        self._name = name
        self._patience = patience
        self._clock = clock
        self._wire = Wire(manners, clock=clock, times=times, slots=slots)
        self._preferences = HostPreferences(self._wire, clock=clock)
        self._wire.listen(self._preferences.heard)

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self._name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield the candidates of a selection, page by page; see the port.

        Every identifier met is remembered for the length of the enumeration, about 100 bytes each: the service has
        repeated pages and answered with other queries' items.
        """
        if selection.items:
            items = tuple(dict.fromkeys(ItemId(self._name, item) for item in selection.items))
            yield CandidatePage(items, "", len(items))
            return
        query = _since(selection.query, selection.since)
        seen: set[str] = set()
        delivered, announced = 0, None
        starts_anew = not cursor
        while True:
            found, following, total = self._page(query, cursor)
            announced = total if announced is None else announced
            new = {identifier: mark for identifier, mark in found if identifier not in seen}
            delivered += len(new)
            if found and not new:
                raise SourceProtocolError(
                    f"the search {selection.query!r} repeats a page it has already given, after {delivered} items"
                )
            seen.update(new)
            items = tuple(ItemId(self._name, identifier) for identifier in new)
            yield CandidatePage(items, following, announced, tuple(new.values()))
            if not following:
                break
            if not found or following == cursor:
                raise SourceProtocolError(
                    f"the search {selection.query!r} goes round in circles after {delivered} items"
                )
            cursor = following
        if starts_anew:
            _compare_total(selection.query, announced, delivered)

    def describe(self, item: ItemId) -> SourceItem:
        """Read what the Internet Archive says of an item now; see the port."""
        refuse_identifier(item)
        path = f"/metadata/{quote(item.name, safe='')}"

        def ask() -> SourceItem:
            try:
                received = self._wire.fetch(path)
            except FileRefusedError as error:
                raise ItemNotFoundError(f"{item}: the source refuses its metadata: {error.message}") from error
            return parse_item(
                item, received, endpoint=self._wire.endpoint, url=self._wire.endpoint + path, at=self._clock.now()
            )

        return self._patiently(ask, what=str(item))

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file of an admitted item; see the port.

        The request goes to ``/download/`` each time: items move, and another node may answer better.
        """
        item = admitted.item.id
        refuse_identifier(item)
        path = f"/download/{quote(item.name, safe='')}/{quote(file.name, errors='surrogatepass')}"
        with self._wire.open(path, offset=offset, validator=validator, size=file.size) as delivery:
            yield delivery

    def stated(self, item: ItemId) -> Stated:
        """Return what the host states about an item; see `archiver.ports.preferences.PreferenceSource`."""
        return self._preferences.stated(item)

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def _page(self, query: str, cursor: str) -> tuple[list[tuple[str, str]], str, int | None]:
        """Ask for one page of a search: identifiers with their marks, the next cursor or empty, and the total or None."""
        params = {"q": query, "fields": ",".join(("identifier", *CHANGED))}
        # With `count` beside it the service has ignored the cursor and begun again from the first page.
        params |= {"cursor": cursor} if cursor else {"count": str(PAGE)}

        def ask() -> tuple[list[tuple[str, str]], str, int | None]:
            answer = parse_object(
                self._wire.fetch("/services/search/v1/scrape", params=params), what=f"the search {query!r}"
            )
            if answer.get("error"):
                raise SourceUnavailableError(f"the search {query!r} failed: {str(answer['error'])[:300]}")
            items = answer.get("items")
            if not isinstance(items, list):
                raise SourceProtocolError(f"the search {query!r} answered without a list of items")
            found = [(item.get("identifier"), _mark(item)) for item in items if isinstance(item, dict)]
            following, total = answer.get("cursor"), answer.get("total")
            return (
                [(name, mark) for name, mark in found if isinstance(name, str) and name],
                following if isinstance(following, str) else "",
                total if isinstance(total, int) and not isinstance(total, bool) else None,
            )

        return self._patiently(ask, what=query)

    def _patiently(self, ask: Callable[[], T], *, what: str) -> T:
        next_try = 1
        while True:
            try:
                return ask()
            except SourceUnavailableError as error:
                next_try += 1
                wait = self._patience.wait_before(next_try, retry_after=error.retry_after, what=what)
                if wait is None:
                    raise
                log.info("%s; trying again in %.0f seconds", error.message, wait)
            self._clock.wait(wait)


def _mark(found: dict[str, Any]) -> str:
    """Return what a search answer says of an item's state, or nothing where it does not say."""
    stated = {key: found[key] for key in CHANGED if found.get(key)}
    return json.dumps(stated, sort_keys=True) if stated else ""


def _since(query: str, since: datetime | None) -> str:
    """Return a query for what was added or changed since a time."""
    if since is None:
        return query
    return f"({query}) AND oai_updatedate:[{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} TO 9999-12-31T23:59:59Z]"


def _compare_total(query: str, announced: int | None, delivered: int) -> None:
    """Notice a search that hands out less than it promised; small drift is common and only said."""
    if announced is None or announced == delivered:
        return
    message = f"the search {query!r} announced {announced} items and delivered {delivered}"
    if abs(announced - delivered) > max(1, announced * DRIFT):
        raise SourceProtocolError(message)
    log.warning("%s", message)
