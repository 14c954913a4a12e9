"""What sources have in common that are one service with an address: asking it, and opening files by their addresses."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

from archiver.core.errors import FileRefusedError, SourceProtocolError, SourceUnavailableError
from archiver.sources.http_answers import retry_after
from archiver.sources.loose_json import Received
from archiver.sources.pacing import Slots
from archiver.sources.web.client import client_for
from archiver.sources.web.reach import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from archiver.core.items import DeclaredFile, ItemId
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery
    from archiver.sources.web.bodies import Answer
    from archiver.sources.web.client import Secret

T = TypeVar("T")

log = logging.getLogger(__name__)


class Service:
    """One service; safe for threads; cheap until first asked.

    Its interface is asked one thing after another, however many threads there are: services ask for that, and a small
    one has nothing else to give.

    Args:
        around: The source's surroundings.
        home: Where the service is unless the settings say otherwise, without a final slash.
        hosts: Names below which its files lie.
        one_connection: Whether nothing is asked either while one of its files comes in.
    """

    def __init__(
        self, around: Surroundings, *, home: str, hosts: tuple[str, ...], one_connection: bool = False
    ) -> None:
        self.around = around
        self.endpoint = around.endpoint or home
        self._home = home
        self._hosts = hosts
        self.client = client_for(around, hosts=(host_of(home), *hosts))
        self._asking = Slots(1, around.clock)
        self._reading = self._asking if one_connection else None

    def ask(
        self,
        path: str,
        parse: Callable[[Received], T],
        *,
        params: Mapping[str, str],
        what: str,
        secret: Secret | None = None,
        also: Collection[int] = (),
    ) -> T:
        """Ask for metadata and read the answer; wait and ask again where the answer itself says so.

        Services answer with status 200 that they are busy: that is only known once the answer was read.

        Args:
            path: Below the endpoint.
            parse: Reads the answer; raises `SourceUnavailableError` where asking again can help.
            params: Of the query.
            what: For messages.
            secret: For the endpoint alone.
            also: Statuses that are answers and no faults.

        Raises:
            SourceUnavailableError: No answer in the end.
            SourceProtocolError: See ``parse``.
        """
        url = self.endpoint + path
        next_try = 1
        while True:
            with self._asking.taken():
                answer = self.client.get(url, params=params, secret=secret, also=also)
            try:
                return parse(Received(answer.body, answer.url, self.around.clock.now()))
            except SourceUnavailableError as error:
                seconds = self._wait(answer, error)
                next_try += 1
                wait = self.around.patience.wait_before(next_try, retry_after=seconds, what=what)
                if wait is None:
                    raise
                log.info("%s; trying again in %.0f seconds", error.message, wait)
            self.around.clock.wait(wait)

    def _wait(self, answer: Answer, error: SourceUnavailableError) -> float | None:
        """Return how long the service asks us to wait; where it speaks of all requests, everybody waits."""
        stated = retry_after(answer.headers, now=self.around.clock.now())
        seconds = stated if stated is not None else error.retry_after
        if error.whole_host and seconds and self.around.times is not None:
            self.around.times.hold(urlsplit(self.endpoint).netloc.lower(), seconds=seconds)
        return seconds

    @contextmanager
    def open(
        self,
        item: ItemId,
        file: DeclaredFile,
        *,
        offset: int,
        validator: str,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Delivery]:
        """Open a file at the address that its ``url`` fact states.

        Raises:
            FileRefusedError: It has none, or the source refuses it.
            SourceUnavailableError: Try again later.
            SourceProtocolError: The address may not be asked.
        """
        address = dict(file.facts).get("url", "")
        if not address:
            raise FileRefusedError(f"{item}: {file.name[:200]!r}: the source gives no address to download it from")
        opened = self.client.open(
            self.placed(address), offset=offset, validator=validator, size=file.size, headers=headers
        )
        with self._reading.taken() if self._reading else nullcontext(), opened as delivery:
            yield delivery

    def placed(self, address: str) -> str:
        """Return where an address of the service is asked for: at the endpoint, where the settings name another one.

        A mirror or a double answers with the addresses of the service that it stands for.

        Raises:
            SourceProtocolError: It cannot be read.
        """
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError as error:
            raise SourceProtocolError(f"not an address: {address[:200]!r}") from error
        if self.endpoint == self._home or not self._is_own(host):
            return address
        there = urlsplit(self.endpoint)
        return urlunsplit((there.scheme, there.netloc, there.path + parts.path, parts.query, ""))

    def _is_own(self, host: str) -> bool:
        names = (host_of(self._home), *self._hosts)
        return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in names)

    def close(self) -> None:
        """Close every connection."""
        self.client.close()
