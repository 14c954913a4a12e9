"""What a crawl met and what became of it: a table that adds up, and what the next crawl need not ask again."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from archiver.core.errors import ItemNotFoundError
from archiver.core.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archiver.core.items import ItemId
    from archiver.core.outcomes import ItemOutcome

OVERLAP = timedelta(days=2)
"""A window begins so long before the last one's end: what a search learns late is not missed (docs/sources.md)."""
FULL_EVERY = timedelta(days=30)
"""Even where a source is asked by windows, everything is enumerated so often: what was withdrawn shows only there."""
ANEW_AFTER = timedelta(days=30)
"""An item that a search calls unchanged is described anew after so long; each item up to twice as long, by its name."""


class Stage(IntEnum):
    """How far an item came."""

    FOUND = 0
    """The source named it."""
    RECOGNISED = 1
    """The source says that it is as it was, and it was not asked for again."""
    DESCRIBED = 2
    """Its metadata was read."""
    ADMITTED = 3
    """The licence gate let it in by its metadata."""


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl, counted.

    ``found = recognised + described + not described`` and ``found = stored + unchanged + refused + quarantined + failed``.

    Attributes:
        announced: How many items the source said there are, or None.
        found: How many it named.
        recognised: Of those, how many were recognised as unchanged and not asked for again.
        described: Of those, how many were described.
        admitted: Of those described, how many the gate let in by their metadata.
        outcomes: How many ended how.
        reasons: Outcome, reason and number, the most frequent first; an item counts under each of its reasons.
        gone: Held items that the source named no more, and that it said are gone.
        is_whole: Whether the source was asked for everything and the enumeration came to its end.
    """

    announced: int | None
    found: int
    recognised: int
    described: int
    admitted: int
    outcomes: tuple[tuple[Outcome, int], ...]
    reasons: tuple[tuple[Outcome, str, int], ...]
    gone: int = 0
    is_whole: bool = False

    def number(self, outcome: Outcome) -> int:
        """Return how many ended so."""
        return dict(self.outcomes).get(outcome, 0)

    @property
    def adds_up(self) -> bool:
        """Tell whether every item that was found is accounted for."""
        return self.found == sum(number for _, number in self.outcomes) and self.undescribed >= 0

    @property
    def undescribed(self) -> int:
        """How many were neither recognised nor described: no answer, or withdrawn."""
        return self.found - self.recognised - self.described

    def to_json(self) -> dict[str, Any]:
        """Return it as the catalogue and the machine output have it."""
        return {
            "announced": self.announced,
            "found": self.found,
            "recognised": self.recognised,
            "described": self.described,
            "admitted": self.admitted,
            **{outcome.value: self.number(outcome) for outcome in Outcome},
            "gone": self.gone,
            "reasons": {
                outcome.value: {reason: number for one, reason, number in self.reasons if one is outcome}
                for outcome in Outcome
                if any(one is outcome for one, _, _ in self.reasons)
            },
            "whole": self.is_whole,
        }


def recognise_crawl(record: object) -> Crawl | None:
    """Read what `Crawl.to_json` returned, or return None where it is no such thing."""
    try:
        values: dict[str, Any] = dict(record)  # type: ignore[call-overload]
        announced = values["announced"]
        return Crawl(
            announced=None if announced is None else int(announced),
            found=int(values["found"]),
            recognised=int(values["recognised"]),
            described=int(values["described"]),
            admitted=int(values["admitted"]),
            outcomes=tuple((outcome, int(values[outcome.value])) for outcome in Outcome),
            reasons=tuple(
                (Outcome(outcome), str(reason), int(number))
                for outcome, by_reason in values["reasons"].items()
                for reason, number in by_reason.items()
            ),
            gone=int(values["gone"]),
            is_whole=bool(values["whole"]),
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def summed(crawls: Iterable[Crawl]) -> Crawl:
    """Return several crawls as one; what was announced is unknown where one of them does not know it."""
    crawls = tuple(crawls)
    reasons: Counter[tuple[Outcome, str]] = Counter()
    for crawl in crawls:
        reasons.update({(outcome, reason): number for outcome, reason, number in crawl.reasons})
    announced = [crawl.announced for crawl in crawls if crawl.announced is not None]
    return Crawl(
        announced=sum(announced) if crawls and len(announced) == len(crawls) else None,
        found=sum(crawl.found for crawl in crawls),
        recognised=sum(crawl.recognised for crawl in crawls),
        described=sum(crawl.described for crawl in crawls),
        admitted=sum(crawl.admitted for crawl in crawls),
        outcomes=tuple((outcome, sum(crawl.number(outcome) for crawl in crawls)) for outcome in Outcome),
        reasons=tuple((*key, number) for key, number in reasons.most_common()),
        gone=sum(crawl.gone for crawl in crawls),
        is_whole=all(crawl.is_whole for crawl in crawls),
    )


@dataclass(slots=True)
class CrawlTally:
    """Counts a crawl while it goes on; not safe for threads."""

    announced: int | None = None
    gone: int = 0
    is_whole: bool = False
    _stages: Counter[Stage] = field(default_factory=Counter)
    _outcomes: Counter[Outcome] = field(default_factory=Counter)
    _reasons: Counter[tuple[Outcome, str]] = field(default_factory=Counter)

    def take(self, outcome: ItemOutcome) -> None:
        """Count how an item ended."""
        self._stages[Stage(outcome.stage)] += 1
        self._outcomes[outcome.outcome] += 1
        # What stands behind a colon names a file or a store: it would make a table without end.
        for reason in dict.fromkeys(reason.partition(":")[0] for reason in outcome.reasons):
            self._reasons[outcome.outcome, reason] += 1

    def crawl(self) -> Crawl:
        """Return what was counted so far."""
        admitted = self._stages[Stage.ADMITTED]
        return Crawl(
            announced=self.announced,
            found=sum(self._stages.values()),
            recognised=self._stages[Stage.RECOGNISED],
            described=self._stages[Stage.DESCRIBED] + admitted,
            admitted=admitted,
            outcomes=tuple((outcome, self._outcomes[outcome]) for outcome in Outcome),
            reasons=tuple((*key, number) for key, number in self._reasons.most_common()),
            gone=self.gone,
            is_whole=self.is_whole,
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is remembered of an item as a selection met it.

    Attributes:
        item: Identifier.
        mark: Stands for the item's state at its source and for how it was judged; empty where it must be asked for again.
        outcome: How it ended.
        reasons: Why.
        detail: Why, in words.
        described_at: When its metadata was last read.
        aip: The newest version's place in every store without a final ``/``, or empty where nothing is held.
        licence: Of that version.
        files: Of that version.
        stores: Where that version has a copy.
        damaged: Where that copy is not good.
        is_settled: Whether nobody has withdrawn or judged the item since.
    """

    item: ItemId
    mark: str
    outcome: Outcome
    reasons: tuple[str, ...]
    detail: str
    described_at: datetime
    aip: str = ""
    licence: str = ""
    files: int = 0
    stores: frozenset[str] = frozenset()
    damaged: tuple[str, ...] = ()
    is_settled: bool = True

    def stands(self, mark: str, *, stores: frozenset[str], now: datetime) -> bool:
        """Tell whether the item need not be asked for again.

        Args:
            mark: As it is now.
            stores: Where the selection wants copies.
            now: For the age of what is remembered.
        """
        if not mark or mark != self.mark or not self.is_settled or self.outcome is Outcome.FAILED:
            return False
        if self.outcome in {Outcome.STORED, Outcome.UNCHANGED} and not (self.aip and stores <= self.stores):
            return False
        spread = hashlib.sha256(str(self.item).encode("utf-8", "surrogatepass")).digest()[0] / 256
        return now - self.described_at < ANEW_AFTER * (1 + spread)


