"""What an HTTP answer means to a source: try again later, never, or go on elsewhere."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from archiver.core.errors import FileRefusedError, SourceError, SourceProtocolError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_FINAL = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
}
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds of ``Retry-After`` in either form (RFC 9110 §10.2.3), or None where it is absent or senseless."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    with suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max((at - now).total_seconds(), 0.0)
    return None


def error_for(status: int, headers: Mapping[str, str], *, what: str, now: datetime) -> SourceError:
    """Return the error that a status other than success stands for."""
    if status in _FINAL:
        return FileRefusedError(f"{what}: the source refuses it: HTTP status {status}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return SourceUnavailableError(
            f"{what}: the source asks us to slow down: HTTP status {status}",
            retry_after=retry_after(headers, now=now),
            whole_host=True,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return SourceUnavailableError(
            f"{what}: the source has a fault: HTTP status {status}", retry_after=retry_after(headers, now=now)
        )
    return SourceProtocolError(f"{what}: unexpected HTTP status {status}")


def content_range(headers: Mapping[str, str]) -> tuple[int, int | None] | None:
    """Return first position and whole length of a 206 answer (RFC 9110 §14.4), or None where it has no usable range."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if match is None or int(match[2]) < int(match[1]):
        return None
    return int(match[1]), None if match[3] == "*" else int(match[3])


def place_of(
    status: int, headers: Mapping[str, str], *, resumes: bool, offset: int, size: int | None
) -> tuple[int, int | None] | None:
    """Return the position of an answer's first byte and the length of the whole file that it states.

    None when the answer has other bytes than asked for: 416, a range nobody asked for, or one of another length.

    Args:
        status: 200, 206 or 416.
        headers: Of the answer.
        resumes: Whether a range was asked for.
        offset: Where that range begins.
        size: Bytes of the whole file as declared, or None.
    """
    if status == HTTPStatus.PARTIAL_CONTENT:
        place = content_range(headers)
        if not resumes or place is None or place[0] != offset:
            return None
        return None if size is not None and place[1] not in {None, size} else (offset, place[1])
    if status != HTTPStatus.OK:
        return None
    length = headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def validator_of(headers: Mapping[str, str]) -> str:
    """Return what may stand in If-Range (RFC 9110 §13.1.5), or nothing.

    That is a strong entity tag or, where there is none, a time of change so long before the answer that the file cannot
    have changed twice in that second (§8.8.2.2).
    """
    tag = headers.get("ETag", "")
    if tag:
        return tag if tag.startswith('"') and len(tag) <= 1024 else ""
    changed = headers.get("Last-Modified", "")
    with suppress(ValueError, TypeError, OverflowError):
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(changed)
        return changed if age.total_seconds() >= 60 and len(changed) <= 64 else ""
    return ""


def is_private(host: str, port: int = 443) -> bool:
    """Tell whether a host is this machine or another private address, by its name or what it resolves to."""
    if host in {"localhost", ""} or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return not ipaddress.ip_address(host).is_global
    if host == "archive.org" or host.endswith(".archive.org"):
        return False
    with suppress(OSError, ValueError, UnicodeError):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return any(not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
    return False


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name alone."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def shown(url: str) -> str:
    """Return an address without user information and query, as messages and logs may have it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))
