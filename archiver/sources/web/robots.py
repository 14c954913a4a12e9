"""robots.txt (RFC 9309), where pages are read that were made for people."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from archiver.core.errors import FileRefusedError, SourceError, SourceUnavailableError
from archiver.sources.web.reach import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import protego

LONGEST_FILE = 512 << 10
"""Bytes that are read; RFC 9309 §2.5 asks for 500 KiB at least."""
DAY = 86_400.0
LONGEST_DELAY = 3600.0


class Robots:
    """What hosts allow to programs; each host's file is asked for once a day. Safe for threads.

    Args:
        agent: Our name, as a robots.txt would write it.
        read: Reads a robots.txt: its bytes; raises `FileRefusedError` for 4xx and another `SourceError` otherwise.
        monotonic: Seconds.
    """

    def __init__(self, agent: str, *, read: Callable[[str], bytes], monotonic: Callable[[], float]) -> None:
        self._agent = agent
        self._read = read
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, protego.Protego]] = {}

    def delay(self, url: str) -> float:
        """Return the seconds that the host wants between two pages, once it is certain that this one may be read.

        Raises:
            FileRefusedError: The host's robots.txt forbids the page.
            SourceUnavailableError: There may be a robots.txt and it could not be read: that forbids everything (§2.3.1.4).
        """
        rules = self._rules(url)
        if not rules.can_fetch(url, self._agent):
            raise FileRefusedError(
                f"{url}: robots.txt forbids it to {self._agent}, and to nobody's harm it is left alone"
            )
        return min(float(rules.crawl_delay(self._agent) or 0.0), LONGEST_DELAY)

    def _rules(self, url: str) -> protego.Protego:
        import protego  # noqa: PLC0415 - needed only where pages are read

        scheme, host, port = origin_of(url)
        place = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        with self._lock:
            at, rules = self._known.get(place, (0.0, None))
            if rules is None or self._monotonic() - at > DAY:
                rules = protego.Protego.parse(self._text(f"{place}/robots.txt"))
                self._known[place] = (self._monotonic(), rules)
            return rules

    def _text(self, url: str) -> str:
        try:
            return self._read(url)[:LONGEST_FILE].decode("utf-8", "replace")
        except FileRefusedError:
            return ""  # there is none: everything is allowed (§2.3.1.3)
        except SourceError as error:
            raise SourceUnavailableError(f"{url}: not known what programs may read: {error.message}") from error
