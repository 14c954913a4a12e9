"""Regular expressions that are compiled when they are first asked: most items state their licence as an address, and say no sentence."""

from __future__ import annotations

import re


class Pattern:
    """As `re.Pattern`, of which it has what is asked here. Safe for threads: at worst two compile the same.

    Args:
        text: The expression.
        flags: As `re.compile` takes them.
    """

    __slots__ = ("_compiled", "_flags", "_text")

    def __init__(self, text: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._text = text
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    def match(self, text: str) -> re.Match[str] | None:
        """Match at the beginning."""
        return self._ready().match(text)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first place."""
        return self._ready().search(text)

    def _ready(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self._text, self._flags)
        return self._compiled
