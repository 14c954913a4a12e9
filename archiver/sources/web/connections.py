"""Connections that check where they lead, and are kept from one request to the next.

The address is looked up once, checked, and that very address is connected to: no second look-up can lead elsewhere. What
comes over the socket is read by `archiver.sources.web.watching`.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy, urldefragauth
from urllib3 import HTTPResponse, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection
from urllib3.util.ssl_ import create_urllib3_context

from archiver.core.errors import SourceProtocolError
from archiver.sources.web.watching import WatchedResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.sources.web.reach import Reach

MOST_ADDRESSES = 4
"""Of one name, that are tried."""
MOST_HOSTS = 64
"""Whose connections are kept open; more only while they are asked."""
MOST_IDLE = 64
"""Connections kept open to one host, so that as many threads throw none away."""
SHORT_REST = 4096
"""Bytes of a body that nobody wants which are read all the same, because a new connection costs more."""
REST_WITHIN = 1.0
"""Seconds for each receive of them."""
MOST_RECEIVES = 4
LONGEST_CONNECT = 30.0
"""Seconds for a connection, its TLS not included."""

_ONCE = Retry(total=False)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(r"[!-~]+")
_PLAIN = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
"""What needs no quoting."""


class _Guarded:
    """What both kinds of connection do alike."""

    reach: ClassVar[Reach | None] = None

    def request(
        self: Any, method: str, url: str, body: None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> None:
        """Send a request without a body, in one piece.

        Raises:
            SourceProtocolError: Something in it would end a line, or is no text for a head.
        """
        lines = [f"{method} {url} HTTP/1.1"]
        for name, value in (headers or {}).items():
            if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
                raise SourceProtocolError(f"{self.host}: cannot be asked for: the field {name[:100]!r}")
            lines.append(f"{name}: {value}")
        if body is not None or _TARGET.fullmatch(url) is None:
            raise SourceProtocolError(f"{self.host}: cannot be asked for")
        if self.sock is None:
            self.connect()
        self.sock.settimeout(self.timeout)
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def getresponse(self: Any) -> HTTPResponse:
        """Read the head of the answer."""
        self.sock.settimeout(self.timeout)
        found = WatchedResponse(self.sock, method="GET", where=f"{self.host}:{self.port}")
        try:
            found.begin()
            answer = HTTPResponse(
                found,
                headers=found.headers,  # type: ignore[arg-type]
                status=found.status,
                version=found.version,
                reason=found.reason,
                preload_content=False,
                decode_content=False,
                original_response=found,
                request_method="GET",
            )
        except BaseException:
            found.close()
            raise
        if found.will_close:
            self.close()  # the answer holds the socket until it is read
        return answer

    def _new_conn(self: Any) -> socket.socket:
        host, port = self._dns_host, self.port
        self.response_class = functools.partial(
            WatchedResponse, where=f"{host}:{port}"
        )  # reads what a proxy says to CONNECT
        failure: OSError | None = None
        for address in _looked_up(self, host, port):
            try:
                return create_connection(
                    (address, port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as error:
                failure = error
        raise NewConnectionError(self, f"no connection: {failure}") from failure


def _looked_up(connection: Any, host: str, port: int) -> list[str]:
    """Return the addresses to connect to; one that may not be asked stops it: the name is not trusted."""
    reach: Reach | None = connection.reach
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, allowed_gai_family(), socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(host, connection, error) from error
    except UnicodeError as error:
        raise SourceProtocolError(f"{host[:200]}: not a host name") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        name = host.strip("[]").rstrip(".").lower()
        refusal = reach.refusal_of(name, ipaddress.ip_address(address.partition("%")[0])) if reach else ""
        if refusal:
            raise SourceProtocolError(
                f"{host}: not asked: {refusal}",
                next_command='"$EDITOR" archiver.toml   # [network] allow_private, if you trust it',
            )
    return addresses[:MOST_ADDRESSES]


class _Http(_Guarded, HTTPConnection):  # type: ignore[misc]  # its request and answer are narrower
    pass


class _Https(_Guarded, HTTPSConnection):  # type: ignore[misc]  # as above
    pass


class _Adapter(HTTPAdapter):
    """What requests knows of proxies and authorities; its connections keep to a reach.

    Args:
        reach: Where it may go. A proxy that the operator's environment names is asked wherever it is.
    """

    def __init__(self, reach: Reach) -> None:
        self._classes = _pools(reach)
        self._proxied = _pools(None)
        super().__init__(pool_connections=MOST_HOSTS, pool_maxsize=MOST_IDLE, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pool of checked connections."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        """Make the pool of a proxy."""
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = self._proxied
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Name the one context of these authorities: urllib3 would read them anew for each connection."""
        place, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return place, {"ssl_context": _context(verify)} if place["scheme"] == "https" else {}


