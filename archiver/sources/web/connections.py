"""Connections that check where they lead, and answers that cannot keep us for ever.

The address is looked up once, checked, and that very address is connected to: no second look-up can lead elsewhere. What
comes over the socket is watched below `http.client`, which has no idea of time: an answer that drips, a head without
end, a line without end.
"""

from __future__ import annotations

import functools
import http.client
import io
import ipaddress
import os
import re
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy, urldefragauth
from urllib3 import HTTPHeaderDict, HTTPResponse, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection
from urllib3.util.ssl_ import create_urllib3_context

from archiver.core.errors import SourceProtocolError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.sources.web.reach import Reach

SLOWEST = 1024
"""Bytes a second. An answer that drips more slowly than this for the length of the timeout is given up."""
LONGEST_HEAD = 1 << 20
"""Bytes of all lines of an answer's head, or of its trailer; ccMixter is known to send one field of many kilobytes."""
MOST_ADDRESSES = 4
"""Of one name, that are tried."""
LONGEST_LINE = 60_000
"""Bytes of one line that are handed on; `http.client` refuses more than 65,536."""
MOST_FIELDS = 100
"""In a head, as `http.client` has it."""
MOST_HOSTS = 64
"""Whose connections are kept open; more only while they are asked."""
MOST_IDLE = 64
"""Connections kept open to one host, so that as many threads throw none away."""
LONGEST_GATHERING = 1.0
"""Seconds for which bytes of a body are held back until there are enough of them to be worth their handling."""
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


class _Socket(socket.SocketIO):
    """The bytes of an answer, with an eye on their pace.

    Attributes:
        failure: Why no more will come, once that is known; raised at the next receive.
    """

    def __init__(self, sock: socket.socket, where: str) -> None:
        super().__init__(sock, "r")
        self._where = where
        self._patience = sock.gettimeout() or 60.0
        self._began: float | None = None
        self._received = 0
        self._is_gathering = False
        self._gathered = 0
        self._until = 0.0
        self.failure: Exception | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Receive again and again for one read of many bytes, for `LONGEST_GATHERING` or a little longer.

        No byte is lost to a fault: None ends the read, and the fault is kept in `failure`.
        """
        self._is_gathering, self._gathered = True, 0
        self._until = time.monotonic() + LONGEST_GATHERING
        try:
            yield
        finally:
            self._is_gathering = False

    def readinto(self, buffer: Any) -> int | None:
        if self._is_gathering:
            is_over = self._gathered > 0 and time.monotonic() > self._until
            return None if is_over or self.failure is not None else self._gather(buffer)
        if self.failure is not None:
            raise self.failure
        return self._watched(super().readinto(buffer))

    def _gather(self, buffer: Any) -> int | None:
        try:
            received = self._watched(super().readinto(buffer))
        except OSError as error:
            self.failure = error
            return None
        self._gathered += received
        return received

    def _watched(self, received: int | None) -> int:
        received = received or 0
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self._received += received
        elapsed = now - self._began
        if elapsed > self._patience and received:
            if self._received < SLOWEST * elapsed:
                self.failure = SourceUnavailableError(
                    f"{self._where}: only {self._received} bytes in {elapsed:.0f} seconds"
                )
            self._began, self._received = now, 0
        return received


class _Lines(io.BufferedReader):
    """Reads lines of a bounded length, and no more than so many of them between two pieces of a body."""

    where = ""
    _of_lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = LONGEST_HEAD if size is None or size < 0 else size
        line = super().readline(min(limit, LONGEST_LINE))
        self._count(line)
        rest = line
        while len(rest) >= LONGEST_LINE and not rest.endswith(b"\n"):
            rest = super().readline(LONGEST_LINE)
            self._count(rest)
        return line if line.endswith(b"\n") or line is rest else line[:-2] + b"\r\n"

    def lines_here(self) -> list[bytes]:
        """Return the lines of a head up to its empty one, if all of them are here already and none is odd; else nothing."""
        ready = self.peek()
        end = ready.find(b"\r\n\r\n")
        found = ready[: end + 2].splitlines(keepends=True) if 0 < end < LONGEST_LINE else []
        if not all(line.endswith(b"\r\n") and line != b"\r\n" for line in found):
            return []
        if found:
            self._count(super().read(end + 4))
        return found

    def _count(self, line: bytes) -> None:
        self._of_lines += len(line)
        if self._of_lines > LONGEST_HEAD:
            raise SourceProtocolError(f"{self.where}: the head of the answer is longer than {LONGEST_HEAD} bytes")

    def read(self, size: int | None = -1, /) -> bytes:
        self._of_lines = 0
        return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Return as many bytes as come in at once or soon, at most ``size``; read into their place, never copied."""
        self._of_lines = 0
        raw: Any = self.raw
        with raw.gathering():
            found = super().read(size)
        if not found and raw.failure is not None:
            raise raw.failure
        return found or b""

    def readinto(self, buffer: Any, /) -> int:
        self._of_lines = 0
        return super().readinto(buffer)


