from dataclasses import replace

from archiver.core.attribution import Credit, format_attribution

CREDIT = Credit(
    path="data/01.flac",
    title="First & Track",
    creators=("Nobody", "Somebody"),
    source_url="https://archive.org/details/invented",
    licence_name="CC BY-SA 3.0 US",
    licence_url="https://creativecommons.org/licenses/by-sa/3.0/us/",
    is_licence=True,
    retrieved_on="2026-11-24",
)


def test_the_sentence_names_title_author_source_and_licence():
    assert CREDIT.sentence() == (
        "\u201cFirst & Track\u201d by Nobody, Somebody is licensed under CC BY-SA 3.0 US "
        "(https://creativecommons.org/licenses/by-sa/3.0/us/). Source: https://archive.org/details/invented"
    )


def test_the_public_domain_mark_licenses_nothing():
    assert "is marked with" in replace(CREDIT, is_licence=False).sentence()


def test_a_missing_creator_is_said_and_never_invented():
    assert "(creator not supplied)" in replace(CREDIT, creators=()).sentence()


def test_a_work_without_an_address_is_credited_without_an_empty_source():
    assert (
        replace(CREDIT, source_url=" \n").sentence().endswith("(https://creativecommons.org/licenses/by-sa/3.0/us/).")
    )


def test_a_title_with_line_ends_cannot_forge_a_second_credit():
    forged = replace(CREDIT, title="x\r\n\r\ndata/02.flac\n    by Mallory\x00\u2028")
    text = format_attribution(CREDIT, [forged]).decode()
    assert "\n    by Mallory" not in text
    assert "\x00" not in text
    assert text.splitlines()[-1].startswith("    \u201cx data/02.flac by Mallory\u201d")


def test_every_file_has_its_own_credit():
    text = format_attribution(CREDIT, [CREDIT, replace(CREDIT, path="data/02.flac", title="Second")]).decode()
    assert text.index("data/01.flac") < text.index("data/02.flac") < text.index("\u201cSecond\u201d")
    assert "bit-identical" in text


def test_text_that_is_not_unicode_does_not_stop_the_bag():
    assert format_attribution(replace(CREDIT, title="\ud800"), []).endswith(b"\n")
