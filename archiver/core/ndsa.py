"""NDSA Levels of Digital Preservation 2.0 (2019): which level is reached in each area, from facts.

A level is reached when every criterion of it and of the levels below is met. What no program can see (a plan, a policy, a
virus check made elsewhere) counts when the operator declares it in the settings, and is shown as declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from archiver.core.events import EventType
from archiver.core.surveys import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.core.coverage import StorePlan
    from archiver.core.surveys import Survey


class Area(StrEnum):
    """The five functional areas, in the order of the matrix."""

    STORAGE = "Storage"
    INTEGRITY = "Integrity"
    CONTROL = "Control"
    METADATA = "Metadata"
    CONTENT = "Content"


LEVELS = ("none", "1 Know your content", "2 Protect your content", "3 Monitor your content", "4 Sustain your content")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand of the matrix and how the archive stands to it.

    Attributes:
        id: Stable, as it stands in the settings: area, level, letter.
        area: Of the matrix.
        level: 1 to 4.
        demand: What is asked.
        is_met: Whether the facts, or a declaration, meet it.
        evidence: The facts looked at, also where they do not suffice.
        gap: What is missing, or empty.
        is_declared: Whether it rests on the operator's word.
    """

    id: str
    area: Area
    level: int
    demand: str
    is_met: bool
    evidence: str
    gap: str
    is_declared: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer: criteria in the order of the matrix."""

    criteria: tuple[Criterion, ...]

    def level(self, area: Area) -> int:
        """Return the level reached in an area, 0 to 4."""
        for level in range(1, 5):
            if not all(one.is_met for one in self.criteria if one.area is area and one.level == level):
                return level - 1
        return 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known.

    Attributes:
        survey: Of the copies.
        done: To how many held items each type of event has happened with success.
        agents: Events by agent.
        untitled: Items without a title.
        declared: The operator's declarations by criterion.
        examined: Items whose recordings were identified from their bytes and decoded before they were bagged.
    """

    survey: Survey
    done: Mapping[EventType, int]
    agents: Mapping[str, int]
    untitled: int
    declared: Mapping[str, str]
    examined: int

    @property
    def plans(self) -> tuple[StorePlan, ...]:
        """Stores that hold at least one copy."""
        return tuple(one.plan for one in self.survey.forecasts if one.copies)


def assess(facts: Facts) -> Assessment:
    """Return how the archive stands to every criterion."""
    found = (*_storage(facts), *_integrity(facts), *_control(facts), *_metadata(facts), *_content(facts))
    return Assessment(tuple(sorted(found, key=lambda one: (list(Area).index(one.area), one.level, one.id))))


def _told(plans: Sequence[StorePlan], what: str) -> str:
    return "; ".join(f"{plan.name}: {getattr(plan, what) or 'not said'}" for plan in plans) or "no store holds a copy"


def _distinct(plans: Sequence[StorePlan], what: str) -> int:
    return len({getattr(plan, what).casefold() for plan in plans if getattr(plan, what)})


def copies_in_places(survey: Survey) -> tuple[int, int, int]:
    """Return over all items the least number of good copies, of their locations, and of their threats."""
    plans = {one.plan.name: one.plan for one in survey.forecasts}
    stores: dict[object, list[StorePlan]] = {}
    for line in survey.lines:
        entry = stores.setdefault(line.holding.item, [])
        if line.copy.status.value == "good":
            entry.append(plans[line.copy.store])
    if len(stores) < survey.items or not stores:
        return 0, 0, 0
    values = stores.values()
    return (
        min(len(held) for held in values),
        min(_distinct(held, "location") for held in values),
        min(_distinct(held, "threat") for held in values),
    )


