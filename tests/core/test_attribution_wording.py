"""Credits in their three forms, and the words for each kind of tool."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import html

from archiver.core.attribution import Attribution, attribution_record, recognise_attribution
from archiver.reports.attribution import as_html, as_text
from tests.core.test_attribution import CREDIT

WHOLE = replace(CREDIT, path="", title="An <b>album</b>", notices=("© 2010 Foo",))


@pytest.mark.parametrize(
    ("url", "is_licence", "words"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", True, "is licensed under"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", False, "is dedicated to the public domain with"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", False, "is marked with"),
        ("https://creativecommons.org/publicdomain/certification/1.0/us/", False, "is certified as being"),
    ],
)
def test_each_kind_of_tool_has_its_own_words(url, is_licence, words):
    assert words in replace(CREDIT, licence_url=url, is_licence=is_licence).sentence()


def test_a_record_comes_back_as_it_was():
    attribution = Attribution("internet-archive/x", WHOLE, (CREDIT,))

    assert recognise_attribution(attribution_record(attribution)) == attribution
    assert recognise_attribution(b"[]") is None


def test_html_says_the_same_to_people_and_machines_and_escapes_what_comes_from_outside():
    hostile = replace(
        WHOLE,
        title="<script>alert(1)</script>",
        creators=('"><img src=x onerror=y>',),
        source_url="javascript:alert(1)",
    )
    page = "".join(as_html([Attribution("internet-archive/x", WHOLE, (CREDIT,)), Attribution("a/b", hostile, ())]))
    tree = html.fromstring(page)

    assert tree.xpath("//script|//img") == []
    assert tree.xpath("//*[@property='dct:title']/text()") == ["An <b>album</b>", "First & Track", hostile.title]
    assert tree.xpath("//*[@property='cc:attributionName']/text()")[:2] == ["Nobody", "Somebody"]
    assert set(tree.xpath("//a[@rel='license']/@href")) == {CREDIT.licence_url}
    assert tree.xpath("//a[contains(@rel, 'dct:source')]/@href")[-1] == "#"
    assert "© 2010 Foo" in page


def test_html_links_nothing_and_speaks_of_no_page_where_a_work_has_no_address():
    nowhere = replace(WHOLE, source_url="")
    tree = html.fromstring("".join(as_html([Attribution("local/ok", nowhere, ())])))

    assert tree.xpath("//a[contains(@rel, 'dct:source')]") == []
    assert tree.xpath("//p/@about") == ["#local/ok"]
    assert "Source:" not in tree.text_content()


def test_text_has_a_sentence_for_the_item_and_each_file():
    lines = list(as_text([Attribution("internet-archive/x", WHOLE, (CREDIT,))]))

    assert lines[0] == WHOLE.sentence()
    assert lines[1] == "Copyright notice: © 2010 Foo"
    assert f"        {CREDIT.sentence()}" in lines
