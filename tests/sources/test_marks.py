"""What the lists of sources say of each item's state: enough to leave alone what did not change, and no more."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from archiver.sources import ccmixter, commons, feeds, jamendo, local, url_manifest
from tests.doubles.services import (
    BY,
    CcMixterDouble,
    CommonsDouble,
    CommonsFile,
    Episode,
    FeedDouble,
    JamendoDouble,
    Track,
    Upload,
)
from tests.sources.test_commons import outcomes
from tests.sources.walking import archive_of, around, selection

NC = BY.replace("by/", "by-nc/")


@contextmanager
def commons_(_):
    with CommonsDouble([CommonsFile(number, f"Bell {number}.ogg") for number in (1, 2)]) as double:

        def edit():
            double.files[0] = replace(double.files[0], words={"LicenseUrl": NC})

        yield commons.OFFER.open(around("commons", double.url)), "category:Bells", edit


@contextmanager
def ccmixter_(_):
    with CcMixterDouble([Upload(number) for number in (1, 2)]) as double:

        def edit():
            double.uploads[0] = replace(double.uploads[0], keys={"license_url": NC})

        yield ccmixter.OFFER.open(around("ccmixter", double.url)), "*", edit


@contextmanager
def jamendo_(_):
    with JamendoDouble([Track(number) for number in (1, 2)], client_id="b4c0ffee") as double:

        def edit():
            double.tracks[0] = replace(double.tracks[0], keys={"audiodownload_allowed": False})

        yield jamendo.OFFER.open(around("jamendo", double.url, client_id="b4c0ffee")), "*", edit


@contextmanager
def feed_(_):
    with FeedDouble([Episode("1"), Episode("2")]) as double:

        def edit():
            double.episodes[0] = Episode("1", inside=f"<license>{BY}</license>")

        yield feeds.OFFER.open(around("rss", double.url)), "feed.xml", edit


@contextmanager
def list_(folder):
    path = folder / "x.csv"
    path.write_text(f"item,url,licence\n1,/1.mp3,{BY}\n2,/2.mp3,{BY}\n")
    source = url_manifest.OFFER.open(around("url-manifest", "http://127.0.0.1:9", folder=str(folder)))
    yield source, "x", lambda: path.write_text(f"item,url,licence\n1,/1.mp3,{NC}\n2,/2.mp3,{BY}\n")


@contextmanager
def folders(folder):
    for name in ("1", "2"):
        (folder / name).mkdir()
        (folder / name / "item.toml").write_text(f'licence = "{BY}"')
    source = local.OFFER.open(around("local", "", folder=str(folder), settle="0"))
    yield source, "*", lambda: (folder / "1" / "item.toml").write_text(f'licence = "{NC}"')


SOURCES = [commons_, ccmixter_, jamendo_, feed_, list_, folders]


@pytest.mark.parametrize("opened", SOURCES)
def test_an_item_has_another_mark_exactly_when_it_changed(opened, tmp_path):
    def marks(source, query):
        pages = list(source.enumerate(selection(source.name, query)))
        assert all(len(page.marks) == len(page.items) for page in pages)
        return {item.name: mark for page in pages for item, mark in zip(page.items, page.marks, strict=True)}

    with opened(tmp_path) as (source, query, edit):
        first, again = marks(source, query), marks(source, query)
        edit()
        edited = marks(source, query)
        source.close()
    assert len(first) == 2
    assert all(first.values())
    assert again == first
    assert [edited[name] == mark for name, mark in first.items()] == [False, True]


def test_ten_thousand_unchanged_files_cost_less_than_one_request_for_a_hundred():
    with CommonsDouble(
        [CommonsFile(number, f"{number}.ogg", b"x") for number in range(1, 10_001)], page_size=250
    ) as double:
        source = commons.OFFER.open(around("commons", double.url))
        found = [mark for page in source.enumerate(selection("commons", "category:Bells")) for mark in page.marks]
        source.close()
    assert len(found) == 10_000
    assert all(found)
    assert len(double.requests) <= 100


def test_what_did_not_change_is_not_described_again(tmp_path):
    with CommonsDouble([CommonsFile(1, "One.ogg", b"1" * 99), CommonsFile(2, "Two.ogg", b"2" * 99)]) as double:
        archive = archive_of(tmp_path, "commons", double.url, query="category:Bells")
        assert set(outcomes(archive.harvested(selection="mine")).values()) == {"stored"}
        double.requests.clear()
        double.files[1] = replace(double.files[1], content=b"3" * 99)
        assert outcomes(archive.harvested(selection="mine")) == {"1": "unchanged", "2": "stored"}
        assert {request.query["pageids"] for request in double.asked("pageids")} == {"2"}
