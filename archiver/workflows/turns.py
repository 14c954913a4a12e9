"""Turns: where files of one source lie on many hosts, the items of each host come in their turn."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from archiver.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.items import ItemId
    from archiver.workflows.recognise import Candidate

AHEAD = 500
"""Candidates looked at ahead of their turn: names only, a few hundred bytes each."""


class Turns:
    """Candidates in the order of their source, but for those of a host that has its share in hand: they wait.

    So a host that drips, or lets its guests wait, keeps its share of the walkers and no more. For one thread; the caller
    says what has `ended`.

    Args:
        candidates: In the order of their source; those without a host never wait.
        share: Items of one host in hand while candidates of others are in sight.
    """

    def __init__(self, candidates: Iterator[Candidate], *, share: int) -> None:
        self._candidates = candidates
        self._share = share
        self._waiting: dict[str, deque[Candidate]] = {}
        self._number = 0
        self._in_hand: Counter[str] = Counter()
        self._hosts: dict[ItemId, str] = {}

    def __iter__(self) -> Iterator[Candidate]:
        """Yield the next candidate whose turn it is.

        Raises:
            SourceError: The source broke off; every candidate it named before was yielded.
        """
        failure: SourceError | None = None
        try:
            for candidate in self._candidates:
                if not candidate.host or candidate.recognised is not None:
                    yield candidate
                else:
                    self._waiting.setdefault(candidate.host, deque()).append(candidate)
                    self._number += 1
                yield from self._next(until=AHEAD)
        except SourceError as error:
            failure = error
        yield from self._next(until=1)
        if failure is not None:
            raise failure

    def ended(self, item: ItemId) -> None:
        """Take down that an item is in hand no more."""
        host = self._hosts.pop(item, "")
        if host:
            self._in_hand[host] -= 1

    def _next(self, *, until: int) -> Iterator[Candidate]:
        """Yield whose turn it is; while as many as ``until`` wait, also those whose host has its share."""
        while self._waiting:
            quietest = min(self._waiting, key=self._in_hand.__getitem__)
            if self._in_hand[quietest] >= self._share and self._number < until:
                return
            yield self._taken(quietest)

    def _taken(self, host: str) -> Candidate:
        line = self._waiting[host]
        candidate = line.popleft()
        if not line:
            del self._waiting[host]
        self._number -= 1
        self._in_hand[host] += 1
        self._hosts[candidate.item] = host
        return candidate
