"""Addresses in a fetch file (RFC 8493 §2.2.3): a bag from outside must not make us ask machines inside."""

from __future__ import annotations

import ipaddress
import unicodedata
from urllib.parse import unquote, urlsplit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_ENDINGS = (".local", ".localhost", ".internal", ".home.arpa", ".localdomain", ".lan")


def refused_address(url: str) -> str:
    """Return why nothing may be fetched from a URL, or an empty text.

    Names are not resolved here; whoever fetches asks again for each address that a name turns out to have.
    """
    try:
        parts = urlsplit(url)
        # As a resolver is given it: digits in circles are digits.
        host = unicodedata.normalize("NFKC", unquote(parts.hostname or "")).rstrip(".").lower()
        port = parts.port
    except ValueError:
        return "it cannot be read"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name"
    return _refused_host(host) if port != 0 else "it cannot be read"


def _refused_host(host: str) -> str:
    if not host:
        return "it names no host"
    if not host.isprintable() or any(character in " /?#@\\" for character in host):
        return "it cannot be read"
    if host.endswith(_LOCAL_ENDINGS) or ("." not in host and ":" not in host and not _number(host)):
        return "a name of a private network"
    address = _address(host)
    if address is None:
        # No name ends in a number (RFC 1123 §2.1), and none holds a percent sign.
        return "it cannot be read" if "%" in host or _number(host.rpartition(".")[2]) else ""
    is_public = address.is_global and not (address.is_multicast or address.is_reserved)
    return "" if is_public else "a private address"


def _number(host: str) -> bool:
    return host.isdigit() or host.startswith("0x")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address in any form that a resolver takes: ``127.1``, ``0x7f000001`` and ``2130706433`` are loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _legacy(host)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        return inner or (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address)
    return address


def _legacy(host: str) -> ipaddress.IPv4Address | None:
    parts = host.split(".")
    try:
        numbers = [
            int(part, 16 if part[:2] == "0x" else 8 if part[:1] == "0" and part != "0" else 10) for part in parts
        ]
        *first, last = numbers
        value = last + sum(number << (24 - 8 * place) for place, number in enumerate(first))
        return ipaddress.IPv4Address(value) if len(parts) <= 4 else None
    except ValueError:
        return None
