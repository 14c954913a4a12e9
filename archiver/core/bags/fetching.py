"""Addresses in a fetch file (RFC 8493 §2.2.3): a bag from outside must not make us ask machines inside."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_LOCAL_ENDINGS = (".local", ".localhost", ".internal", ".home.arpa", ".localdomain", ".lan")


def refused_address(url: str) -> str:
    """Return why nothing may be fetched from a URL, or an empty text.

    Names are not resolved here; whoever fetches asks again for each address that a name turns out to have.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        _ = parts.port
    except ValueError:
        return "it cannot be read"
    if not host:
        return "it names no host"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name"
    if host.endswith(_LOCAL_ENDINGS) or ("." not in host and ":" not in host and not _number(host)):
        return "a name of a private network"
    address = _address(host)
    if address is not None and not address.is_global:
        return "a private address"
    return ""


def _number(host: str) -> bool:
    return host.isdigit() or host.startswith("0x")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address in any form that a resolver takes: ``127.1``, ``0x7f000001`` and ``2130706433`` are loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _legacy(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


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
