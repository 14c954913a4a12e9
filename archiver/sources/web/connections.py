"""Connections that check where they lead, and answers that cannot keep us for ever.

The address is looked up once, checked, and that very address is connected to: no second look-up can lead elsewhere. What
comes over the socket is watched below `http.client`, which has no idea of time: an answer that drips, a head without
end, a line without end.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

from archiver.core.errors import SourceProtocolError, SourceUnavailableError

if TYPE_CHECKING:
    import requests

    from archiver.sources.web.reach import Reach

SLOWEST = 1024
"""Bytes a second. An answer that drips more slowly than this for the length of the timeout is given up."""
LONGEST_HEAD = 1 << 20
"""Bytes of all lines of an answer's head, or of its trailer; ccMixter is known to send one field of many kilobytes."""
MOST_ADDRESSES = 4
"""Of one name, that are tried."""
LONGEST_LINE = 60_000
"""Bytes of one line that are handed on; `http.client` refuses more than 65,536."""


class _Socket(socket.SocketIO):
    """The bytes of an answer, with an eye on their pace."""

    def __init__(self, sock: socket.socket, where: str) -> None:
        super().__init__(sock, "r")
        self._where = where
        self._patience = sock.gettimeout() or 60.0
        self._began: float | None = None
        self._received = 0

    def readinto(self, buffer: Any) -> int | None:
        received = super().readinto(buffer)
        now = time.monotonic()
        if self._began is None:
            self._began = now
        self._received += received or 0
        elapsed = now - self._began
        if elapsed > self._patience and received:
            if self._received < SLOWEST * elapsed:
                raise SourceUnavailableError(f"{self._where}: only {self._received} bytes in {elapsed:.0f} seconds")
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

    def _count(self, line: bytes) -> None:
        self._of_lines += len(line)
        if self._of_lines > LONGEST_HEAD:
            raise SourceProtocolError(f"{self.where}: the head of the answer is longer than {LONGEST_HEAD} bytes")

    def read(self, size: int | None = -1, /) -> bytes:
        self._of_lines = 0
        return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        self._of_lines = 0
        return super().read1(size)

    def readinto(self, buffer: Any, /) -> int:
        self._of_lines = 0
        return super().readinto(buffer)


def _response_class(where: str) -> type[http.client.HTTPResponse]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp.close()
            raw = _Socket(sock, where)
            sock._io_refs += 1  # type: ignore[attr-defined]  # noqa: SLF001 - what `makefile` does
            self.fp = _Lines(raw)
            self.fp.where = where

    return Response


class _Guarded:
    """What both kinds of connection do alike."""

    reach: ClassVar[Reach | None] = None

    def _new_conn(self: Any) -> socket.socket:
        host, port = self._dns_host, self.port
        self.response_class = _response_class(f"{host}:{port}")
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


class _Http(_Guarded, HTTPConnection):
    pass


class _Https(_Guarded, HTTPSConnection):
    pass


class GuardedAdapter(HTTPAdapter):
    """An adapter of requests whose connections keep to a reach; waiting and trying again is not its business.

    Args:
        reach: Where it may go. A proxy that the operator's environment names is asked wherever it is.
        connections: Kept open to one host.
    """

    def __init__(self, reach: Reach, *, connections: int) -> None:
        self._classes = _pools(reach)
        self._proxied = _pools(None)
        super().__init__(pool_connections=16, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Make the pool of checked connections."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        """Make the pool of a proxy."""
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = self._proxied
        return manager


def _pools(reach: Reach | None) -> dict[str, Any]:
    plain = type("GuardedHttp", (_Http,), {"reach": reach})
    secure = type("GuardedHttps", (_Https,), {"reach": reach})
    return {
        "http": type("HttpPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def guard(session: requests.Session, reach: Reach, *, connections: int) -> None:
    """Let a session go within a reach only, keep no cookie, and use a proxy only for what is not on this machine."""
    session.cookies.clear()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for prefix in list(session.adapters):
        session.adapters.pop(prefix)
    for scheme in ("https://", "http://"):
        session.mount(scheme, GuardedAdapter(reach, connections=connections))
    session.trust_env = not reach.is_here


def ask(session: requests.Session, request: requests.Request, *, timeout: tuple[float, float]) -> requests.Response:
    """Send one request and return its answer, its body unread; redirects are not looked at.

    Not by ``Session.send``: it reads the body of a redirect to its end, however long that is, and understands the target.
    """
    prepared = session.prepare_request(request)
    url = prepared.url or ""
    with_environment: Any = session.merge_environment_settings(url, {}, True, None, None)  # noqa: FBT003 - by position there
    answer: requests.Response = session.get_adapter(url).send(prepared, timeout=timeout, **with_environment)
    return answer
