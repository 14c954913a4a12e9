"""What versions lack, and what is to be done about it."""

from __future__ import annotations

from datetime import timedelta

from archiver.core.coverage import (
    ADD_A_STORE,
    REPAIR,
    CopyRule,
    Shortfall,
    Spread,
    StorePlan,
    findings_of,
    in_words,
    lacks,
    remedy,
)
from archiver.core.items import ItemId


def plan(name, location="", provider="", medium=""):
    return StorePlan(name, "directory", location, provider, medium, "", timedelta(days=90))


PLANS = {
    "home": plan("home", "Berlin", "us", "disk"),
    "cellar": plan("cellar", "BERLIN ", "us", "disk"),
    "cloud": plan("cloud", "Helsinki", "Example Cloud", "object storage"),
}


def spread(*good, bad=()):
    return Spread(frozenset(good), frozenset(bad))


def test_enough_copies_in_enough_places_lack_nothing():
    assert lacks(spread("home", "cloud"), CopyRule(2, 2, 2, 2), PLANS) == ()


def test_places_are_told_apart_whatever_their_spelling_and_each_lack_is_named():
    found = lacks(spread("home", "cellar"), CopyRule(3, 2, 2, 2), PLANS)
    assert in_words(found).casefold() == (
        "2 of 3 copies (cellar, home); 1 of 2 places (berlin); 1 of 2 providers (us); 1 of 2 media (disk)"
    )
    assert [one.what for one in found] == ["copies", "places", "providers", "media"]


def test_a_store_that_says_nothing_counts_for_no_place_and_one_place_asks_for_nothing():
    plans = {"a": plan("a"), "b": plan("b")}
    assert lacks(spread("a", "b"), CopyRule(2), plans) == ()
    assert [(one.what, one.actual) for one in lacks(spread("a", "b"), CopyRule(2, 2), plans)] == [("places", 0)]


def test_a_copy_that_is_damaged_or_in_a_store_that_left_the_settings_counts_for_nothing():
    assert [one.actual for one in lacks(spread("home", "gone", bad=["cloud"]), CopyRule(2), PLANS)] == [1]


def test_what_repair_suffices_for_is_repaired():
    assert remedy(spread("home", bad=["cloud"]), CopyRule(2, 2), PLANS) == REPAIR


def test_the_store_that_helps_most_is_named():
    assert remedy(spread("home"), CopyRule(2), PLANS) == "archiver replicate --to cellar"
    assert remedy(spread("home"), CopyRule(2, 2), PLANS) == "archiver replicate --to cloud"


def test_where_no_store_helps_one_is_to_be_added():
    assert remedy(spread("home", "cellar", "cloud"), CopyRule(4), PLANS) == ADD_A_STORE
    assert remedy(spread("home", "cloud"), CopyRule(2, 3), PLANS) == ADD_A_STORE


def test_versions_that_are_not_named_are_counted_in_a_finding():
    rule = CopyRule(2)
    named = ((ItemId("local", "x"), 1),)
    short = Shortfall(spread("home"), lacks(spread("home"), rule, PLANS), 7, "archiver replicate --to cloud", named)
    found = list(findings_of(short))
    assert [one.where for one in found] == ["local/x v1", "6 versions also"]
    assert {(one.code, one.expected, one.actual) for one in found} == {
        ("COPIES_TOO_FEW", "2 copies", "1 of 2 copies (home)")
    }
    assert all(one.next.startswith("archiver replicate --to cloud") for one in found)
