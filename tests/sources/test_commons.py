"""Wikimedia Commons, on its recorded wire."""

import json

import pytest

from archiver.core.errors import ItemNotFoundError, SourceProtocolError, SourceUnavailableError
from archiver.core.gate import AdmittedItem
from archiver.core.items import ItemId
from archiver.sources.commons import OFFER
from archiver.sources.commons_wire import merge, parse_page, parse_part
from archiver.sources.html_text import words_of
from archiver.sources.loose_json import Received
from tests.data_dir import shared_data
from tests.doubles.service import Reply
from tests.doubles.services import SOUND, CommonsDouble, CommonsFile
from tests.sources.test_manners import NOW
from tests.sources.walking import archive_of, around, bytes_of, judged, outcomes, selection, valid_bags

PD = {"License": "pd", "LicenseShortName": "Public domain", "LicenseUrl": None, "UsageTerms": "Public domain"}
FILES = [
    CommonsFile(11, "Bell one.ogg"),
    CommonsFile(12, "Bell two.ogg", words={"LicenseUrl": None}),  # the code alone names a tool
    CommonsFile(13, "Old bell.ogg", words=PD),
    CommonsFile(14, "Film.ogv", info={"mediatype": "VIDEO"}),
    CommonsFile(15, "Lost.ogg", info={"url": None, "filemissing": ""}),
    CommonsFile(16, "Nothing said.ogg", words=dict.fromkeys(PD)),
    CommonsFile(17, "Changed.ogg", info={"sha1": "0" * 40}),
    CommonsFile(18, "Elsewhere.ogg", category="Whistles"),
]


@pytest.fixture
def double():
    with CommonsDouble(FILES) as served:
        yield served


@pytest.fixture
def commons(double):
    source = OFFER.open(around("commons", double.url))
    yield source
    source.close()


def test_a_category_is_harvested_into_valid_bags_with_licence_and_credit(tmp_path, double):
    archive = archive_of(tmp_path, "commons", double.url, query="category:Bells")
    double.latency = 0.03
    ended = archive.harvested(selection="mine")
    assert outcomes(ended) == {
        "11": "stored",
        "12": "stored",
        "13": "quarantined",
        "15": "failed",
        "16": "refused",
        "17": "failed",
    }, ended.err
    bag = valid_bags(archive)["11"]
    assert (bag / "data/Bell one.ogg").read_bytes() == SOUND
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "“Bell one” by Nobody & Sons is licensed under CC BY 4.0" in credits_
    assert "https://commons.wikimedia.org/wiki/File:Bell_one.ogg" in credits_
    evidence = json.loads((bag / "metadata/source/commons.json").read_text())
    assert evidence["imageinfo"][0]["extmetadata"]["License"]["value"] == "cc-by-4.0"
    assert {request.headers["user-agent"].partition("/")[0] for request in double.requests} == {"archiver"}
    assert all("mailto:ops@example.org" in request.headers["user-agent"] for request in double.requests)
    assert all(request.query["maxlag"] == "5" for request in double.asked("api.php"))
    assert double.busiest["interface"] == 1
    assert double.busiest["files"] <= 2
    double.requests.clear()
    assert outcomes(archive.harvested(selection="mine"))["11"] == "unchanged"
    assert not double.asked("Bell_one")


@pytest.mark.parametrize(
    ("query", "found", "sent"),
    [
        (
            "titles: Bell one.ogg | File:Old bell.ogg\nFilm.ogv",
            ["11", "13"],
            {"titles": "File:Bell one.ogg|File:Old bell.ogg|File:Film.ogv"},
        ),
        ("category:Whistles", ["18"], {"generator": "categorymembers", "gcmtype": "file"}),
        ("search:bell filetype:audio", None, {"gsrnamespace": "6", "gsrsearch": "bell filetype:audio"}),
        (
            "since:2020-01-01T00:00:00Z until:2021-01-01T00:00:00Z",
            None,
            {"gaistart": "2020-01-01T00:00:00Z", "gaisort": "timestamp"},
        ),
    ],
)
def test_each_query_becomes_what_the_api_knows(commons, double, query, found, sent):
    pages = list(commons.enumerate(selection("commons", query)))
    names = [item.name for page in pages for item in page.items]
    assert names == (found or ["11", "12", "13", "15", "16", "17", "18"])
    assert sent.items() <= double.requests[0].query.items()
    assert pages[-1].cursor == ""


