"""Pages of freemusicarchive.org: off unless permitted, named one by one, slowly, and as robots.txt allows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from archiver.clock import SystemClock
from archiver.core.errors import ItemNotFoundError, SettingsError, SourceError, SourceProtocolError
from archiver.core.gate import AdmittedItem, appraise
from archiver.core.items import ItemId
from archiver.core.licences.policies import policy_named
from archiver.core.patience import Patience
from archiver.core.selections import Selection
from archiver.ports.offers import Surroundings
from archiver.shelf import licence_table
from archiver.sources.fma.pages import OFFER
from tests.data_dir import shared_data
from tests.servers.raw_http import raw_server, whole

STATEMENT = "Permission of FMA staff of 2026-01-01, for the pages of our own label."
FILE = "/storage-freemusicarchive-org/tracks/AbCdEf0123456789AbCdEf0123456789AbCdEf01.mp3"
HOME = "https://freemusicarchive.org/music"


def around(endpoint="", **options):
    return Surroundings(
        "free-music-archive", endpoint, "mailto:a@example.org", SystemClock(), 0, 5, options, patience=Patience(0.01, 1)
    )


def selection(query):
    return Selection("s", "t", "free-music-archive", query, (), policy_named("all-cc"), ("audio",), ("p",))


@pytest.fixture
def double():
    with raw_server() as server:
        server.answers["/robots.txt"] = whole(
            b"User-agent: ClaudeBot\nDisallow: /\n\nUser-agent: *\nDisallow: /search\n"
        )
        for path, name in (("nobody/single/invented", "track"), ("nobody/invented-album", "album")):
            page = shared_data(f"synthetic-fixtures/fma-{name}-page.html").read_bytes()
            server.answers[f"/music/{path}/"] = whole(
                page, "Content-Type: text/html; charset=UTF-8", "Set-Cookie: XSRF-TOKEN=x"
            )
        server.answers[FILE] = whole(b"ID3 sound")
        yield server


def test_the_source_is_off_until_the_operator_states_a_permission():
    with pytest.raises(SettingsError, match="is off"):
        OFFER.open(around())


@pytest.mark.parametrize(
    ("name", "title", "licence"),
    [
        ("nobody.single.invented", 'Invented "Song"', "https://creativecommons.org/licenses/by/4.0/"),
        ("nobody.invented-album", "Invented Album", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ],
)
def test_a_page_is_read_with_its_licence_and_files(double, name, title, licence):
    source = OFFER.open(around(double.url, permission=STATEMENT))
    described = source.describe(ItemId("free-music-archive", name))
    assert (described.title, described.creators) == (title, ("Nobody",))
    assert [file.name for file in described.files] == [FILE.rpartition("/")[2]]
    assert STATEMENT.encode() in [answer.content for answer in described.answers]
    admitted = appraise(described, selection("x"), table=licence_table())
    assert isinstance(admitted, AdmittedItem)
    assert admitted.licence_url == licence
    with source.read(admitted, described.files[0]) as delivery:
        assert b"".join(delivery.chunks) == b"ID3 sound"
    assert not any("Cookie:" in head for head in double.heads)
    source.close()


def test_pages_are_named_by_their_addresses(double):
    source = OFFER.open(around(double.url, permission=STATEMENT))
    query = f"{HOME}/nobody/single/invented/ {HOME}/nobody/invented-album  {HOME}/nobody/single/invented"
    (page,) = source.enumerate(selection(query))
    assert [item.name for item in page.items] == ["nobody.single.invented", "nobody.invented-album"]


@pytest.mark.parametrize(
    "url",
    [
        "https://freemusicarchive.org/search?quicksearch=x", "https://freemusicarchive.org/genre/Pop/", f"{HOME}/charts/all",
        f"{HOME}/nobody/", "https://example.org/music/a/b/c/", f"{HOME}/a/../b/", "https://[x/", "file:///music/a/b",
    ],
)  # fmt: skip
def test_searches_and_lists_are_not_read(url):
    source = OFFER.open(around(permission=STATEMENT))
    with pytest.raises(SourceProtocolError, match="searches, genres and charts"):
        list(source.enumerate(selection(url)))


def test_robots_txt_is_kept_to_for_pages_and_files(double):
    source = OFFER.open(around(double.url, permission=STATEMENT))
    described = source.describe(ItemId("free-music-archive", "nobody.single.invented"))
    admitted = appraise(described, selection("x"), table=licence_table())
    double.answers["/robots.txt"] = whole(b"User-agent: archiver\nDisallow: /\n")
    other = OFFER.open(around(double.url, permission=STATEMENT))
    with pytest.raises(ItemNotFoundError, match=r"robots\.txt forbids"):
        other.describe(described.id)
    with pytest.raises(SourceError, match=r"robots\.txt forbids"), other.read(admitted, described.files[0]):
        pass


def test_ten_seconds_lie_between_two_requests_whatever_the_settings_say():
    made = OFFER.open(replace(around(permission=STATEMENT), requests_per_second=5))
    assert made.client.conduct.requests_per_second == 0.1
    assert (
        OFFER.open(replace(around(permission=STATEMENT), requests_per_second=0.01)).client.conduct.requests_per_second
        == 0.01
    )


PAGES = {
    "nothing": b"",
    "no track": b"<html><a rel=license href=https://creativecommons.org/licenses/by/4.0/>",
    "no JSON": b"<div data-track-info='{'>",
    "no object": b"<div data-track-info='[1]'>",
    "deep": b"<div data-track-info='" + b"[" * 100_000 + b"'>",
    "another host": b"<div data-track-info='%s'>"
    % json.dumps({"id": 1, "fileName": "a.mp3", "fileUrl": "https://example.org/a.mp3"}).encode(),
    "a file name that leads out": b"<div data-track-info='%s'>"
    % json.dumps({"id": 1, "fileName": "../a.mp3", "fileUrl": "https://files.freemusicarchive.org/a.mp3"}).encode(),
    "broken": b"<![x<!--" * 1000,
    "no text": bytes(range(256)) * 1000,
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_says_nothing_is_an_error(double, page):
    double.answers["/music/a/b/"] = whole(PAGES[page])
    with pytest.raises(SourceProtocolError):
        OFFER.open(around(double.url, permission=STATEMENT)).describe(ItemId("free-music-archive", "a.b"))
