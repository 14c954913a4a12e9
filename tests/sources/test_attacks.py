"""Every source that asks over HTTP, under every attack: a clear error, in bounded time and memory."""

import gzip
import hashlib
import itertools
import json
import time
import tracemalloc
from contextlib import contextmanager

import pytest

from archiver.core.errors import CannotRunError, SourceError
from archiver.core.gate import AdmittedItem
from archiver.core.identifiers import Kind, identifier
from archiver.core.items import ItemId
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.sources import ccmixter, commons, feeds, jamendo, url_manifest
from archiver.sources.fma import pages as fma_pages
from archiver.sources.ia_wire import Manners
from archiver.sources.internet_archive import InternetArchive
from archiver.sources.librivox import LibriVox
from archiver.sources.musicbrainz import MusicBrainz
from tests.doubles.service import Reply, ServiceDouble
from tests.doubles.services import (
    BY,
    SOUND,
    CcMixterDouble,
    CommonsDouble,
    CommonsFile,
    Episode,
    FeedDouble,
    JamendoDouble,
    Track,
    Upload,
)
from tests.sources.walking import around, bytes_of, judged, selection

MOST_SECONDS = 20
MOST_BYTES = 200 << 20
TIMEOUT = 0.3
BOMB = gzip.compress(b" " * (70 << 20), 1)
SECRET = "b4c0ffee"


def service(offer, name, made, query, *parts, **options):
    @contextmanager
    def opened(_):
        with made() as served:
            source = offer.open(around(name, served.url, tries=1, timeout=TIMEOUT, **options))
            yield source, served, selection(name, query), parts, "1"
            source.close()

    return opened


@contextmanager
def feed(_):
    with FeedDouble([Episode("1", inside=f"<cc:license rdf:resource='{BY}'/>")]) as served:
        source = feeds.OFFER.open(around("rss", served.url, tries=1, timeout=TIMEOUT))
        key = f"{feeds.feed_key(served.url + '/feed.xml')}.{hashlib.sha256(b'1').hexdigest()[:16]}"
        source._addresses[key.partition(".")[0]] = f"{served.url}/feed.xml"
        yield source, served, selection("rss", "feed.xml"), ("feed.xml", "/audio/"), key
        source.close()


@contextmanager
def manifest(folder):
    (folder / "x.csv").write_text(f"item,url,licence\n1,/audio/1.mp3,{BY}\n")
    with ServiceDouble(lambda _: Reply(SOUND)) as served:
        source = url_manifest.OFFER.open(
            around("url-manifest", served.url, tries=1, timeout=TIMEOUT, folder=str(folder))
        )
        yield source, served, selection("url-manifest", "x"), ("", "/audio/"), "x.1"
        source.close()


@contextmanager
def librivox(_):
    item = DoubleItem("bells", metadata={"licenseurl": BY}, files=(DoubleFile("a.mp3", SOUND),))
    books = {"books": [{"id": "1", "url_iarchive": "https://archive.org/details/bells"}]}
    with ArchiveDouble([item]) as archive, ServiceDouble(lambda _: Reply(json.dumps(books).encode())) as served:
        surroundings = around("librivox", served.url, tries=1, timeout=TIMEOUT)
        manners = Manners(archive.url, "archiver-test", "mailto:ops@example.org", timeout=TIMEOUT)
        opened = InternetArchive("internet-archive", manners, patience=surroundings.patience, clock=surroundings.clock)
        source = LibriVox(surroundings, opened)
        yield source, served, selection("librivox", "*"), ("audiobooks", ""), "bells"
        source.close()


@contextmanager
def pages(_):
    track = {"id": 1, "title": "Bell", "artistName": "A", "albumTitle": "-", "fileName": "a.mp3"}
    track["fileUrl"] = "https://files.freemusicarchive.org/tracks/a.mp3"
    page = f"<div data-track-info='{json.dumps(track)}'></div><a rel=license href={BY}>x</a>".encode()
    answers = {"/music/a/b/": Reply(page), "/tracks/a.mp3": Reply(SOUND)}
    with ServiceDouble(lambda request: answers.get(request.path)) as served:
        stated = {"permission": "By the double itself, for this test."}
        source = fma_pages.OFFER.open(around("free-music-archive", served.url, tries=1, timeout=TIMEOUT, **stated))
        yield source, served, selection("free-music-archive", "x"), ("/music/", "/tracks/"), "a.b"
        source.close()


SOURCES = {
    "commons": service(
        commons.OFFER,
        "commons",
        lambda: CommonsDouble([CommonsFile(1, "Bell.ogg")]),
        "category:Bells",
        "api.php",
        "/wikipedia/",
    ),
    "ccmixter": service(
        ccmixter.OFFER, "ccmixter", lambda: CcMixterDouble([Upload(1)]), "*", "/api/query", "/content/"
    ),
    "jamendo": service(
        jamendo.OFFER,
        "jamendo",
        lambda: JamendoDouble([Track(1)], client_id=SECRET),
        "*",
        "/v3.0/",
        "/download/",
        client_id=SECRET,
    ),
    "rss": feed,
    "url-manifest": manifest,
    "librivox": librivox,
    "free-music-archive": pages,
}


