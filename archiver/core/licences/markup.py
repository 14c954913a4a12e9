"""The visible text of an HTML fragment, and what its links show beside where they lead."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import ReasonCode
from archiver.core.licences.marks import mark
from archiver.core.licences.names import resolve_name
from archiver.core.licences.urls import resolve_url

if TYPE_CHECKING:
    from archiver.core.licences.table import LicenceTable

_HIDDEN_STYLE = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])")


class _Anchors(HTMLParser):
    """Collects the visible text and, for each link, where it leads and what it shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._href: str | None = None
        self._shown: list[str] = []
        self._hidden = 0
        self.is_struck = False
        """Whether a part is struck out or hidden from a reader: what it says is then not certain."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self._hidden += 1
        named = dict(attrs)
        if tag in {"s", "del", "strike"} or "hidden" in named or _HIDDEN_STYLE.search(named.get("style") or ""):
            self.is_struck = True
        if tag == "a":
            self._end_link()
            self._href, self._shown = dict(attrs).get("href") or "", []
        if tag in {"br", "p", "div", "li", "tr", "td", "h1", "h2", "h3", "ul", "ol"}:
            self.text.append(" \u2022 ")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"} and self._hidden:
            self._hidden -= 1
        if tag == "a":
            self._end_link()
        if tag in {"p", "div", "li", "tr"}:
            self.text.append(" \u2022 ")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._href is not None:
            self._shown.append(data)
        else:
            self.text.append(data)

    def _end_link(self) -> None:
        if self._href is not None:
            self.links.append((self._href, " ".join("".join(self._shown).split())))
            self.text.append(f" \ue003{len(self.links) - 1}\ue003 ")
        self._href = None

    def close(self) -> None:
        super().close()
        self._end_link()


def without_markup(text: str, table: LicenceTable) -> tuple[str, ReasonCode | None]:
    """Return the visible text, each link as its address, and a conflict where a link shows another licence than it leads to."""
    parser = _Anchors()
    try:
        parser.feed(text)
        parser.close()
    except (AssertionError, ValueError):
        return html.unescape(re.sub(r"<[^>]*>", " ", text)), ReasonCode.UNRESOLVED_LICENCE_FIELD
    conflict = ReasonCode.UNRESOLVED_LICENCE_FIELD if parser.is_struck else None
    shown: list[str] = []
    for href, label in parser.links:
        leads_to = resolve_url(href, table).tool
        names = mark(label, table)[1] if label else []
        less = resolve_name(label, table) if label else None
        if leads_to is None and names:
            conflict = ReasonCode.CONFLICT_TOOLS  # it shows a licence and leads elsewhere
        if leads_to is not None and less is not None and less.reason is ReasonCode.VERSIONLESS:
            # Less specific than the address: it agrees, or it is another licence.
            conflict = conflict if less.unit == leads_to.unit else ReasonCode.CONFLICT_TOOLS
            shown.append(leads_to.url)
            continue
        if leads_to is not None and any(tool is not leads_to for tool in names):
            conflict = ReasonCode.CONFLICT_TOOLS
        if leads_to is None:
            shown.append(f"{label} ({href})" if "creativecommons" in href.lower() else label)
        elif conflict is None and label and not names and not _is_licence_label(label):
            # A link around other words: the words are read as text, with the licence behind them.
            shown.append(f"{label} {leads_to.url}")
        else:
            shown.append(leads_to.url)
    visible = re.sub("\ue003(\\d+)\ue003", lambda match: shown[int(match[1])], "".join(parser.text))
    return re.sub(r"(?:\s*\u2022\s*)+", " \u2022 ", visible).strip(" \u2022"), conflict


def _is_licence_label(label: str) -> bool:
    return (
        re.fullmatch(
            r"(?i)(?:creative commons(?: licen[cs]e)?|cc|licen[cs]e|this licen[cs]e|some rights reserved)", label
        )
        is not None
    )
