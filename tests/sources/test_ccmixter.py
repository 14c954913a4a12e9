"""ccMixter, on its recorded wire."""

import json

import pytest

from archiver.core.errors import FileRefusedError, ItemNotFoundError, SourceProtocolError, SourceUnavailableError
from archiver.core.gate import AdmittedItem
from archiver.core.items import ItemId
from archiver.sources.ccmixter import OFFER
from archiver.sources.ccmixter_wire import parse_uploads, quoted
from tests.data_dir import shared_data
from tests.doubles.service import Reply
from tests.doubles.services import SOUND, CcMixterDouble, Upload
from tests.sources.walking import archive_of, around, bytes_of, judged, outcomes, selection, valid_bags

SAMPLING = {"license_url": "http://creativecommons.org/licenses/sampling+/1.0/", "license_name": "Sampling Plus"}
UPLOADS = [
    Upload(1, "First"),
    Upload(2, "Second", keys={"license_url": "", "license_name": ""}),
    Upload(3, "Third", SOUND + b"3", keys=SAMPLING),
    Upload(4, "Fourth", keys={"license_name": "Attribution Noncommercial  (3.0)"}),
    Upload(5, "Fifth", file={"file_extra": {"sha1": "A" * 32}}),
    Upload(6, "Sixth", file={"file_is_remote": 1}),
    Upload(7, "Seventh", file={"file_extra": {"sha1": "D73BDA58A34B029F63CF7A5CE8C36914"}, "file_rawsize": 0}),
]


@pytest.fixture
def double():
    with CcMixterDouble(UPLOADS) as served:
        yield served


@pytest.fixture
def ccmixter(double):
    source = OFFER.open(around("ccmixter", double.url))
    yield source
    source.close()


def test_uploads_are_harvested_into_valid_bags_with_licence_and_credit(tmp_path, double):
    archive = archive_of(tmp_path, "ccmixter", double.url, query="tags=ambient&lic=by")
    double.latency = 0.03
    ended = archive.harvested(selection="mine")
    assert outcomes(ended) == {
        "1": "stored",
        "2": "refused",
        "3": "stored",  # the whole work may be shared without commerce
        "4": "quarantined",  # name and address disagree
        "5": "failed",
        "6": "refused",
        "7": "stored",
    }, ended.err
    bag = valid_bags(archive)["1"]
    assert (bag / "data/nobody_-_First.mp3").read_bytes() == SOUND
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "“First” by No Body is licensed under CC BY 3.0" in credits_
    assert "https://ccmixter.org/files/nobody/1" in credits_
    assert double.busiest["all"] == 1
    first = double.asked("/api/query")[0].query
    assert {"tags": "ambient", "lic": "by", "f": "json", "ord": "ASC"}.items() <= first.items()
    assert all(request.headers["referer"] == "https://ccmixter.org/" for request in double.asked("/content/"))


def test_a_short_page_is_not_the_end(ccmixter, double):
    pages = list(ccmixter.enumerate(selection("ccmixter")))
    assert [item.name for page in pages for item in page.items] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [request.query["offset"] for request in double.requests] == ["0", "3", "6", "7"]
    rest = ccmixter.enumerate(selection("ccmixter"), cursor=pages[0].cursor)
    assert [item.name for page in rest for item in page.items] == ["4", "5", "6", "7"]


def test_a_digest_in_base_32_is_compared(ccmixter):
    admitted = judged(ccmixter, "1")
    assert isinstance(admitted, AdmittedItem)
    (file, _), *_ = admitted.files
    assert [digest.algorithm for digest in file.digests] == ["sha1"]
    assert bytes_of(ccmixter, admitted) == SOUND
    assert judged(ccmixter, "7").files[0][0].digests == ()


def test_who_does_not_come_from_its_pages_gets_no_file(ccmixter, double):
    double.fail("/content/", Reply(b"<html>Forbidden</html>", 403))
    with pytest.raises(FileRefusedError):
        bytes_of(ccmixter, judged(ccmixter, "1"))


def test_an_answer_in_words_is_asked_again_and_a_repetition_ends(ccmixter, double):
    double.fail("/api/query", Reply(b"Sorry, the database is busy"), times=1)
    assert isinstance(judged(ccmixter, "1"), AdmittedItem)
    double.fail("offset", Reply(json.dumps([upload.record() for upload in UPLOADS[:3]]).encode()))
    with pytest.raises(SourceProtocolError, match="repeats"):
        list(ccmixter.enumerate(selection("ccmixter")))
    double.fail("ids", Reply(b"Sorry, the database is busy"))
    with pytest.raises(SourceUnavailableError, match="busy"):
        ccmixter.describe(ItemId("ccmixter", "1"))


@pytest.mark.parametrize("query", ["", "limit=7", "f=count", "tags=a&tags=b", "dataview=links_dl", "x y=1"])
def test_another_query_is_refused(ccmixter, query):
    with pytest.raises(SourceProtocolError, match="a query of ccMixter"):
        list(ccmixter.enumerate(selection("ccmixter", query)))


def test_what_is_no_upload_is_not_found(ccmixter):
    for name in ("99", "first", "1e3"):
        with pytest.raises(ItemNotFoundError):
            ccmixter.describe(ItemId("ccmixter", name))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'[{"a":094,"b":"x:094,\\"012","c":[-007,0,0.5,00]}]', {"a": 94, "b": 'x:094,"012', "c": [-7, 0, 0.5, 0]}),
        (b'\xef\xbb\xbf [{"a":"line\x01\nbreak"}]', {"a": "line\x01\nbreak"}),
        (b'[{"a":"\xff"}]', {"a": "\ufffd"}),
    ],
)
def test_json_in_name_only_is_read(written, read):
    assert parse_uploads(written, what="x") == [read]


def test_a_text_without_end_costs_no_time():
    with pytest.raises(SourceProtocolError):
        parse_uploads(b'["' + b'\\"' * 2_000_000, what="x")


def test_the_synthetic_and_the_recorded_uploads_are_read():
    (synthetic,) = parse_uploads(shared_data("synthetic-fixtures", "ccmixter-quirks.txt").read_bytes(), what="x")
    assert synthetic["upload_extra"]["bpm"] == 94
    recorded = shared_data("source-samples/ccmixter", "single_item-anonymised.json").read_bytes()
    assert len(parse_uploads(b"[" + recorded + b"]", what="x")[0]["files"]) == 3


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("https://x.org/a b.mp3", "https://x.org/a%20b.mp3"),
        ("https://x.org/a%20b.mp3?c=d#e", "https://x.org/a%20b.mp3?c=d"),
        ("https://x.org/50% ü.mp3", "https://x.org/50%25%20%C3%BC.mp3"),
        ("https://[x", ""),
    ],
)
def test_addresses_with_raw_spaces_are_quoted_once(address, sent):
    assert quoted(address) == sent
