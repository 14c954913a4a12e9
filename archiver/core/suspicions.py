"""Recordings that somebody should listen to: silent, clipped, half dead, other than they are said to be.

A suspicion is no damage: the bytes are those that the source gave. It says where a collection's own faults are likely.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.examinations import WARNINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archiver.core.items import ItemId
    from archiver.core.loudness import Loudness

PREVIEW = "AUDIO_PREVIEW_LENGTH"
"""A recording has exactly the length that shops cut their previews to, and the others of its item tell that it is one."""
PREVIEW_LENGTHS = (30.0, 45.0, 60.0, 90.0)
"""Seconds."""
SLACK = 0.6
"""Seconds: a frame or two, and the silence that an encoder adds."""
LONGER = 2.0
"""Times as long as a preview the others of an item are, taken in the middle."""
UNMEASURED = {"WEB_PAGE_AS_AUDIO": "a web page bears its name", "NO_AUDIO": "no decoder makes a sample of it"}
"""Reasons why a recording was not measured that are suspicious themselves, in words."""
_WARNINGS = frozenset(code.value for code in WARNINGS)


@dataclass(frozen=True, slots=True)
class Measured:
    """What measuring one payload file came to.

    Attributes:
        path: In the bag.
        loudness: None where it could not be measured.
        reason: Stable code of why not; empty where it was.
    """

    path: str
    loudness: Loudness | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of the newest version of an item, with everything the catalogue knows of its sound.

    Attributes:
        item: Whose.
        version: Of the item.
        path: In the bag.
        measured: None where nobody has measured it.
        seconds: Decoded length, or None where nobody has examined it.
        codes: Of the examination's remarks.
        is_examined: Whether somebody has examined it.
    """

    item: ItemId
    version: int
    path: str
    measured: Measured | None = None
    seconds: float | None = None
    codes: tuple[str, ...] = ()
    is_examined: bool = False

    @property
    def length(self) -> float | None:
        """Seconds, whoever found them."""
        if self.measured is not None and self.measured.loudness is not None:
            return self.measured.loudness.seconds
        return self.seconds


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One reason to listen to one recording."""

    item: ItemId
    version: int
    path: str
    code: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; keys are promises (`docs/loudness.md`)."""
        return {
            "item": str(self.item),
            "version": self.version,
            "path": self.path,
            "code": self.code,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class SuspicionReport:
    """Every suspicion, and what they were looked for in.

    Attributes:
        suspicions: In the order of items and paths.
        recordings: Known.
        measured: Of which somebody has measured the loudness.
        examined: Of which somebody has examined the bytes.
    """

    suspicions: tuple[Suspicion, ...]
    recordings: int
    measured: int
    examined: int

    @property
    def codes(self) -> tuple[tuple[str, int], ...]:
        """How many suspicions have each code, the most frequent first."""
        counts = Counter(one.code for one in self.suspicions)
        return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def suspicious(self) -> int:
        """Recordings with at least one suspicion."""
        return len({(one.item, one.path) for one in self.suspicions})


def suspicions_of(recordings: Sequence[Recording]) -> Iterator[Suspicion]:
    """Yield what is suspicious of the recordings of one item, in their order."""
    lengths = [one.length for one in recordings]
    for place, one in enumerate(recordings):
        for code, detail in _reasons(one, [length for other, length in enumerate(lengths) if other != place]):
            yield Suspicion(one.item, one.version, one.path, code, detail)


def _reasons(one: Recording, others: Iterable[float | None]) -> Iterator[tuple[str, str]]:
    if one.measured is not None and one.measured.loudness is not None:
        for sign in one.measured.loudness.signs:
            yield sign.value, one.measured.loudness.in_words()
    if one.measured is not None and one.measured.reason in UNMEASURED:
        yield one.measured.reason, UNMEASURED[one.measured.reason]
    for code in one.codes:
        yield code, "a warning of the examination" if code in _WARNINGS else "found by the examination"
    if one.length is not None and _is_preview(one.length, [length for length in others if length is not None]):
        yield PREVIEW, f"{one.length:.2f} seconds"


def _is_preview(length: float, others: list[float]) -> bool:
    """Tell a preview by its length: among longer recordings, or where all of at least two have been cut alike."""
    near = next((wanted for wanted in PREVIEW_LENGTHS if abs(length - wanted) <= SLACK), None)
    if near is None or not others:
        return False
    from statistics import median  # noqa: PLC0415 - every command imports this module, and few measure

    return median(others) >= LONGER * near or all(abs(other - near) <= SLACK for other in others)
