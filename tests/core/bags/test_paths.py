import pytest

from archiver.core.bags.paths import (
    decode_path,
    encode_path,
    parse_payload_path,
    parse_tag_path,
    refuse_collisions,
)
from archiver.core.errors import BagError, UnsafeNameError


@pytest.mark.parametrize(
    "name",
    [
        "01 - a  b.flac",
        "disc 1/02 # ? % & ' ü.mp3",
        "&amp;.ogg",
        "100%0A.txt",
        "line\nbreak.wav",
        "a\\b.mp3",
        "con.txt",
        "~tilde.flac",
        ".hidden",
        "日本/曲.flac",
        "..two dots first.mp3",
    ],
)
def test_a_name_a_source_may_give_is_kept_as_it_is(name):
    assert str(parse_payload_path(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../up.mp3",
        "a/../../b",
        "a/./b",
        "a//b",
        "dir/",
        "nul\0.mp3",
        "C:\\Windows\\x",
        "c:/x",
        "\\\\?\\UNC\\server\\x",
        "..\\..\\x",
        "~/x",
        "~root/x",
        "%HomeDrive%\\x",
        "$HOME/x",
        "lone\ud800surrogate",
        "x" * 256,
        "a/" * 450 + "x",
    ],
)
def test_a_name_that_leaves_the_bag_or_cannot_be_stored_is_refused(name):
    with pytest.raises(UnsafeNameError):
        parse_payload_path(name)


def test_a_tag_file_never_lies_among_the_payload():
    with pytest.raises(UnsafeNameError):
        parse_tag_path("data/x")


@pytest.mark.parametrize(
    "names",
    [
        ("a.mp3", "A.MP3"),
        ("caf\u00e9.ogg", "cafe\u0301.ogg"),
        ("same", "same"),
        ("stra\u00dfe", "STRASSE"),
        ("a", "a/b"),
        ("A", "a/b"),
    ],
)
def test_names_that_meet_in_one_file_somewhere_are_refused_both_named(names):
    with pytest.raises(BagError, match="collide") as error:
        refuse_collisions([parse_payload_path(name) for name in names])

    assert repr(names[0]) in str(error.value)


def test_different_names_do_not_collide():
    refuse_collisions([parse_payload_path(name) for name in ("a", "b", "c/a", "c/b")])


def test_exactly_percent_cr_and_lf_are_encoded():
    # RFC 8493 §2.1.3
    assert encode_path("100%0A\r\n é.txt") == "100%250A%0D%0A é.txt"
    assert decode_path("100%250A%0d%0A é%41.txt") == "100%0A\r\n é%41.txt"
