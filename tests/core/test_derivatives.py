"""What may be derived under which licence, and how derivatives are named and written down."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.core.derivative_sheets import Sheet, measured_by, recognise_sheet, sheet_record
from archiver.core.derivatives import (
    LONGEST_NAME,
    RECIPES,
    Because,
    Derivative,
    DerivativeRules,
    Kind,
    Original,
    item_place,
    kept_back,
    name_of,
    place_of,
)
from archiver.core.fixity import digest_of
from archiver.core.licences.policies import policy_named
from archiver.core.loudness import Loudness
from archiver.core.suspicions import Measured
from archiver.shelf import licence_table

TABLE = licence_table()
RULES = DerivativeRules(policy_named("all-cc", public_domain_mark="accept", extension_registry="accept"))
CC = "https://creativecommons.org"
ORIGINAL = Original("data/a.flac", digest_of(b"a"))


def permitted(licence, rules=RULES):
    return {kind for kind in Kind if kept_back(kind, licence, table=TABLE, rules=rules) is None}


@pytest.mark.parametrize(
    "licence", ["/licenses/by/4.0/", "/licenses/by-nc-sa/3.0/us/", "/publicdomain/zero/1.0/", "/publicdomain/mark/1.0/"]
)
def test_licences_that_let_derivatives_be_made_let_everything_be_made(licence):
    assert permitted(CC + licence) == set(Kind)


@pytest.mark.parametrize("licence", ["/licenses/by-nd/4.0/", "/licenses/by-nc-nd/3.0/de/", "/licenses/by-nd-nc/1.0/"])
def test_no_derivatives_lets_the_whole_be_in_another_format_and_the_cover_be_handed_on(licence):
    assert permitted(CC + licence) == {Kind.OPUS, Kind.COVER, Kind.LOUDNESS}
    assert permitted(CC + licence, replace(RULES, shifts_formats=False)) == {Kind.COVER, Kind.LOUDNESS}
    assert kept_back(Kind.PREVIEW, CC + licence, table=TABLE, rules=RULES) is Because.NO_DERIVATIVES


def test_over_the_whole_table_nothing_is_made_without_sharing_and_no_excerpt_without_derivatives():
    for tool in TABLE.tools:
        allowed = permitted(tool.url)
        if tool.verbatim_sharing not in {"yes", "noncommercial"}:
            assert allowed == {Kind.LOUDNESS}, tool.url
        elif "nd" in tool.unit.split("-"):
            assert Kind.PREVIEW not in allowed, tool.url
            assert Kind.WAVEFORM not in allowed, tool.url


@pytest.mark.parametrize(
    "licence", ["", "https://example.org/", CC + "/licenses/by/9.9/", "https://archive.org/details/x"]
)
def test_a_licence_that_is_not_in_the_table_lets_nothing_be_made(licence):
    assert permitted(licence) == {Kind.LOUDNESS}


def test_the_policy_narrows_it():
    rules = DerivativeRules(policy_named("commercial-ok"))
    assert permitted(CC + "/licenses/by-nc/4.0/", rules) == {Kind.LOUDNESS}
    assert permitted(CC + "/licenses/by/4.0/", rules) == set(Kind)


@given(st.text(min_size=1, max_size=300).filter(lambda text: "/" not in text and text.isprintable()))
def test_names_fit_and_keep_their_directory(name):
    found = name_of(Original(f"data/disc 1/{name}.flac", digest_of(name.encode())), ".opus")
    assert found.startswith("data/disc 1/")
    assert found.endswith(".opus")
    assert len(found.rpartition("/")[2].encode()) <= LONGEST_NAME


def test_two_recordings_of_one_name_in_two_formats_have_two_derivatives():
    assert name_of(Original("data/a.flac", digest_of(b"")), ".opus") != name_of(
        Original("data/a.mp3", digest_of(b"")), ".opus"
    )


def test_derivatives_lie_apart_from_the_bags_and_beside_their_versions():
    assert place_of("bags/s/ab/cd/n/v12/", Kind.OPUS) == "derivatives/s/ab/cd/n/v12/opus/"
    assert item_place("bags/s/ab/cd/n/v12/") == "derivatives/s/ab/cd/n/"


def sheet(*derivatives, **changed):
    values = {"item": "s/n", "version": 1, "kind": Kind.OPUS, "recipe": RECIPES[Kind.OPUS], "licence": "L", **changed}
    return Sheet(derivatives=derivatives, **values)


ONE = Derivative("data/a.flac.opus", 3, digest_of(b"abc"), ORIGINAL, (("seconds", 1.5),))


def test_a_manifest_comes_back_as_it_was_written():
    other = Original("data/ü\n.mp3", digest_of(b"b"))
    wanted = sheet(ONE, unmade=((other, Because.NO_AUDIO, "why"),), tools=(("av", "1"),))
    assert recognise_sheet(sheet_record(wanted)) == wanted
    assert wanted.is_of([ORIGINAL, other])
    assert not wanted.is_of([ORIGINAL])
    assert not wanted.is_of([replace(ORIGINAL, sha256=digest_of(b"edited")), other])
    assert not replace(wanted, recipe="opus/0").is_of([ORIGINAL, other])


def test_a_waveform_without_its_drawing_is_not_whole():
    numbers = replace(ONE, path="data/a.flac.json")
    drawing = replace(ONE, path="data/a.flac.svg")
    of = {"kind": Kind.WAVEFORM, "recipe": RECIPES[Kind.WAVEFORM]}
    assert sheet(numbers, drawing, **of).is_of([ORIGINAL])
    assert not sheet(numbers, **of).is_of([ORIGINAL])


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kind": "film"},
        {"files": [{"path": "../../x", "bytes": 1, "sha256": "0" * 64, "source": None, "facts": {}}]},
        {"files": [{"path": "/x", "bytes": 1, "sha256": "0" * 64, "source": None, "facts": {}}]},
        {"files": [{"path": "x", "bytes": -1, "sha256": "0" * 64, "source": None, "facts": {}}]},
        {"files": [{"path": "x", "bytes": 1, "sha256": "zz", "source": None, "facts": {}}]},
        {"files": 7},
        {"unmade": [{"source": None, "reason": "NO_AUDIO", "detail": ""}]},
        {"tools": []},
    ],
)
def test_a_manifest_that_somebody_else_wrote_is_none(change):
    record = json.loads(sheet_record(sheet(ONE)))
    assert recognise_sheet(json.dumps({**record, **change}).encode()) is None
    assert recognise_sheet(b"[" * 100_000) is None
    assert recognise_sheet(b"\xff") is None


def test_what_was_measured_is_read_back_from_its_manifest():
    loud = Loudness(1.0, -20.0, None, None, (-1.0, None), 0, 0.0, 0.0)
    one = replace(ONE, path="data/a.flac.json", facts=(("loudness", loud.to_json()),))
    odd = replace(
        ONE, path="data/b.json", original=Original("data/b", digest_of(b"")), facts=(("loudness", {"seconds": 1}),)
    )
    bad = (Original("data/0", digest_of(b"0")), Because.WEB_PAGE, "")
    found = measured_by(sheet(one, odd, unmade=(bad,), kind=Kind.LOUDNESS))
    assert found == (Measured("data/0", None, "WEB_PAGE_AS_AUDIO"), Measured("data/a.flac", loud))
