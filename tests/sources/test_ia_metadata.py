"""Answers of the metadata service whose fields have forms that nobody expects."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from archiver.core.errors import ItemDarkError, SourceProtocolError
from archiver.core.gate import judge_item
from archiver.core.items import ItemId
from archiver.core.licences.decisions import Outcome
from archiver.core.licences.policies import policy_named
from archiver.shelf.licences import licence_table
from archiver.sources.ia_metadata import parse_item
from tests.archive import LICENCE

ITEM = ItemId("internet-archive", "odd")


def parsed(metadata=None, entry=None, **top):
    answer = {
        "metadata": {"identifier": "odd", "licenseurl": LICENCE, **(metadata or {})},
        "files": [{"name": "song.flac", "source": "original", **(entry or {})}],
        **top,
    }
    return parse_item(
        ITEM,
        json.dumps(answer).encode(),
        endpoint="http://127.0.0.1",
        url="http://127.0.0.1/metadata/odd",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("value", [{"all": "All rights reserved"}, [["All rights reserved"]], [{"de": "Alle Rechte"}]])
@pytest.mark.parametrize("where", ["item", "file"])
def test_rights_in_a_form_that_nobody_expects_still_speak_against_the_item(value, where):
    item = parsed({"rights": value}) if where == "item" else parsed(entry={"license": value})
    assert len(item.declarations) == 2
    assert judge_item(item, policy_named("all-cc"), table=licence_table()).outcome is not Outcome.ADMIT


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "true", " Yes "])
def test_a_switch_is_on_however_it_is_written(value):
    with pytest.raises(ItemDarkError):
        parsed(is_dark=value)
    assert parsed({"access-restricted-item": value}).access_restricted
    assert parsed(entry={"private": value}).files[0].private


@pytest.mark.parametrize("value", [False, 0, "", "false", "0", None, [], {}])
def test_a_switch_is_off_otherwise(value):
    assert not parsed({"access-restricted-item": value}, is_dark=value).access_restricted


def test_the_answer_is_kept_as_json_that_every_reader_understands():
    def refuse(constant):
        raise AssertionError(constant)

    content = parsed({"x": float("nan"), "y": float("-inf")}).answers[0].content
    assert json.loads(content, parse_constant=refuse)["metadata"]["y"] == "-Infinity"


@pytest.mark.parametrize("depth", [10, 500, 900, 2_000, 20_000])
def test_an_answer_is_read_or_refused_however_deep_it_is_nested(depth):
    nested = '{"a":' * depth + "1" + "}" * depth
    text = f'{{"files": [], "metadata": {{"identifier": "odd", "rights": {nested}, "x": {nested}}}}}'
    try:
        parse_item(ITEM, text.encode(), endpoint="", url="", at=datetime(2026, 1, 1, tzinfo=UTC))
    except SourceProtocolError:
        assert depth > 500