def _storage(facts: Facts) -> Iterator[Criterion]:
    plans = facts.plans
    copies, places, threats = copies_in_places(facts.survey)
    least = f"every item has at least {copies} good copies, in at least {places} locations"
    kinds, providers = _distinct(plans, "medium"), _distinct(plans, "provider")
    area = Area.STORAGE
    yield _fact("storage-1a", area, 1, "two complete copies in separate locations", copies >= 2 and places >= 2,
                f"{least} ({_told(plans, 'location')})",
                "add a store elsewhere and set location for each: archiver replicate --to NAME")  # fmt: skip
    yield _fact("storage-1b", area, 1, "media documented and content on stable storage",
                bool(plans) and all(plan.medium for plan in plans), _told(plans, "medium"),
                "set medium in [stores.NAME]")  # fmt: skip
    yield _fact("storage-2a", area, 2, "three copies, at least one in another geographic location",
                copies >= 3 and places >= 2, least, "add a third store: archiver replicate --to NAME")  # fmt: skip
    yield _fact("storage-2b", area, 2, "storage and what it depends on documented",
                bool(plans) and all(plan.location and plan.provider and plan.medium for plan in plans),
                _told(plans, "provider"), "set location, provider and medium in every [stores.NAME]")  # fmt: skip
    yield _fact("storage-3a", area, 3, "a copy where another disaster threatens", threats >= 2,
                _told(plans, "threat"), "set threat in [stores.NAME]; add a store with another one")  # fmt: skip
    yield _fact("storage-3b", area, 3, "a copy on another type of medium", kinds >= 2,
                _told(plans, "medium"), "add a store on another medium")  # fmt: skip
    yield _word(facts, "storage-3c", area, 3, "obsolescence of storage is tracked")
    yield _fact("storage-4a", area, 4, "three copies in three geographies, each with another threat",
                copies >= 3 and places >= 3 and threats >= 3, f"{least}, under at least {threats} threats",
                "add stores until three locations and three threats are told")  # fmt: skip
    yield _fact("storage-4b", area, 4, "no single point of failure: more than one provider and medium",
                providers >= 2 and kinds >= 2, f"{providers} providers, {kinds} media", "add another provider")  # fmt: skip
    yield _word(facts, "storage-4c", area, 4, "a plan for obsolescence of storage is carried out")


_ALWAYS = True
"""What the program itself sees to."""


def _integrity(facts: Facts) -> Iterator[Criterion]:
    survey, area, done = facts.survey, Area.INTEGRITY, facts.done
    hashed = max(done.get(EventType.MESSAGE_DIGEST_CALCULATION, 0), done.get(EventType.INGESTION, 0))
    checked = done.get(EventType.FIXITY_CHECK, 0)
    proven = sum(line.copy.grade.value >= 3 for line in survey.lines)
    _, places, _ = copies_in_places(survey)
    repaired = sum(one.mended is not None for one in survey.incidents)
    yield _fact("integrity-1a", area, 1, "supplied fixity verified; generated where there was none",
                bool(survey.items) and hashed >= survey.items,
                f"{hashed:,} of {survey.items:,} items were captured with digests",
                "harvest the items again")  # fmt: skip
    yield _word(facts, "integrity-1b", area, 1, "content is checked for viruses and isolated where needed")
    yield _fact("integrity-2a", area, 2, "fixity verified when content is moved or copied",
                bool(survey.lines) and proven == len(survey.lines),
                f"{proven:,} of {len(survey.lines):,} copies are proven by a digest (grade provider or better)",
                "archiver audit --all --grade read")  # fmt: skip
    yield _fact("integrity-2b", area, 2, "write-blockers on original media", _ALWAYS,
                "does not apply: content arrives over the network, no original medium is attached", "")  # fmt: skip
    yield _fact("integrity-2c", area, 2, "integrity information backed up in a separate location", places >= 2,
                "each copy carries its manifests; the catalogue keeps the digest of each tag manifest",
                "keep copies in two locations")  # fmt: skip
    yield _fact("integrity-3a", area, 3, "fixity verified at fixed intervals",
                bool(survey.lines) and not survey.overdue and checked > 0,
                "; ".join(f"{one.plan.name}: every {one.plan.every.days} days, {one.overdue:,} overdue"
                          for one in survey.forecasts) or "no stores",
                "archiver audit --due; and let it run by itself: archiver schedule systemd")  # fmt: skip
    yield _fact("integrity-3b", area, 3, "process and outcomes of verification documented", checked > 0,
                f"fixity checks of {checked:,} items stand in the log", "archiver audit")  # fmt: skip
    yield _fact("integrity-3c", area, 3, "integrity can be audited on demand", _ALWAYS, "archiver audit --all", "")
    yield _fact("integrity-4a", area, 4, "fixity verified in response to events", checked > 0,
                "every byte is read after a write, before a repair and before dissemination", "archiver audit")  # fmt: skip
    yield _fact("integrity-4b", area, 4, "damaged content replaced or repaired",
                bool(survey.items) and survey.verdict is not Verdict.DAMAGED and not survey.open_incidents,
                f"{repaired:,} of {len(survey.incidents):,} failed checks were put right; {survey.unproven:,} copies are not good now",
                "archiver repair")  # fmt: skip