@dataclass(frozen=True, slots=True)
class Window:
    """What a selection has seen to its end.

    Attributes:
        digest: Of the selection file; another one has seen nothing.
        until: When the last complete run began.
        full_at: When the last complete run began that enumerated everything.
        unknown: What was named since then and is not known where it should be; a source of windows may not name it again.
    """

    digest: str
    until: datetime
    full_at: datetime
    unknown: tuple[ItemId, ...] = ()


def since_when(window: Window | None, *, digest: str, now: datetime) -> datetime | None:
    """Return since when a source need be asked, or None for everything."""
    if window is None or window.digest != digest or now - window.full_at >= FULL_EVERY:
        return None
    return window.until - OVERLAP


def again(window: Window | None, *, digest: str, since: datetime | None) -> tuple[ItemId, ...]:
    """Return what is asked for besides what a source names of the time since then."""
    return () if window is None or window.digest != digest or since is None else window.unknown


def moved(
    window: Window | None, crawl: Crawl, *, digest: str, began: datetime, since: datetime | None
) -> Window | None:
    """Return the window after a run, or None where it stays as it is.

    It moves only over what was seen to its end without a gap: after an interrupted run, one with failures, or one that was
    asked to begin later than the last one ended, the next run asks for everything since then again. That an item is not
    known is an answer, however, and the item alone is asked for `again`: one that stays gone holds nothing else up.
    """
    if not crawl.is_whole or crawl.number(Outcome.FAILED) != _unknown(crawl):
        return None
    if since is None:
        return Window(digest, began, began)
    if window is None or window.digest != digest or since > window.until:
        return None
    return Window(digest, began, window.full_at)


def _unknown(crawl: Crawl) -> int:
    """Return how many failed because they are not known, or nought where anything failed for another reason."""
    failed = {reason: number for outcome, reason, number in crawl.reasons if outcome is Outcome.FAILED}
    return failed.get(ItemNotFoundError.reason, 0) if len(failed) == 1 else 0


def mark_of(parts: Mapping[str, str]) -> str:
    """Return one short text for all that an item's judgement rests on, or nothing where the source gives no mark of its state."""
    if not parts.get("state"):
        return ""
    text = "\n".join(f"{key}={value}" for key, value in sorted(parts.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
