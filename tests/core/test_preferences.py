from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from archiver.core.embedded import EmbeddedPreference
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.preferences import (
    Stated,
    combined,
    content_usage,
    embedded_preferences,
    header_preferences,
    host_preferences,
    preferences_record,
    recorded,
    written_preferences,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)
PATHS = ("/details/x", "/download/x/")


def hosts(robots="", tdmrep=""):
    found = host_preferences(robots, tdmrep, paths=PATHS, host="https://example.org", at=AT)
    return [(one.signal, one.category, one.value) for one in found]


def test_content_usage_says_yes_or_no_for_each_category_and_nothing_else():
    assert list(content_usage("train-ai=n, search=y;exceptions=cc-cr, other=maybe, x")) == [
        ("train-ai", "n"),
        ("search", "y"),
    ]


def test_robots_lines_count_where_they_cover_the_items_pages():
    robots = "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /elsewhere/ search=n\nDisallow: /private/\n"

    assert hosts(robots) == [("robots.txt Content-Usage", "train-ai", "n")]


def test_rules_for_crawlers_of_models_are_kept_as_access_and_never_as_use():
    robots = "User-agent: GPTBot\nUser-agent: SomeBot\nDisallow: /details/\nAllow: /details/x$\n\nUser-agent: Other\nDisallow: /\n"
    found = list(host_preferences(robots, "", paths=PATHS, host="https://example.org", at=AT))

    assert [(one.category, one.value, one.raw) for one in found] == [
        ("access", "y", "user-agent: gptbot; allow: /details/x$")
    ]
    assert combined(found) == {}


def test_a_reservation_in_tdmrep_covers_its_location():
    rules = [
        {"location": "/details/*", "tdm-reservation": 1, "tdm-policy": "https://example.org/policy"},
        {"location": "/other/", "tdm-reservation": 0},
        {"location": 3, "tdm-reservation": 1},
    ]

    assert hosts(tdmrep=json.dumps(rules)) == [("tdmrep.json", "tdm", "n")]
    assert hosts(tdmrep="not json") == []
    assert hosts(tdmrep="[" * 100_000) == []


def test_headers_are_the_hosts_word():
    headers = {
        "Content-Usage": "train-ai=n",
        "TDM-Reservation": "1",
        "X-Robots-Tag": "gptbot: noai, noindex",
        "ETag": "x",
    }
    found = list(header_preferences(headers, url="https://example.org/x", at=AT))

    assert [(one.signal, one.category, one.value, one.declared_by) for one in found] == [
        ("Content-Usage", "train-ai", "n", "host"),
        ("TDM-Reservation", "tdm", "n", "host"),
        ("X-Robots-Tag noai", "train-ai", "n", "host"),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING", {"train-ai": "n"}),
        ("http://ns.useplus.org/ldf/vocab/DMI-ALLOWED", {"tdm": "y", "train-ai": "y"}),
        ("http://ns.useplus.org/ldf/vocab/DMI-UNSPECIFIED", {}),
        ("something else", {}),
    ],
)
def test_data_mining_in_xmp_is_the_creators_word(raw, expected):
    found = list(embedded_preferences([EmbeddedPreference("plus:DataMining", raw)], subject="a.mp3", at=AT))

    assert combined(found) == expected
    assert {(one.declared_by, one.raw, one.subject) for one in found} == {("creator", raw, "a.mp3")}


def test_plain_words_against_training_are_heard():
    def heard(text):
        return [
            one.value for one in written_preferences([Declaration("ia.description", Scope.ITEM, text)], url="", at=AT)
        ]

    assert heard("Please do not use my music for AI training.") == ["n"]
    assert heard("AI training is not permitted") == ["n"]
    assert heard("A song about rain.") == []


def test_any_no_wins_and_the_record_keeps_every_statement():
    found = (
        *header_preferences({"Content-Usage": "train-ai=y, search=y"}, url="u", at=AT),
        *header_preferences({"Content-Usage": "train-ai=n"}, url="v", at=AT),
    )
    record = preferences_record(Stated(found, ("w: no answer",)))

    assert recorded(record) == (("search", "y"), ("train-ai", "n"))
    assert len(json.loads(record)["preferences"]) == 3
    assert json.loads(record)["unread"] == ["w: no answer"]
    assert recorded(b"[]") == recorded(b"\xff") == ()