def endless():
    return itertools.repeat(b"x" * 65536)


def attacks():
    """Replies by name; each is made anew."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return {
        "bomb": Reply(BOMB, headers={"Content-Encoding": "gzip"}),
        "endless": Reply(endless()),
        "drip": Reply(
            raw=itertools.chain([head + b"Content-Length: 99999\r\n\r\n"], itertools.repeat(b" ")), pause=0.02
        ),
        "headers": Reply(raw=itertools.chain([head], itertools.repeat(b"X-Flood: " + b"y" * 8000 + b"\r\n"))),
        "line": Reply(raw=itertools.chain([head + b"X-Long: "], endless())),
        "metadata service": Reply(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data/"}),
        "another host": Reply(b"", 302, {"Location": "http://192.0.2.1/"}),
        "another scheme": Reply(b"", 302, {"Location": "file:///etc/passwd"}),
        "loop": Reply(b"", 302, {"Location": "?again"}),
        "page": Reply(b"<!DOCTYPE html><p>Sign in", headers={"Content-Type": "text/html"}),
        "nothing": Reply(raw=[b""]),
        "deep": Reply(b"[" * 200_000),
    }


@contextmanager
def bounded(attack):
    measured = attack in {"bomb", "endless"}
    began = time.monotonic()
    if measured:
        tracemalloc.start()
    try:
        yield
        if measured:
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        if measured:
            tracemalloc.stop()
    assert time.monotonic() - began < MOST_SECONDS


EACH = ("bomb", "endless", "drip", "headers", "metadata service", "another scheme")
"""On every source; the others on one, because all ask through one client, whose own tests have them all."""
CASES = [(name, attack) for name in SOURCES for attack in attacks() if attack in EACH or name == "commons"]


@pytest.mark.parametrize(
    ("name", "attack"), [case for case in CASES if case[0] not in {"url-manifest", "free-music-archive"}]
)
def test_metadata_that_attacks_ends_in_an_error(name, attack, tmp_path):
    with SOURCES[name](tmp_path) as (source, double, chosen, (metadata, _), _):
        double.fail(metadata, attacks()[attack])
        with bounded(attack), pytest.raises((SourceError, CannotRunError)) as caught:
            list(source.enumerate(chosen))
        assert str(caught.value)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "attack"), [case for case in CASES if case[0] != "librivox" and case[1] not in {"page", "deep"}]
)
def test_a_file_that_attacks_ends_in_an_error(name, attack, tmp_path):
    with SOURCES[name](tmp_path) as (source, double, chosen, (_, files), item):
        admitted = judged(source, item, chosen)
        assert isinstance(admitted, AdmittedItem)
        double.fail(files, attacks()[attack])
        with bounded(attack), pytest.raises(SourceError):
            bytes_of(source, admitted)


@pytest.mark.parametrize("attack", attacks())
def test_a_page_that_attacks_ends_in_an_error(attack, tmp_path):
    with pages(tmp_path) as (source, double, _, (page, _), item):
        double.fail(page, attacks()[attack])
        with bounded(attack), pytest.raises(SourceError):
            source.describe(ItemId(source.name, item))


INSIDE = [
    "http://169.254.169.254/a.mp3",
    "http://10.0.0.1/a.mp3",
    "http://[::1]:9/a",
    "http://0x7f000001:9/",
    "ftp://127.0.0.1/a",
]


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("endpoint", ["", "here"])
def test_an_address_of_our_own_network_in_an_answer_is_not_asked(address, endpoint):
    """Also where the endpoint is the public one: what the answers name is not believed."""
    files = [CommonsFile(1, "Bell.ogg", info={"url": address})]
    with CommonsDouble(files) as double:
        source = commons.OFFER.open(around("commons", double.url, tries=1))
        admitted = judged(source, "1")
        source.close()
    reading = commons.OFFER.open(around("commons", double.url if endpoint else "", tries=1))
    with pytest.raises(SourceError):
        bytes_of(reading, admitted)
    reading.close()


def test_musicbrainz_under_attack_ends_in_an_error():
    one = identifier(Kind.ISRC, "GBAYE0601498", where="x")
    for attack, reply in attacks().items():
        with ServiceDouble(lambda _, reply=reply: reply) as double:
            asked = MusicBrainz(around("musicbrainz", double.url, tries=1, timeout=TIMEOUT))
            with bounded(attack), pytest.raises(SourceError):
                asked.ask(one)
            asked.close()


def test_an_item_of_another_name_cannot_become_a_part_of_an_address(tmp_path):
    for name in ("commons", "ccmixter", "jamendo"):
        with SOURCES[name](tmp_path) as (source, double, *_):
            before = len(double.requests)
            for hostile in ("../../x", "1&client_id=2", "1|2", "1\r\nX: y", "٣"):
                with pytest.raises(SourceError):
                    source.describe(ItemId(source.name, hostile))
            assert len(double.requests) == before
