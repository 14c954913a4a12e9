"""The URL resolver: exact, offline, total. A URL is one of the table, or it is none.

Only documented repairs (docs/licence-gate.md): nothing is guessed, nothing is fetched, no version is invented.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from archiver.core.licences.evidence import ReasonCode
from archiver.core.licences.texts import unwrapped
from archiver.core.licences.tools import HOST

if TYPE_CHECKING:
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool

LONGEST = 2000
"""Characters; the longest canonical URL has 63."""

_ESCAPED_SCHEME = re.compile(r"(?i)https?(?:%3a|:%2f)")
_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*:")
_BARE = re.compile(rf"(?i)(?:www\.)?{re.escape(HOST)}(?:[/:?#]|$)")
_FORBIDDEN = re.compile(r"[\s\\\x00-\x20\x7f]")
_DOCUMENT = re.compile(
    r"(?:(?:deed|legalcode|rdf|index)(?:\.[a-z]{2,3}(?:[-_@][a-z0-9]{2,8}){0,3})?(?:\.(?:html|txt))?|index\.php)"
)
_PORTS = {"http": 80, "https": 443}
_DEDICATION = "/licenses/publicdomain/"

ALIASES = {
    "/licenses/publicdomain/": "/publicdomain/certification/1.0/us/",
    "/licenses/mark/1.0/": "/publicdomain/mark/1.0/",
    "/licenses/nc-nd/1.0/": "/licenses/nd-nc/1.0/",
    "/licenses/by-nc-nd/1.0/": "/licenses/by-nd-nc/1.0/",
    "/publicdomain/zero/": "/publicdomain/zero/1.0/",
    "/publicdomain/mark/": "/publicdomain/mark/1.0/",
    "/publicdomain/certification/": "/publicdomain/certification/1.0/us/",
    "/licenses/sampling/": "/licenses/sampling/1.0/",
    "/licenses/sampling+/": "/licenses/sampling+/1.0/",
    "/licenses/nc-sampling+/": "/licenses/nc-sampling+/1.0/",
    "/licenses/devnations/": "/licenses/devnations/2.0/",
}
"""Rewrites of the server of creativecommons.org that change no version; the others would invent one (aliases.csv)."""


@dataclass(frozen=True, slots=True)
class UrlAnswer:
    """What a URL resolves to.

    Attributes:
        tool: The legal tool, or None.
        reason: Why.
        steps: What was done to the text.
    """

    tool: Tool | None
    reason: ReasonCode
    steps: tuple[str, ...] = ()


def looks_like_url(text: str) -> bool:
    """Tell whether a whole declaration, unwrapped, is meant as a URL; markup may have escaped it once."""
    text = html.unescape(text)
    return not re.search(r"\s", text) and (
        "://" in text
        or text.startswith("//")
        or _BARE.match(text) is not None
        or _ESCAPED_SCHEME.match(text) is not None
        or (_SCHEME.match(text + " ") is not None and "/" in text)
    )


def resolve_url(text: str, table: LicenceTable) -> UrlAnswer:
    """Resolve a URL to a tool of the table, or say why it is none. Never raises."""
    steps: list[str] = []
    url = unwrapped(text)
    if url != text:
        steps.append("unwrap")
    if len(url) > LONGEST:
        return UrlAnswer(None, ReasonCode.UNRESOLVED_LICENCE_FIELD, (*steps, "too long"))
    if _ESCAPED_SCHEME.match(url):
        url = _decoded(url)
        steps.append("percent-decode")
    unescaped = html.unescape(url)
    if unescaped != url:
        url = unescaped
        steps.append("html-unescape")
    if url.startswith("//"):
        url = "https:" + url
        steps.append("add scheme")
    elif _BARE.match(url):
        url = "https://" + url
        steps.append("add scheme")
    parts = _split(url)
    if parts is None or not _is_host(parts):
        return UrlAnswer(None, ReasonCode.BAD_HOST, tuple(steps))
    return _resolve_path(parts.path, table, steps)


def _split(url: str) -> SplitResult | None:
    if _FORBIDDEN.search(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError:
        return None
    return parts


def _is_host(parts: SplitResult) -> bool:
    """Tell whether the host is the one host, spelled plainly: no user, no lookalike, no other port."""
    netloc = parts.netloc
    if parts.scheme not in _PORTS or not netloc.isascii() or "@" in netloc or "%" in netloc or netloc.endswith(":"):
        return False
    return parts.hostname in {HOST, f"www.{HOST}"} and parts.port in {None, _PORTS[parts.scheme]}


def _resolve_path(path: str, table: LicenceTable, steps: list[str]) -> UrlAnswer:
    if "%" in path:
        path = _decoded(path)
        steps.append("percent-decode path")
    if not path.isascii() or _FORBIDDEN.search(path) or any(part in {".", ".."} for part in path.split("/")):
        return UrlAnswer(None, ReasonCode.NONEXISTENT_TOOL, tuple(steps))
    lowered = path.lower()
    if lowered != path:
        steps.append("lower case")
    exact = lowered.rstrip("/") + "/"
    tool = table.by_path.get(exact)
    if tool is not None:
        return UrlAnswer(tool, ReasonCode.OK_EXACT_URL, tuple(steps))
    mapped = _mapped(exact)
    tool = table.by_path.get(mapped)
    if tool is not None:
        return UrlAnswer(tool, ReasonCode.OK_ALIAS, (*steps, f"alias {exact} -> {mapped}"))
    return UrlAnswer(None, _why_not(mapped, table), tuple(steps))


def _mapped(path: str) -> str:
    """Apply the documented rewrites, none of which changes a version."""
    head, _, last = path.rstrip("/").rpartition("/")
    if _DOCUMENT.fullmatch(last):
        path = head + "/"
    path = re.sub(r"^/(?:licence|licences|license)/", "/licenses/", path)
    if path.startswith(_DEDICATION):
        path = _DEDICATION  # the rewrite covers everything below it
    return ALIASES.get(path, path)


def _why_not(path: str, table: LicenceTable) -> ReasonCode:
    parts = path.strip("/").split("/")
    if len(parts) == 2 and parts[0] == "licenses" and parts[1] in table.units:
        return ReasonCode.VERSIONLESS
    if len(parts) > 1 and parts[0] in {"licenses", "publicdomain"}:
        return ReasonCode.NONEXISTENT_TOOL
    return ReasonCode.UNRESOLVED_LICENCE_FIELD


def _decoded(text: str) -> str:
    """Decode once; what is not UTF-8 becomes U+FFFD and then no tool."""
    return unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")