class _Watched:
    """What `http.client` takes for a socket, where it only wants to read from it."""

    def __init__(self, sock: socket.socket, where: str) -> None:
        self._sock = sock
        self._where = where

    def makefile(self, mode: str) -> _Lines:  # noqa: ARG002 - it asks for "rb"
        raw = _Socket(self._sock, self._where)
        self._sock._io_refs += 1  # type: ignore[attr-defined]  # noqa: SLF001 - what a socket's own `makefile` does
        lines = _Lines(raw)
        lines.where = self._where
        return lines


class _Response(http.client.HTTPResponse):
    """An answer whose head is read without the parser of e-mails, which costs more than all the rest."""

    def __init__(self, sock: socket.socket, *, method: str, where: str) -> None:
        super().__init__(_Watched(sock, where), method=method)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Read the head, as `http.client` does (RFC 9112 §§ 4 to 6.3)."""
        version, status, reason = self._read_status()  # type: ignore[attr-defined]
        while status == http.HTTPStatus.CONTINUE:
            _fields(self.fp)
            version, status, reason = self._read_status()  # type: ignore[attr-defined]
        if not version.startswith("HTTP/"):
            raise http.client.UnknownProtocol(version)
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version in {"HTTP/1.0", "HTTP/0.9"} else 11
        fields = self.headers = self.msg = _fields(self.fp)  # type: ignore[assignment]
        self.chunked = fields.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else _length(fields.get("content-length", ""))
        if status in {http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED} or status < http.HTTPStatus.OK:
            self.length = 0
        self.will_close = self._check_close() or (not self.chunked and self.length is None)  # type: ignore[attr-defined]


def _fields(file: Any) -> HTTPHeaderDict:
    """Read the fields of a head to its empty line; a line that is none is left out."""
    fields = HTTPHeaderDict()
    name = value = ""
    ready = file.lines_here()
    lines = iter((*ready, b"")) if ready else iter(lambda: file.readline(LONGEST_LINE + 1), None)
    for number, line in enumerate(lines):
        if number > MOST_FIELDS:
            raise http.client.HTTPException(f"more than {MOST_FIELDS} fields in the head of the answer")
        text = line.decode("latin-1")
        if text[:1] in {" ", "\t"} and text.strip():
            value = f"{value} {text.strip()}"
            continue
        if name:
            fields.add(name, value)
        if line in {b"\r\n", b"\n", b""}:
            break
        name, colon, value = text.partition(":")
        name, value = name.strip() if colon else "", value.strip()
    return fields


def _length(text: str) -> int | None:
    """Return the length that a head states; several that are the same count as one."""
    found = {one.strip() for one in text.split(",")}
    return int(text) if len(found) == 1 and (text := found.pop()).isascii() and text.isdigit() else None


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
        found = _Response(self.sock, method="GET", where=f"{self.host}:{self.port}")
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
        self.response_class = functools.partial(_Response, where=f"{host}:{port}")  # reads what a proxy says to CONNECT
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
