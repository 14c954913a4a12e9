"""Coverage: whether each version lies in as many good copies, places, under providers and on media as the settings ask for.

Versions that lie in the same stores fall short in the same way, so they are judged together, however many they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from archiver.core.findings import Finding
    from archiver.core.items import ItemId

ADD_A_STORE = "add a [stores.NAME] to archiver.toml, then: archiver replicate --to NAME"
REPAIR = "archiver repair --dry-run"


@dataclass(frozen=True, slots=True)
class StorePlan:
    """What the settings say about a store.

    Attributes:
        name: Of the store.
        kind: ``directory`` or ``s3``.
        location: Where it stands, or empty where nobody said; likewise the next three.
        provider: Who runs it.
        medium: What the bytes lie on.
        threat: The disaster that could take it.
        every: The longest time between two checks of a copy.
    """

    name: str
    kind: str
    location: str
    provider: str
    medium: str
    threat: str
    every: timedelta


@dataclass(frozen=True, slots=True)
class CopyRule:
    """How many there must be of each; 0 and 1 place, provider or medium ask for nothing.

    Attributes:
        copies: Good ones, in stores of the settings.
        places: Different ``location`` among their stores; likewise the next two.
        providers: Who runs them.
        media: What the bytes lie on.
    """

    copies: int
    places: int = 1
    providers: int = 1
    media: int = 1


@dataclass(frozen=True, slots=True)
class Spread:
    """In which stores the copies of a version are.

    Attributes:
        good: Stores whose copy was good when it was last checked.
        bad: Stores whose copy is damaged or missing.
    """

    good: frozenset[str]
    bad: frozenset[str] = frozenset()

    def mended(self) -> Spread:
        """Return what it would be once every damaged copy is repaired."""
        return Spread(self.good | self.bad)


@dataclass(frozen=True, slots=True)
class Lack:
    """One demand that is not met.

    Attributes:
        what: ``copies``, ``places``, ``providers`` or ``media``.
        wanted: How many the settings ask for.
        actual: How many there are; a store that says nothing of its place counts for none.
        has: What they are: names of stores, places, providers or media.
    """

    what: str
    wanted: int
    actual: int
    has: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Versions that fall short in the same way.

    Attributes:
        spread: Where their copies are.
        lacks: What they lack, never empty.
        number: How many versions.
        next: What to type or do now.
        versions: The versions, all of them or the first ones, in the order of items.
    """

    spread: Spread
    lacks: tuple[Lack, ...]
    number: int
    next: str
    versions: tuple[tuple[ItemId, int], ...] = ()


_KINDS = (("copies", ""), ("places", "location"), ("providers", "provider"), ("media", "medium"))
"""Each demand, with what the settings of a store say of it."""


def lacks(spread: Spread, rule: CopyRule, plans: Mapping[str, StorePlan]) -> tuple[Lack, ...]:
    """Return what a version lacks whose copies are so spread; a copy in a store that left the settings counts for nothing."""
    return tuple(_lacks(spread.good & plans.keys(), rule, plans))


def _lacks(good: frozenset[str], rule: CopyRule, plans: Mapping[str, StorePlan]) -> Iterator[Lack]:
    for what, attribute in _KINDS:
        wanted = getattr(rule, what)
        has = _distinct(good, attribute, plans) if attribute else tuple(sorted(good))
        if len(has) < wanted and (wanted > 1 or not attribute):
            yield Lack(what, wanted, len(has), has)


def _distinct(stores: frozenset[str], attribute: str, plans: Mapping[str, StorePlan]) -> tuple[str, ...]:
    said = (getattr(plans[name], attribute).strip() for name in sorted(stores))
    return tuple({text.casefold(): text for text in said if text}.values())


def remedy(spread: Spread, rule: CopyRule, plans: Mapping[str, StorePlan]) -> str:
    """Return what to do for a version that falls short: repair what suffices, else the store that helps most."""
    if not lacks(spread.mended(), rule, plans):
        return REPAIR
    if not spread.good and not spread.bad & plans.keys():
        return "archiver rebuild --from STORE   # no store of the settings is known to hold it"
    helping = [
        (sum(one.wanted - one.actual for one in lacks(Spread(spread.mended().good | {name}), rule, plans)), place, name)
        for place, name in enumerate(plans)
        if name not in spread.good | spread.bad
    ]
    before = sum(one.wanted - one.actual for one in lacks(spread.mended(), rule, plans))
    if not helping or min(helping)[0] >= before:
        return ADD_A_STORE
    return f"archiver replicate --to {min(helping)[2]}"


def judged(
    spread: Spread,
    versions: tuple[tuple[ItemId, int], ...],
    *,
    number: int,
    rule: CopyRule,
    plans: Mapping[str, StorePlan],
) -> Shortfall | None:
    """Return how versions fall short that are spread alike, or None where they do not."""
    found = lacks(spread, rule, plans)
    return Shortfall(spread, found, number, remedy(spread, rule, plans), versions) if found else None


def in_words(found: tuple[Lack, ...]) -> str:
    """Say what is lacking, as ``1 of 2 copies (primary); 0 of 2 places``."""
    return "; ".join(
        f"{one.actual} of {one.wanted} {one.what}" + (f" ({', '.join(one.has)})" if one.has else "") for one in found
    )


def findings_of(shortfall: Shortfall) -> Iterator[Finding]:
    """Yield a finding for each version that is named, and one that counts those that are not."""
    from archiver.core.findings import Finding, FindingCode  # noqa: PLC0415 - an audit makes findings of it, `status` does not

    expected = ", ".join(f"{one.wanted} {one.what}" for one in shortfall.lacks)
    actual = in_words(shortfall.lacks)

    def finding(where: str, next_: str) -> Finding:
        return Finding(FindingCode.COPIES_TOO_FEW, where, expected=expected, actual=actual, next=next_)

    for item, version in shortfall.versions:
        yield finding(f"{item} v{version}", shortfall.next)
    left = shortfall.number - len(shortfall.versions)
    if left > 0:
        also = "also" if shortfall.versions else "in the archive"
        yield finding(
            f"{left} versions {also}", f"{shortfall.next}   # all are named by: archiver status --output jsonl"
        )