def _pools(reach: Reach | None) -> dict[str, Any]:
    plain = type("GuardedHttp", (_Http,), {"reach": reach})
    secure = type("GuardedHttps", (_Https,), {"reach": reach})
    return {
        "http": type("HttpPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


@functools.cache
def _context(authorities: str | bool) -> ssl.SSLContext:  # noqa: FBT001 - what requests calls ``verify``
    """Return the context of all connections that trust the same authorities.

    Args:
        authorities: A file or directory; True for those that come with requests.
    """
    where = authorities if isinstance(authorities, str) else DEFAULT_CA_BUNDLE_PATH
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    is_directory = Path(where).is_dir()
    context.load_verify_locations(None if is_directory else where, where if is_directory else None)
    return context


@dataclass(frozen=True, slots=True)
class _Way:
    """How one origin is asked: over which connections, and whether a proxy is told the whole address."""

    pool: Any
    host: str
    is_forwarded: bool


class Connections:
    """The connections of one client, kept open from one request to the next. Safe for threads.

    No cookie is kept, `.netrc` is not read, and nothing that is on this machine is asked by way of a proxy.

    Args:
        reach: Where they may lead.
        user_agent: What every request says of us.
        timeout: Seconds without a byte.
    """

    def __init__(self, reach: Reach, *, user_agent: str, timeout: float) -> None:
        self._reach = reach
        self._user_agent = user_agent
        self._timeout = Timeout(connect=min(timeout, LONGEST_CONNECT), read=timeout)
        self._adapter = _Adapter(reach)
        self._environment = requests.Session()
        self._ways: dict[tuple[str, str], _Way] = {}

    def ask(self, url: str, headers: Mapping[str, str]) -> HTTPResponse:
        """Send one GET and return its answer, its body unread; redirects are not looked at.

        Args:
            url: Absolute, and within the reach as far as its text can tell. What needs quoting is quoted.
            headers: Sent as they are, after ``Host`` and ``User-Agent``.
        """
        parts = urlsplit(url)
        way = self._ways.get((parts.scheme, parts.netloc)) or self._found(url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        if way.is_forwarded or _PLAIN.fullmatch(target) is None or "/." in target:
            prepared = _prepared(url)
            target = urldefragauth(prepared.url or "") if way.is_forwarded else prepared.path_url
        answer: HTTPResponse = way.pool.urlopen(
            "GET",
            target,
            headers={"Host": way.host, "User-Agent": self._user_agent, **headers},
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
            preload_content=False,
            decode_content=False,
        )
        return answer

    def close(self) -> None:
        """Close every idle connection."""
        self._ways.clear()
        self._adapter.close()

    def _found(self, url: str) -> _Way:
        """Find how an origin is asked, once: the environment of a process does not change."""
        prepared = _prepared(url)
        address = prepared.url or ""
        stated: Any = self._environment.merge_environment_settings(address, {}, stream=None, verify=None, cert=None)
        proxies = {} if self._reach.is_here else stated["proxies"]
        authorities = _authorities(stated["verify"])
        pool = self._adapter.get_connection_with_tls_context(prepared, authorities, proxies=proxies)
        parts = urlsplit(address)
        default = {"http": ":80", "https": ":443"}[parts.scheme]
        is_forwarded = bool(select_proxy(address, proxies)) and parts.scheme == "http"
        way = _Way(pool, parts.netloc.removesuffix(default), is_forwarded)
        if len(self._ways) >= MOST_HOSTS:
            self._ways.clear()
        first = urlsplit(url)
        self._ways[first.scheme, first.netloc] = way
        return way


def finish(answer: HTTPResponse) -> None:
    """Let go of an answer whose body nobody wants.

    Its connection is kept where the rest of the body is here already, and short, as that of a redirect is.
    """
    left, sock = SHORT_REST, getattr(answer.connection, "sock", None)
    with suppress(HTTPError, OSError, ValueError):
        if sock is not None:
            sock.settimeout(REST_WITHIN)
            for _ in range(MOST_RECEIVES):
                piece = answer.read1(left, decode_content=False)
                left -= len(piece)
                if not piece or left <= 0:
                    break
    answer.close()


def _authorities(stated: str | bool) -> str | bool:  # noqa: FBT001 - what requests calls ``verify``
    """Return what the environment names for requests and curl, else what it names for OpenSSL, else ``stated``."""
    return stated if isinstance(stated, str) else os.environ.get("SSL_CERT_FILE") or stated


def _prepared(url: str) -> requests.PreparedRequest:
    """Return a request whose address is quoted as browsers and requests do it, its host in ASCII."""
    request = requests.PreparedRequest()
    request.prepare_method("GET")
    request.prepare_url(url, None)
    return request
