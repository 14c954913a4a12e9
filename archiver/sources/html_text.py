"""The words of a piece of HTML, as credits and titles come in it."""

from __future__ import annotations

from html.parser import HTMLParser

LONGEST = 20_000
"""Characters that are read; a credit has a few hundred."""


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Commons hides sort keys and machine labels from the eye with this style: they are no part of a name.
        is_hidden = tag in {"script", "style"} or any(
            name == "style" and "display:none" in (value or "").replace(" ", "").lower() for name, value in attrs
        )
        if tag in _EMPTY:
            self.words.append(" ")
        elif self._hidden or is_hidden:
            self._hidden += 1
        elif tag in _BLOCKS:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag not in _EMPTY:
            self._hidden -= 1
        elif tag in _BLOCKS:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


_EMPTY = {"br", "hr", "img", "input", "link", "meta", "wbr"}
_BLOCKS = {"p", "div", "li", "ul", "ol", "td", "tr", "table", "dd", "dt"}


def words_of(html: str) -> str:
    """Return what a reader would see, on one line. Never raises."""
    parser = _Words()
    try:
        parser.feed(html[:LONGEST])
        parser.close()
    except (ValueError, AssertionError):  # seen of broken declarations ("<![")
        return " ".join(html[:LONGEST].split())
    return " ".join("".join(parser.words).split())
