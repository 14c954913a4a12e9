"""One polite client for every source that speaks HTTP.

It asks each host no faster than allowed, together with every other thread and process of the archive; leaves a host alone
for as long as it asks, also in later runs; says who asks; follows redirects by hand, within its reach; sends a secret to
the one origin it is for; and takes no more bytes and no more time than an answer may cost. Every fault becomes one of the
errors in `archiver.core.errors`.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from archiver.core.errors import ArchiverError, SettingsError, SourceProtocolError, SourceUnavailableError
from archiver.core.patience import Patience
from archiver.ports.sources import Delivery
from archiver.sources.http_answers import error_for, is_loopback, place_of, shown, validator_of
from archiver.sources.pacing import MemoryHostTimes, Slots
from archiver.sources.web.bodies import Answer, unpacked
from archiver.sources.web.reach import Reach, host_of, origin_of
from archiver.sources.web.robots import Robots

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from urllib3 import HTTPResponse

    from archiver.ports import hosts as ports
    from archiver.ports.clock import Clock
    from archiver.ports.hosts import HostTimes
    from archiver.ports.offers import Surroundings
    from archiver.sources.web.connections import Connections

log = logging.getLogger(__name__)

CHUNK = 1 << 20
"""Bytes of a body handed on at once."""
LONGEST_ANSWER = 64 << 20
"""Bytes of an answer that is metadata, unpacked, unless its caller wants less."""
MOST_REDIRECTS = 5
LONGEST_TIMES = 10
"""An answer that is metadata may take so many times the timeout in all."""
REFUSED_HOLD = 60.0
"""Seconds. A refused connection may mean that the host has shut this address out: nobody asks it meanwhile."""

_REDIRECTS = {301, 302, 303, 307, 308}
_ANYWHERE = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "range",
        "if-range",
        "if-none-match",
        "if-modified-since",
        "referer",
    ]
)
"""Fields that go with a redirect to another origin; whatever else was asked with stays with the first."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a client behaves.

    Attributes:
        program: Name and version, for the User-Agent.
        contact: How the services' operators reach ours; no public host is asked without one.
        reach: Where it may go.
        requests_per_second: To one host, over all threads and processes; 0 for no limit.
        downloads: Bodies open at once, over all threads of this client; for each host where files may lie anywhere.
        timeout: Seconds without a byte.
        patience: How often metadata is asked for.
        largest_file: Bytes of a file whose size nobody declared.
        paces_files: Whether files wait for their host's turn like metadata; else only for the end of a hold.
    """

    program: str
    contact: str
    reach: Reach = field(default_factory=Reach)
    requests_per_second: float = 1.0
    downloads: int = 2
    timeout: float = 60.0
    patience: Patience = field(default_factory=Patience)
    largest_file: int = 4 << 30
    paces_files: bool = True

    @property
    def user_agent(self) -> str:
        """What every request says of us."""
        return f"{self.program} (+{self.contact})" if self.contact else self.program


@dataclass(frozen=True, slots=True)
class Secret:
    """What one service alone may see: sent to its origin, over https or on this machine, and shown nowhere.

    Attributes:
        origin: Any address of the service, such as its endpoint.
        headers: Such as ``Authorization``.
        params: Such as ``client_id``.
    """

    origin: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)

    def is_for(self, url: str) -> bool:
        """Tell whether it may be sent with a request."""
        is_safe = urlsplit(url).scheme == "https" or is_loopback(host_of(url))
        return is_safe and origin_of(url) == origin_of(self.origin)


def client_for(
    surroundings: Surroundings, *, hosts: tuple[str, ...] = (), requests_per_second: float | None = None
) -> Client:
    """Return the client of a source, as the operator's settings want it.

    Args:
        surroundings: What the source was opened with.
        hosts: The names it may ask, ``*.example.org`` for all below one; empty where files may lie anywhere. The host of
            ``surroundings.endpoint`` may always be asked.
        requests_per_second: Instead of what the settings say, where it is lower.
    """
    rate = surroundings.requests_per_second
    if requests_per_second is not None and (rate == 0 or requests_per_second < rate):
        rate = requests_per_second
    conduct = Conduct(
        program=surroundings.program,
        contact=surroundings.contact,
        reach=Reach(surroundings.endpoint, hosts, surroundings.private),
        requests_per_second=rate,
        downloads=surroundings.downloads,
        timeout=surroundings.timeout,
        patience=surroundings.patience,
        largest_file=surroundings.largest_file,
    )
    return Client(conduct, clock=surroundings.clock, times=surroundings.times, slots=surroundings.slots)


class Client:
    """Asks; safe for threads; cheap until first used.

    Args:
        conduct: How it behaves.
        clock: For time and waiting, so that a signal ends it.
        times: When hosts may be asked next; None for this client alone.
        slots: How many bodies are open at once; None for this client alone.

    Attributes:
        listener: Told of the header fields of each answer that is not a fault, with the address that was asked for.
    """

    def __init__(
        self,
        conduct: Conduct,
        *,
        clock: Clock,
        times: HostTimes | None = None,
        slots: ports.Slots | None = None,
    ) -> None:
        self.conduct = conduct
        self._clock = clock
        self._times = times or MemoryHostTimes(clock)
        self._slots = slots or Slots(conduct.downloads, clock)
        self._lock = threading.Lock()
        self._opened: Connections | None = None
        self.listener: Callable[[str, Mapping[str, str]], None] | None = None
        self._robots = Robots("archiver", read=self._robots_file, monotonic=clock.monotonic)

    def get(  # noqa: PLR0913 - one promise each, all of them named at the call
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secret: Secret | None = None,
        also: Collection[int] = (),
        limit: int = LONGEST_ANSWER,
        obeys_robots: bool = False,
    ) -> Answer:
        """Read an answer that is metadata, trying again while that can help.

        Args:
            url: Absolute; what needs no quoting is left as it is.
            params: Added to its query.
            headers: Such as ``Referer`` or ``If-None-Match``; those that may hold a secret stay with the first origin.
            secret: For one origin alone.
            also: Statuses that are answers and no faults, such as 304 or 404.
            limit: Bytes, unpacked.
            obeys_robots: For pages made for people: the host's robots.txt is asked and kept to.

        Raises:
            FileRefusedError: 401, 403, 404, 410, 451, or robots.txt forbids it.
            SourceUnavailableError: No answer in the end.
            SourceProtocolError: Too large, a redirect that may not be followed, a status that makes no sense.
            SettingsError: A public host, and no contact in the settings.
        """
        address = _with(url, params)
        next_try = 1
        while True:
            try:
                return self._read(address, headers or {}, secret, also=also, limit=limit, obeys_robots=obeys_robots)
            except SourceUnavailableError as error:
                next_try += 1
                wait = self.conduct.patience.wait_before(next_try, retry_after=error.retry_after, what=address)
                if wait is None:
                    raise
                log.info("%s; trying again in %.0f seconds", error.message, wait)
            self._clock.wait(wait)

    @contextmanager
    def open(  # noqa: PLR0913 - as in `get`
        self,
        url: str,
        *,
        offset: int = 0,
        validator: str = "",
        size: int | None = None,
        headers: Mapping[str, str] | None = None,
        secret: Secret | None = None,
        obeys_robots: bool = False,
    ) -> Iterator[Delivery]:
        """Open a file; one try. What it yields is what `archiver.ports.sources.Source.read` promises.

        Args:
            url: Absolute.
            offset: Bytes that are here already.
            validator: The state those bytes belong to, as an earlier delivery said; without one the whole file is asked for.
            size: Bytes of the file as declared, or None.
            headers: Such as ``Referer``.
            secret: For one origin alone.
            obeys_robots: See `get`.

        Raises:
            FileRefusedError: 401, 403, 404, 410, 451.
            SourceUnavailableError: Try again later.
            SourceProtocolError: See `get`.
        """
        resumes = offset > 0 and bool(validator)
        # If-Range (RFC 9110 §13.1.5): bytes of another state must never be appended to those that are here.
        ranged = {"Range": f"bytes={offset}-", "If-Range": validator} if resumes else {}
        plain = {**(headers or {}), "Accept-Encoding": "identity"}
        with self._slots.taken("" if self.conduct.reach.hosts else urlsplit(url).netloc.lower()):
            named: dict[str, Any] = {"also": (206, 416), "obeys_robots": obeys_robots, "is_file": True}
            with self._asked(url, {**plain, **ranged}, secret, **named) as (_, answer):
                place = place_of(answer.status, answer.headers, resumes=resumes, offset=offset, size=size)
                if place is not None:
                    yield self._delivery(answer, *place, url=url, size=size)
                    return
            log.info("%s: the source does not go on at byte %d; starting over", shown(url), offset)
            with self._asked(url, plain, secret, **named) as (_, answer):
                place = place_of(answer.status, answer.headers, resumes=False, offset=0, size=size)
                if place is None:
                    raise SourceUnavailableError(
                        f"{shown(url)}: asked for the whole file, got HTTP status {answer.status}"
                    )
                yield self._delivery(answer, *place, url=url, size=size)

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _read(
        self,
        url: str,
        headers: Mapping[str, str],
        secret: Secret | None,
        *,
        also: Collection[int],
        limit: int,
        obeys_robots: bool,
    ) -> Answer:
        packed = {"Accept-Encoding": "gzip, identity;q=0.5", **headers}
        with self._asked(url, packed, secret, also=also, obeys_robots=obeys_robots) as (final, answer):
            pieces = self._pieces(answer, url=final, limit=limit)
            coding = answer.headers.get("Content-Encoding", "")
            body = b"".join(unpacked(pieces, coding, limit=limit, what=shown(final)) if coding else pieces)
            return Answer(final, answer.status, answer.headers, body)

    def _pieces(self, answer: HTTPResponse, *, url: str, limit: int) -> Iterator[bytes]:
        """Yield a body as it was sent, within its time."""
        until = self._clock.monotonic() + LONGEST_TIMES * self.conduct.timeout
        received = 0
        for piece in self._raw(answer, url=url, size=1 << 16):
            received += len(piece)
            if received > limit:
                raise SourceProtocolError(f"{shown(url)}: the answer is longer than {limit} bytes")
            if self._clock.monotonic() > until:
                raise SourceUnavailableError(f"{shown(url)}: the answer takes too long; {received} bytes so far")
            yield piece

    def _delivery(
        self, answer: HTTPResponse, first: int, length: int | None, *, url: str, size: int | None
    ) -> Delivery:
        coding = answer.headers.get("Content-Encoding", "").strip().lower()
        if coding not in {"", "identity"} and (size is None or length != size):
            raise SourceProtocolError(f"{shown(url)}: packed as {coding[:60]!r}, which nobody asked for")
        limit = next((number for number in (size, length) if number is not None), self.conduct.largest_file)
        return Delivery(
            offset=first,
            validator=validator_of(answer.headers),
            length=length,
            content_type=answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            chunks=self._bounded(answer, url=url, left=limit - first),
        )

    def _bounded(self, answer: HTTPResponse, *, url: str, left: int) -> Iterator[bytes]:
        """Yield chunks; one byte more than allowed is handed on, so that the capture sees that it is too much."""
        most = max(left, 0) + CHUNK
        for chunk in self._raw(answer, url=url, size=CHUNK):
            most -= len(chunk)
            if most < 0:
                raise SourceProtocolError(f"{shown(url)}: the body does not end after {left} bytes")
            yield chunk

    def _raw(self, answer: HTTPResponse, *, url: str, size: int) -> Iterator[bytes]:
        """Yield a body as it comes in, in pieces that are worth their handling; see `archiver.sources.web.connections`."""
        import urllib3  # noqa: PLC0415 - slow, needed only when something is asked

        while True:
            try:
                piece = answer.read1(size, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise SourceUnavailableError(f"{shown(url)}: broke off: {short(error)}") from error
            if not piece:
                return
            if self._clock.stopping():
                self._clock.wait(0)
            yield piece

    @contextmanager
    def _asked(
        self,
        url: str,
        headers: Mapping[str, str],
        secret: Secret | None,
        *,
        also: Collection[int] = (),
        obeys_robots: bool = False,
        is_file: bool = False,
    ) -> Iterator[tuple[str, HTTPResponse]]:
        """Ask, follow redirects ourselves, and close the answer at the end."""
        from archiver.sources.web.connections import finish  # noqa: PLC0415 - slow, needed only when something is asked

        reach, here = self.conduct.reach, url
        reach.checked(url)
        self._refuse_misplaced(secret)
        for _ in range(MOST_REDIRECTS + 1):
            self._take_turn(here, obeys_robots=obeys_robots, is_paced=self.conduct.paces_files or not is_file)
            answer = self._sent(here, _fields(headers, first=url, here=here), secret)
            try:
                if answer.status in _REDIRECTS:
                    finish(answer)
                    here = _without(reach.redirected(here, answer.headers.get("Location", "")), secret)
                    continue
                if answer.status != 200 and answer.status not in also:
                    finish(answer)
                    raise self._fault(answer, here)
                if self.listener is not None:
                    self.listener(url, answer.headers)
                yield here, answer
                return
            finally:
                answer.close()
        raise SourceProtocolError(f"{shown(url)}: more than {MOST_REDIRECTS} redirects")

    def _take_turn(self, url: str, *, obeys_robots: bool, is_paced: bool) -> None:
        host = urlsplit(url).netloc.lower()
        if not self.conduct.contact and not (is_loopback(host_of(url)) or host_of(url) in self.conduct.reach.private):
            raise SettingsError(
                f"{shown(url)} is not contacted without a way to reach you: [archive] contact is empty",
                next_command='export ARCHIVER_ARCHIVE__CONTACT="mailto:you@example.org"   # or set it in archiver.toml',
            )
        rate = self.conduct.requests_per_second if is_paced else 0.0
        delay = self._robots.delay(url) if obeys_robots else 0.0
        self._times.take(host, interval=max(1 / rate if rate else 0.0, delay))

    def _sent(self, url: str, headers: dict[str, str], secret: Secret | None) -> HTTPResponse:
        """Send a request and return its answer; every fault is one of ours."""
        import requests  # noqa: PLC0415 - slow, needed only when something is asked
        import urllib3  # noqa: PLC0415

        address = url
        if secret is not None and secret.is_for(url):
            headers = {**headers, **secret.headers}
            address = _with(url, secret.params)
        try:
            return self._connections().ask(address, headers)
        except ArchiverError:
            raise
        except _unaskable() as error:
            raise SourceProtocolError(f"{shown(url)}: cannot be asked for: {type(error).__name__}") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.ReadTimeoutError, ValueError) as error:
            raise SourceUnavailableError(f"{shown(url)}: broke off: {short(error)}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            is_refused = "refused" in str(error).lower()
            if is_refused and not is_loopback(host_of(url)):
                self._times.hold(urlsplit(url).netloc.lower(), seconds=REFUSED_HOLD)
            raise SourceUnavailableError(
                f"{shown(url)}: no connection: {short(error)}", whole_host=is_refused
            ) from error

    def _connections(self) -> Connections:
        """Return the connections, made when they are first needed: the packages below them are slow to import."""
        opened = self._opened
        if opened is not None:
            return opened
        from archiver.sources.web.connections import Connections  # noqa: PLC0415

        with self._lock:
            if self._opened is None:
                conduct = self.conduct
                self._opened = Connections(conduct.reach, user_agent=conduct.user_agent, timeout=conduct.timeout)
            return self._opened

    def _fault(self, answer: HTTPResponse, url: str) -> ArchiverError:
        error = error_for(answer.status, answer.headers, what=shown(url), now=self._clock.now())
        if isinstance(error, SourceUnavailableError) and error.retry_after and answer.status in {429, 503}:
            self._times.hold(urlsplit(url).netloc.lower(), seconds=error.retry_after)
        return error

    def _refuse_misplaced(self, secret: Secret | None) -> None:
        if secret is not None and not secret.is_for(secret.origin):
            raise SettingsError(f"{shown(secret.origin)}: a secret is sent over https alone")

    def _robots_file(self, url: str) -> bytes:
        return self.get(url, limit=LONGEST_ANSWER).body


def short(error: BaseException) -> str:
    """Name an error without the addresses and object names that requests puts into its messages."""
    innermost: BaseException = error
    while (inner := innermost.__cause__ or innermost.__context__) is not None:
        innermost = inner
    text = str(innermost).split("?")[0][:160]
    return f"{type(innermost).__name__}: {text}" if text else type(innermost).__name__


def _unaskable() -> tuple[type[Exception], ...]:
    """Return what says that the fault lies in what was to be asked, or in a head that contradicts itself."""
    from requests import exceptions as above  # noqa: PLC0415
    from urllib3 import exceptions as below  # noqa: PLC0415

    return above.InvalidURL, below.LocationValueError, below.InvalidHeader, UnicodeError


def _fields(headers: Mapping[str, str], *, first: str, here: str) -> dict[str, str]:
    """Return the fields that go with a request: another origin than the first gets only those that hold no secret."""
    if first == here or origin_of(first) == origin_of(here):
        return dict(headers)
    return {name: value for name, value in headers.items() if name.lower() in _ANYWHERE}


def _with(url: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return url
    base, mark, fragment = url.partition("#")
    return base + ("&" if "?" in base else "?") + urlencode(dict(params)) + mark + fragment


def _without(url: str, secret: Secret | None) -> str:
    """Take a secret out of an address that a redirect repeats it in."""
    for value in secret.params.values() if secret else ():
        if value:
            url = url.replace(urlencode({"": value})[1:], "").replace(value, "")
    return url
