"""Where a client may go: which hosts by name, and which addresses those may lead to.

An address in an answer, a feed or a redirect is hostile input: it would make us the attacker's hand in our own network
(the metadata service of a cloud, a printer, the catalogue's database). Names are no proof, because a name can lead to
another address at each look (DNS rebinding): what counts is the address that is connected to.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from archiver.core.errors import SourceProtocolError
from archiver.sources.http_answers import is_loopback, shown

if TYPE_CHECKING:
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LONGEST_ADDRESS = 8192
"""Characters of a URL."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a client may go.

    Attributes:
        endpoint: The address that the operator's settings name for the source, or empty where they name none. Its host
            may be private. Where it is on this machine, nothing else than this machine is asked.
        hosts: Names that may be asked, lower case; ``*.example.org`` stands for every name below. Empty for all.
        private: What else the settings allow though it is private: host names, addresses, or networks (``10.0.0.0/8``).
    """

    endpoint: str = ""
    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()

    @property
    def is_here(self) -> bool:
        """Whether the endpoint is on this machine: a double, or a mirror."""
        return bool(self.endpoint) and is_loopback(host_of(self.endpoint))

    def checked(self, url: str) -> str:
        """Return an address that may be asked, as far as its text can tell.

        Raises:
            SourceProtocolError: It may not, or is none.
        """
        refusal = self._refusal(url)
        if refusal:
            raise SourceProtocolError(f"address refused, {refusal}: {shown(url)}")
        return url

    def redirected(self, base: str, location: str) -> str:
        """Return where a redirect leads.

        Raises:
            SourceProtocolError: It may not be followed.
        """
        try:
            target = urljoin(base, location)
            urlsplit(target)
        except ValueError as error:
            raise SourceProtocolError(f"{shown(base)}: redirected to no address: {location[:200]!r}") from error
        is_worse = urlsplit(base).scheme == "https" and urlsplit(target).scheme == "http"
        refusal = "from https to http" if is_worse else "to no address" if not location else self._refusal(target)
        if refusal:
            raise SourceProtocolError(f"{shown(base)}: redirect refused, {refusal}: {shown(target)}")
        return target

    def _refusal(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return "it cannot be read"
        is_odd = len(url) > LONGEST_ADDRESS or not url.isprintable()
        if is_odd or parts.scheme not in {"http", "https"} or not host or port == 0:
            return "not an http address"
        if parts.username or parts.password:
            return "with a user name"
        return _refusal_by_name(self, host)

    def refusal_of(self, host: str, address: Address) -> str:
        """Return why a host may not be asked at an address, or nothing.

        Args:
            host: As in the URL, lower case.
            address: What its name leads to now.
        """
        inner = _embedded(address)
        if inner is not None:
            return self.refusal_of(host, inner)
        if self.is_named(host) or any(address in network for network in self._networks()):
            return ""
        if self.is_here:
            return "" if address.is_loopback else f"{address} is not on this machine, and the endpoint is"
        if is_public(address):
            return ""
        return f"{address} is a private address"

    def is_named(self, host: str) -> bool:
        """Tell whether the settings name a host."""
        return host in self.private or (bool(self.endpoint) and host == host_of(self.endpoint))

    def matches(self, host: str) -> bool:
        """Tell whether a host is one of those that may be asked."""
        if not self.hosts or (self.is_here and is_loopback(host)):
            return True
        return any(
            host == name or (name.startswith("*.") and host.endswith(name[1:]) and len(host) > len(name) - 1)
            for name in self.hosts
        )

    def _networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        found = []
        for text in self.private:
            with suppress(ValueError):
                found.append(ipaddress.ip_network(text, strict=False))
        return found


@lru_cache(maxsize=4096)
def _refusal_by_name(reach: Reach, host: str) -> str:
    """Return why a host may not be asked, as far as its name can tell; the same at each request."""
    if not reach.is_named(host) and not reach.matches(host):
        return "a host that this source does not ask"
    literal = ipaddress.ip_address("127.0.0.1") if is_loopback(host) else _literal(host)
    if literal is not None:
        return reach.refusal_of(host, literal)
    return "not on this machine, and the endpoint is" if reach.is_here and not reach.is_named(host) else ""


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public network."""
    return address.is_global and not (address.is_multicast or address.is_reserved)


def host_of(url: str) -> str:
    """Return the host of an address, lower case, or nothing."""
    with suppress(ValueError):
        return (urlsplit(url).hostname or "").rstrip(".")
    return ""


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port: what must be the same for a secret to be sent (RFC 6454)."""
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", "", 0


def _literal(host: str) -> Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0])
    return None


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, where it does."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
