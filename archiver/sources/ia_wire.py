"""HTTP to the Internet Archive, through the session of the `internetarchive` package.

The package gives the session, its keys and `ia.ini`; what it does beyond that is set right here: its User-Agent holds the
access key, its `Connection: close` gives up every connection, its keys would go out over plain http and across redirects
to any host whose name ends in "archive.org", and creating its session replaces `socket.socket.connect` in the whole
process (harmless: it only remembers addresses).
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver.core.errors import SettingsError, SourceProtocolError, SourceUnavailableError
from archiver.sources.http_answers import error_for, is_loopback, redirect_target, shown
from archiver.sources.pacing import Holds, Pace, Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

    from archiver.ports.clock import Clock

CHUNK = 1 << 20
"""Bytes of a body handed on at once."""
LONGEST_ANSWER = 64 << 20
"""Bytes of a JSON answer after decompression: the largest item known has some tens of thousands of files."""
MOST_REDIRECTS = 5
SLOWEST = 1024
"""Bytes a second. A body that drips more slowly than this for the length of the timeout is given up."""
CONNECTION_REFUSED_HOLD = 60.0
"""Seconds. A refused connection may mean that the host has shut this address out: nobody asks it meanwhile."""

_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Manners:
    """How a source is spoken to.

    Attributes:
        endpoint: Scheme, host and port, without a final ``/``; for example ``https://archive.org``.
        program: Name and version, for the User-Agent.
        contact: How the service's operators reach ours, or empty.
        requests_per_second: For metadata and search, over all threads; zero for no limit.
        downloads: Bodies open at once, over all threads.
        timeout: Seconds without a byte.
        config_file: Another place of `ia.ini`, or empty.
    """

    endpoint: str
    program: str
    contact: str
    requests_per_second: float = 1.0
    downloads: int = 2
    timeout: float = 60.0
    config_file: str = ""

    @property
    def user_agent(self) -> str:
        """Return what every request says of us."""
        return f"{self.program} (+{self.contact})" if self.contact else self.program


class Wire:
    """Requests to one endpoint, paced, each answered or translated into an error of ours.

    Args:
        manners: Where, as whom and how fast.
        clock: For waiting.
    """

    def __init__(self, manners: Manners, *, clock: Clock) -> None:
        self.endpoint = manners.endpoint
        self._manners = manners
        self._timeout = manners.timeout
        self._clock = clock
        self._pace = Pace(manners.requests_per_second, clock)
        self._holds = Holds(clock)
        self._slots = Slots(manners.downloads, clock)
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._keys: tuple[str, str] | None = None
        self.listener: Callable[[str, Mapping[str, str]], None] | None = None
        """Told of each answer's header fields, with the address that was asked for."""

    def fetch(self, path: str, *, params: dict[str, str] | None = None) -> bytes:
        """Return the decompressed body of a JSON answer; one try.

        Raises:
            SourceUnavailableError: Try again later.
            FileRefusedError: 401, 403, 404, 410.
            SourceProtocolError: The answer is too large, or another status.
        """
        self._pace.take()
        url = self.endpoint + path
        with self._answer(url, {"Accept": "application/json"}, params=params) as answer:
            body = bytearray()
            with self._translated(url):
                for piece in answer.raw.stream(1 << 16, decode_content=True):
                    body += piece
                    if len(body) > LONGEST_ANSWER:
                        raise SourceProtocolError(f"{shown(url)}: the answer is longer than {LONGEST_ANSWER} bytes")
        return bytes(body)

    @contextmanager
    def body(self, path: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """Open a file's body, following redirects; holds one of the download slots while open."""
        with self._slots.taken(), self._answer(self.endpoint + path, headers) as answer:
            yield answer

    def chunks(self, answer: requests.Response, *, what: str) -> Iterator[bytes]:
        """Yield the bytes of an open body as they come, none larger than 1 MiB.

        Raises:
            SourceUnavailableError: The body ended before its stated length, broke off, or drips too slowly.
        """
        began, received = self._clock.monotonic(), 0
        while True:
            with self._translated(what):
                # One receive at a time: a body that drips byte by byte is noticed, and nothing is copied twice.
                chunk = answer.raw.read1(CHUNK, decode_content=False)
            if not chunk:
                return
            yield chunk
            received += len(chunk)
            now = self._clock.monotonic()
            if now - began > self._timeout:
                if received < SLOWEST * (now - began):
                    raise SourceUnavailableError(f"{what}: only {received} bytes in {now - began:.0f} seconds")
                began, received = now, 0

    @contextmanager
    def _answer(
        self, url: str, headers: dict[str, str], *, params: dict[str, str] | None = None
    ) -> Iterator[requests.Response]:
        """Ask, follow redirects ourselves, and close the answer at the end."""
        asked = url
        for _ in range(MOST_REDIRECTS + 1):
            host = urlsplit(url).netloc
            self._holds.wait_for(host)
            with self._translated(url):
                answer = self._opened().get(
                    url,
                    params=params,
                    headers={"Accept-Encoding": "identity", **headers} if params is None else headers,
                    auth=self._authorise,
                    stream=True,
                    allow_redirects=False,
                    timeout=(min(self._timeout, 30), self._timeout),
                )
            try:
                if answer.status_code in _REDIRECTS:
                    url = redirect_target(url, answer.headers.get("Location", ""), endpoint=self.endpoint)
                    params = None
                    continue
                if answer.status_code not in {200, 206, 416}:
                    error = error_for(answer.status_code, answer.headers, what=shown(url), now=self._clock.now())
                    if isinstance(error, SourceUnavailableError) and error.whole_host:
                        self._holds.hold(host, min(error.retry_after or 0.0, 900.0))
                    raise error
                if self.listener is not None:
                    self.listener(asked, answer.headers)
                yield answer
                return
            finally:
                answer.close()
        raise SourceProtocolError(f"{shown(url)}: more than {MOST_REDIRECTS} redirects")

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        """Translate what requests, urllib3 and the socket raise, at the call and between chunks."""
        import requests  # noqa: PLC0415 - slow, needed only when the source is asked
        import urllib3  # noqa: PLC0415

        try:
            yield
        except requests.exceptions.ConnectionError as error:
            refused = "refused" in str(error).lower()
            if refused:
                self._holds.hold(urlsplit(url).netloc, 0.0 if is_loopback(_host(url)) else CONNECTION_REFUSED_HOLD)
            raise SourceUnavailableError(f"{shown(url)}: no connection: {_short(error)}", whole_host=refused) from error
        except requests.exceptions.InvalidURL as error:
            raise SourceProtocolError(f"{shown(url)}: not an address") from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise SourceUnavailableError(f"{shown(url)}: broke off: {_short(error)}") from error

    def _authorise(self, request: Any) -> Any:
        """Send the keys to the endpoint alone, and over https alone. Also keeps `.netrc` from being asked."""
        parts = urlsplit(request.url)
        if self._keys and parts.scheme == "https" and f"{parts.scheme}://{parts.netloc}" == self.endpoint:
            request.headers["Authorization"] = f"LOW {self._keys[0]}:{self._keys[1]}"
        return request

    def _opened(self) -> requests.Session:
        """Return the session, made when it is first needed: its package is slow to import."""
        with self._lock:
            if self._session is None:
                self._session = self._made()
            return self._session

    def _made(self) -> requests.Session:
        import internetarchive  # noqa: PLC0415
        from requests.adapters import HTTPAdapter  # noqa: PLC0415

        # It reports each failed request as an error, also those that are tried again; ours are told apart and told once.
        logging.getLogger("internetarchive").setLevel(logging.CRITICAL)

        try:
            session = internetarchive.get_session(config_file=self._manners.config_file or None)
        except (ValueError, OSError) as error:
            raise SettingsError(
                f"the Internet Archive's keys cannot be read: {error}", next_command="ia configure"
            ) from error
        self._keys = (session.access_key, session.secret_key) if session.access_key and session.secret_key else None
        session.headers.clear()
        session.headers.update({"User-Agent": self._manners.user_agent, "Accept-Encoding": "gzip"})
        session.cookies.clear()
        for prefix in list(session.adapters):
            session.adapters.pop(prefix)
        for scheme in ("https://", "http://"):
            # Waiting and trying again is ours; the pool keeps as many connections as bodies can be open at once.
            session.mount(
                scheme, HTTPAdapter(pool_connections=16, pool_maxsize=self._manners.downloads + 8, max_retries=0)
            )
        session.trust_env = not is_loopback(_host(self.endpoint))
        made: requests.Session = session
        return made

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _short(error: BaseException) -> str:
    """Name an error without the addresses and object names that requests puts into its messages."""
    innermost: BaseException = error
    while (inner := innermost.__cause__ or innermost.__context__) is not None:
        innermost = inner
    text = str(innermost).split("?")[0][:160]
    return f"{type(innermost).__name__}: {text}" if text else type(innermost).__name__