def test_an_enumeration_goes_on_behind_a_page(commons):
    first, *_ = commons.enumerate(selection("commons", "category:Bells"))
    rest = commons.enumerate(selection("commons", "category:Bells"), cursor=first.cursor)
    assert [item.name for page in rest for item in page.items] == ["13", "15", "16", "17"]


@pytest.mark.parametrize("query", ["*", "category:", "everything", "since: ", "titles:"])
def test_another_query_is_refused(commons, query):
    with pytest.raises(SourceProtocolError, match="a query of Wikimedia Commons is"):
        list(commons.enumerate(selection("commons", query)))


@pytest.mark.parametrize("code", ["maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError"])
def test_a_service_that_is_busy_is_asked_again(commons, double, code):
    error = {"error": {"code": code, "info": "Waiting for a database server", "lag": 0}}
    double.fail("api.php", Reply(json.dumps(error).encode(), headers={"Retry-After": "0"}), times=1)
    assert isinstance(judged(commons, "11"), AdmittedItem)
    double.fail("api.php", Reply(json.dumps(error).encode()))
    with pytest.raises(SourceUnavailableError, match=code):
        commons.describe(ItemId("commons", "11"))


def test_a_continuation_that_goes_round_in_circles_ends(commons, double):
    answer = {"continue": {"gcmcontinue": "7", "continue": "x"}, "query": {"pages": {}}}
    double.fail("api.php", Reply(json.dumps(answer).encode()))
    with pytest.raises(SourceProtocolError, match="circles"):
        list(commons.enumerate(selection("commons", "category:Bells")))
    with pytest.raises(SourceProtocolError, match="circles"):
        commons.describe(ItemId("commons", "11"))


@pytest.mark.parametrize("name", ["99", "Bell one.ogg", "1e3", "..", "9" * 30])
def test_what_is_no_page_is_not_found(commons, name):
    with pytest.raises(ItemNotFoundError):
        commons.describe(ItemId("commons", name))


def test_bytes_are_read_without_the_marks_of_statistics_in_their_address(commons, double):
    assert bytes_of(commons, judged(commons, "11")) == SOUND
    (request,) = double.asked("upload") or double.asked("Bell_one")
    assert "utm_" not in request.target


def test_recorded_answers_of_two_parts_are_one_page():
    pages = {}
    for side in ("left", "right"):
        part = json.loads(
            shared_data("source-samples/wikimedia-commons", f"continuation-page_44672212_{side}.json").read_bytes()
        )
        merge(pages, {"query": {"pages": {"44672212": part}}})
    item = parse_page(ItemId("commons", "44672212"), pages["44672212"], Received(b"{}", "https://example.org", NOW))
    assert item.title
    assert {declaration.field for declaration in item.declarations} >= {"commons.License", "commons.UsageTerms"}


def test_the_synthetic_continuation_is_merged_and_the_missing_file_told():
    pages = {}
    for number in (1, 2):
        answer, _ = parse_part(shared_data("synthetic-fixtures", f"commons-page{number}.json").read_bytes(), what="x")
        merge(pages, answer)
    item = parse_page(ItemId("commons", "1"), pages["1"], Received(b"", "", NOW))
    assert (item.creators, item.title, item.files[0].size) == (("Nobody",), "Invented sound", 3)
    assert item.files[0].digests[0].value == "ee137db354bf7c744069d8d356db8a01bdec7265"
    with pytest.raises(ItemNotFoundError):
        parse_page(ItemId("commons", "2"), pages["2"], Received(b"", "", NOW))


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<div class="fn value">\nJona Lendering</div>', "Jona Lendering"),
        ("<a href=x>Jeff &amp; Brian</a> from Eastbourne", "Jeff & Brian from Eastbourne"),
        ('<span style="display: none;">sort key</span>A<br>B', "A B"),
        ("<b>unclosed <i>tags", "unclosed tags"),
        ("<![if broken", "<![if broken"),
        ("<script>x</script>A", "A"),
    ],
)
def test_a_credit_is_what_a_reader_would_see(html, words):
    assert words_of(html) == words
