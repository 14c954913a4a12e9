"""NDSA levels from facts: each fact moves exactly the area it belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from archiver.core.coverage import StorePlan
from archiver.core.events import EventType
from archiver.core.fixity import Grade
from archiver.core.holdings import Copy, CopyStatus
from archiver.core.ndsa import DECLARABLE, Area, Facts, assess
from archiver.core.surveys import Surveyor
from tests.reports.surveys import NOW, holding

PLACES = (("a", "Berlin", "own hardware", "disk", "fire"), ("b", "Helsinki", "Cloud", "object storage", "bankruptcy"),
          ("c", "Lisbon", "Library", "tape", "earthquake"))  # fmt: skip


def facts(
    *, stores=3, status=CopyStatus.GOOD, age=1, declared=(), done=None, told=True, grade=Grade.READ, examined=4
) -> Facts:
    plans = [
        StorePlan(name, "directory", *((place, who, medium, threat) if told else ("", "", "", "")), timedelta(days=90))
        for name, place, who, medium, threat in PLACES[:stores]
    ]
    surveyor = Surveyor(at=NOW, plans=plans, wanted_copies=1)
    copies = tuple(Copy(plan.name, "k", status, grade, NOW - timedelta(days=age)) for plan in plans)
    for number in range(4):
        surveyor.add(replace(holding(number), copies=copies))
    survey = surveyor.survey(organisation="", program="", checks=(), incidents=())
    everything = dict.fromkeys(EventType, 4)
    return Facts(
        survey,
        everything if done is None else done,
        {"software: archiver": 9},
        0,
        dict.fromkeys(declared, "doc"),
        examined,
    )


def levels(found: Facts) -> dict[Area, int]:
    assessment = assess(found)
    return {area: assessment.level(area) for area in Area}


def test_three_places_with_everything_declared_reach_level_four_in_storage_and_integrity():
    found = levels(facts(declared=DECLARABLE))
    assert found[Area.STORAGE] == found[Area.INTEGRITY] == found[Area.CONTROL] == found[Area.METADATA] == 4


def test_formats_count_as_documented_and_verified_where_every_item_was_examined():
    def met(**known):
        return {one.id for one in assess(facts(**known)).criteria if one.is_met} & {"content-1a", "content-2a"}

    assert met(examined=4, done={}) == {"content-1a", "content-2a"}
    assert met(examined=3, done={}) == set()
    assert met(examined=0) == {"content-2a"}  # all validated by an audit, none identified


def test_storage_falls_with_each_copy_and_with_places_nobody_told():
    def storage(**known):
        return levels(facts(declared=DECLARABLE, **known))[Area.STORAGE]

    assert [storage(stores=number) for number in (3, 2, 1)] == [4, 1, 0]
    assert storage(told=False) == 0


def test_damage_lowers_integrity_and_says_what_to_type():
    damaged = facts(status=CopyStatus.DAMAGED, declared=DECLARABLE)
    assessment = assess(damaged)
    assert assessment.level(Area.INTEGRITY) == 1
    gap = next(one for one in assessment.criteria if one.id == "integrity-4b")
    assert gap.gap == "archiver repair"


def test_overdue_checks_keep_integrity_below_three():
    assert levels(facts(age=91, declared=DECLARABLE))[Area.INTEGRITY] == 2


def test_a_copy_that_is_only_listed_is_not_verified_on_arrival():
    assert levels(facts(grade=Grade.SIZE, declared=DECLARABLE))[Area.INTEGRITY] == 1


def test_what_no_program_sees_counts_only_when_declared_and_says_that_it_is():
    assert levels(facts())[Area.CONTROL] == 0
    assert levels(facts(declared=("control-1a", "control-2a")))[Area.CONTROL] == 3
    shown = {one.id: one for one in assess(facts(declared=("control-1a",))).criteria}
    assert shown["control-1a"].evidence == "declared: doc"
    assert shown["control-1a"].is_declared
    assert {one.id for one in shown.values() if one.is_declared} == set(DECLARABLE)


def test_no_events_no_levels():
    assert levels(facts(done={}, declared=DECLARABLE))[Area.INTEGRITY] == 0


def test_an_empty_archive_reaches_nothing_but_what_was_declared():
    empty = Surveyor(at=NOW, plans=(), wanted_copies=2).survey(organisation="", program="", checks=(), incidents=())
    found = levels(Facts(empty, {}, {}, 0, {}, 0))
    assert set(found.values()) == {0}


def test_every_area_and_level_of_the_matrix_is_asked_about():
    asked = {(one.area, one.level) for one in assess(facts()).criteria}
    assert asked == {(area, level) for area in Area for level in range(1, 5)}