def _control(facts: Facts) -> Iterator[Criterion]:
    area, number = Area.CONTROL, sum(facts.agents.values())
    named = ", ".join(list(facts.agents)[:5]) or "nobody"
    yield _word(facts, "control-1a", area, 1, "who may read, write, move and delete content is determined")
    yield _word(facts, "control-2a", area, 2, "these rights are documented and applied")
    ingested = facts.done.get(EventType.INGESTION, 0)
    yield _fact("control-3a", area, 3, "actions logged with the agent who took them",
                bool(facts.survey.items) and ingested >= facts.survey.items,
                f"{number:,} events in an append-only chain; agents: {named}",
                "items without an ingestion event: archiver rebuild --from STORE")  # fmt: skip
    yield _word(facts, "control-4a", area, 4, "logs are reviewed periodically (archiver log verify)")


def _metadata(facts: Facts) -> Iterator[Criterion]:
    survey, area = facts.survey, Area.METADATA
    copies, _, _ = copies_in_places(survey)
    has = bool(survey.items)
    yield _fact("metadata-1a", area, 1, "inventory with storage locations, backed up apart from it",
                has and copies >= 2,
                f"{survey.items:,} items, {len(survey.lines):,} copies with store and key; rebuilt from any store",
                "keep every item in two stores")  # fmt: skip
    yield _fact("metadata-2a", area, 2, "enough metadata to know what the content is",
                has and facts.untitled == 0,
                f"{survey.items - facts.untitled:,} of {survey.items:,} items have a title; every one has a licence",
                "items without a title: archiver report audit --report audit.csv")  # fmt: skip
    yield _fact("metadata-3a", area, 3, "metadata standards chosen", has, "BagIt 1.0, PREMIS 3 in every bag",
                "harvest something")  # fmt: skip
    yield _word(facts, "metadata-3b", area, 3, "gaps in the metadata are looked for and filled")
    acted = facts.done.get(EventType.INGESTION, 0)
    yield _fact("metadata-4a", area, 4, "preservation actions recorded with their dates", has and acted >= survey.items,
                f"{acted:,} of {survey.items:,} items have an ingestion event; premis.xml is in every bag",
                "archiver rebuild --from STORE")  # fmt: skip
    yield _fact("metadata-4b", area, 4, "the chosen standards implemented", has,
                "every bag satisfies its BagIt profile", "harvest something")  # fmt: skip


def _content(facts: Facts) -> Iterator[Criterion]:
    survey, area = facts.survey, Area.CONTENT
    # Those validated later, by audits, may be others or the same: the greater number is certain.
    identified, validated = facts.examined, max(facts.examined, facts.done.get(EventType.VALIDATION, 0))
    has = bool(survey.items)
    yield _fact("content-1a", area, 1, "formats documented, and how they were identified",
                has and identified >= survey.items,
                f"formats of {identified:,} of {survey.items:,} items were identified from their bytes",
                "items harvested before formats were identified: harvest them again")  # fmt: skip
    yield _fact("content-2a", area, 2, "formats verified", has and validated >= survey.items,
                f"{validated:,} of {survey.items:,} items were validated", "archiver audit --grade decode")  # fmt: skip
    yield _word(facts, "content-2b", area, 2, "work with creators towards sustainable formats")
    yield _word(facts, "content-3a", area, 3, "obsolescence of formats is monitored")
    yield _word(facts, "content-4a", area, 4, "content is migrated, normalised or emulated where needed")


def _fact(  # noqa: PLR0913, PLR0917 - the columns of one table, in its order
    id_: str,
    area: Area,
    level: int,
    demand: str,
    is_met: bool,  # noqa: FBT001
    evidence: str,
    gap: str,
) -> Criterion:
    return Criterion(id_, area, level, demand, is_met=is_met, evidence=evidence, gap="" if is_met else gap)


def _word(facts: Facts, id_: str, area: Area, level: int, demand: str) -> Criterion:
    said = facts.declared.get(id_, "").strip()
    evidence = f"declared: {said}" if said else "no program can see this, and nobody declared it"
    gap = "" if said else f'set "{id_}" in [declarations] to where it is written down'
    return Criterion(id_, area, level, demand, is_met=bool(said), evidence=evidence, gap=gap, is_declared=True)


DECLARABLE = (
    "storage-3c", "storage-4c", "integrity-1b", "control-1a", "control-2a", "control-4a", "metadata-3b", "content-2b",
    "content-3a", "content-4a",
)  # fmt: skip
"""Criteria that rest on the operator's word."""
