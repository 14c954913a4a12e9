"""LibriVox as an index: what it names is what the Internet Archive has, under the licence that stands there."""

import json

import pytest

from archiver.core.errors import SourceProtocolError
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.sources.ia_wire import Manners
from archiver.sources.internet_archive import InternetArchive
from archiver.sources.librivox import LibriVox, identifier_of, parse_books, parse_query
from tests.archive import LICENCE
from tests.data_dir import shared_data
from tests.doubles.service import Reply, ServiceDouble
from tests.doubles.services import SOUND
from tests.sources.walking import archive_of, around, outcomes, selection, valid_bags

MARK = "http://creativecommons.org/publicdomain/mark/1.0/"
NONE = Reply(json.dumps({"error": "Audiobooks could not be found"}).encode(), 404)


def book(number, name, **keys):
    return {
        "id": str(number),
        "title": f"Book {number}",
        "url_iarchive": f"https://archive.org/details/{name}",
        "totaltimesecs": 1200,
        "authors": [{"first_name": "Some", "last_name": "Body"}],
        "sections": [],
        **keys,
    }


BOOKS = [
    book(1, "bells_librivox"),
    book(2, "", url_iarchive=None, url_zip_file="https://www.archive.org/download/birds_librivox/birds_64kb_mp3.zip"),
    book(3, "", url_iarchive=""),
    book(4, "gone_librivox"),
    book(5, "plain_librivox"),
]


@pytest.fixture
def index():
    def answer(request):
        if request.path != "/api/feed/audiobooks/":
            return None
        start = int(request.query["offset"])
        found = BOOKS[start : start + 2]
        return Reply(json.dumps({"books": found}).encode()) if found else NONE

    with ServiceDouble(answer) as served:
        yield served


@pytest.fixture
def archive_org():
    items = [
        DoubleItem(name, metadata={"licenseurl": licence}, files=(DoubleFile(f"{name}.mp3", SOUND, format="VBR MP3"),))
        for name, licence in (("bells_librivox", MARK), ("birds_librivox", MARK), ("plain_librivox", None))
    ]
    with ArchiveDouble(items) as served:
        yield served


def test_books_are_harvested_from_the_internet_archive_into_valid_bags(tmp_path, index, archive_org):
    archive = archive_of(tmp_path, "librivox", index.url, policy="pd-only", public_domain_mark="accept")
    settings = archive.root / "archiver.toml"
    settings.write_text(settings.read_text().replace("http://127.0.0.1:9", archive_org.url))
    ended = archive.harvested(selection="mine")
    assert outcomes(ended) == {
        "bells_librivox": "stored",
        "birds_librivox": "stored",
        "gone_librivox": "failed",
        "plain_librivox": "refused",
    }, ended.err
    bag = valid_bags(archive)["bells_librivox"]
    assert bag.parent.parts[-4] == "librivox"
    assert (bag / "data/bells_librivox.mp3").read_bytes() == SOUND
    assert json.loads((bag / "metadata/source/librivox.json").read_text())["title"] == "Book 1"
    assert "is marked with" in (bag / "ATTRIBUTION.txt").read_text()
    assert outcomes(archive.harvested(selection="mine"))["bells_librivox"] == "unchanged"


def test_a_book_that_stays_gone_is_asked_for_by_its_name_and_keeps_no_window(tmp_path, index, archive_org):
    archive = archive_of(tmp_path, "librivox", index.url)
    settings = archive.root / "archiver.toml"
    settings.write_text(settings.read_text().replace("http://127.0.0.1:9", archive_org.url))
    assert outcomes(archive.harvested(selection="mine"))["gone_librivox"] == "failed"
    index.fail("audiobooks", NONE)  # nothing is new any more
    for _ in range(2):
        asked = len(archive_org.requests)
        result = archive.harvested(selection="mine")
        assert (outcomes(result), result.status) == ({"gone_librivox": "failed"}, 3)
        described = [one.path for one in archive_org.requests[asked:] if one.path.startswith("/metadata/")]
        assert described == ["/metadata/gone_librivox"]
    assert all("since" in one.query for one in index.requests[-2:])
    sound = (DoubleFile("gone.mp3", SOUND, format="VBR MP3"),)
    archive_org.add(DoubleItem("gone_librivox", metadata={"licenseurl": LICENCE}, files=sound))
    assert outcomes(archive.harvested("--dry-run", selection="mine")) == {"gone_librivox": "stored"}
    assert outcomes(archive.harvested(selection="mine")) == {"gone_librivox": "stored"}
    assert outcomes(archive.harvested(selection="mine")) == {}


def test_a_book_that_a_whole_enumeration_no_longer_names_is_not_asked_for(tmp_path, index, archive_org):
    archive = archive_of(tmp_path, "librivox", index.url)
    settings = archive.root / "archiver.toml"
    settings.write_text(settings.read_text().replace("http://127.0.0.1:9", archive_org.url))
    archive.harvested(selection="mine")
    index.fail("audiobooks", NONE)
    assert outcomes(archive.harvested("--full", selection="mine")) == {}
    assert outcomes(archive.harvested(selection="mine")) == {}


def opened(index, archive_org):
    surroundings = around("librivox", index.url)
    manners = Manners(archive_org.url, "archiver-test", "mailto:ops@example.org")
    archive = InternetArchive("internet-archive", manners, patience=surroundings.patience, clock=surroundings.clock)
    return LibriVox(surroundings, archive)


def test_a_query_becomes_what_the_index_knows_and_goes_on_behind_a_page(index, archive_org):
    source = opened(index, archive_org)
    pages = list(source.enumerate(selection("librivox", "author=Austen&since=2026-01-01")))
    assert [item.name for page in pages for item in page.items] == [
        "bells_librivox",
        "birds_librivox",
        "gone_librivox",
        "plain_librivox",
    ]
    assert index.requests[0].query["since"] == "1767225600"
    rest = source.enumerate(selection("librivox"), cursor=pages[0].cursor)
    assert [item.name for page in rest for item in page.items] == ["gone_librivox", "plain_librivox"]
    source.close()


def test_a_repetition_ends_and_another_answer_is_said(index, archive_org):
    source = opened(index, archive_org)
    index.fail("audiobooks", Reply(json.dumps({"books": BOOKS[:2]}).encode()))
    with pytest.raises(SourceProtocolError, match="repeats"):
        list(source.enumerate(selection("librivox")))
    index.faults.clear()
    index.fail("audiobooks", Reply(b'{"error": "Something else"}', 404))
    with pytest.raises(SourceProtocolError, match="Something else"):
        list(source.enumerate(selection("librivox")))
    source.close()


@pytest.mark.parametrize("query", ["", "limit=1", "since=yesterday", "author=a&author=b"])
def test_another_query_is_refused(query):
    with pytest.raises(SourceProtocolError):
        parse_query(query)


def test_the_synthetic_answers_are_read():
    (found,) = parse_books(shared_data("synthetic-fixtures", "librivox-extended.json").read_bytes(), what="x")
    assert identifier_of(found) == "invented_book_librivox"
    assert identifier_of({**found, "url_iarchive": "", "url_zip_file": None}) == "invented_book_librivox"
    assert identifier_of({"url_iarchive": "https://archive.org/details/..", "sections": [7]}) == ""
    assert parse_books(shared_data("synthetic-fixtures", "librivox-empty-404.json").read_bytes(), what="x") == []
