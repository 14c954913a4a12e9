"""Identifiers of recordings, as they stand in tags and answers."""

import json

import pytest

from archiver.core.identifiers import Kind, compact_isrc, identifiers_in, recognise_kind

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("GB-AYE-06-01498", "GBAYE0601498"),
        (" gbaye0601498 ", "GBAYE0601498"),
        ("ISRC GB-AYE-06-01498", "GBAYE0601498"),
        ("QMABC2012345", "QMABC2012345"),  # the United States have several codes
        ("XY-AYE-06-01498", ""),
        ("GBAYE060149", ""),
        ("GBAYE060149A", ""),
        ("", ""),
        ("G" * 5000, ""),
    ],
)
def test_an_isrc_is_written_in_one_way_or_is_none(raw, value):
    assert compact_isrc(raw) == value


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MUSICBRAINZ_TRACKID", Kind.RECORDING),
        ("MusicBrainz Track Id", Kind.RECORDING),
        ("----:com.apple.iTunes:MusicBrainz Album Id", Kind.RELEASE),
        ("----:com.apple.iTunes:ISRC", Kind.ISRC),
        ("isrcs", Kind.ISRC),
        ("MusicBrainz Artist Id", None),
        ("title", None),
    ],
)
def test_a_field_is_known_in_any_spelling(name, kind):
    assert recognise_kind(name) is kind


def test_answers_of_sources_are_looked_through():
    answer = {
        "files": [{"isrc": "GBAYE0601498", "title": MBID}, {"isrcs": ["bad", "USSKG1912345", 7]}],
        "external-identifier": [f"urn:mb_recording_id:{MBID.upper()}", "urn:upc:1"],
    }
    found = list(identifiers_in(json.dumps(answer).encode(), where="x"))
    assert [(one.kind, one.value) for one in found] == [
        (Kind.ISRC, "GBAYE0601498"),
        (Kind.ISRC, ""),
        (Kind.ISRC, "USSKG1912345"),
        (Kind.RECORDING, MBID),
    ]
    xml = f"<item><guid>urn:isrc:GBAYE0601498</guid>{MBID}</item>".encode()
    assert [one.value for one in identifiers_in(xml, where="x")] == ["GBAYE0601498"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b"null"])
def test_no_answer_is_too_odd(content):
    assert list(identifiers_in(content, where="x")) == []
