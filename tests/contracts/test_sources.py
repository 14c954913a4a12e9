"""Every source under the same contract, and the contract itself against sources that break it."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from archiver.core.gate import appraise
from archiver.core.licences.policies import policy_named
from archiver.core.patience import Patience
from archiver.core.selections import Selection
from archiver.ports.offers import Surroundings
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.source_contract import Expected, check_source
from archiver.shelf import licence_table
from archiver.sources import ccmixter, commons, feeds, jamendo, url_manifest
from archiver.sources.ia_wire import Manners
from archiver.sources.internet_archive import InternetArchive
from archiver.sources.librivox import LibriVox
from archiver.sources.local import LocalOffer
from tests.archive import LICENCE
from tests.doubles.service import Reply, ServiceDouble
from tests.doubles.services import (
    CcMixterDouble,
    CommonsDouble,
    CommonsFile,
    Episode,
    FeedDouble,
    JamendoDouble,
    Track,
    Upload,
)
from tests.sources.test_manners import FakeClock
from tests.sources.walking import around

EXPECTED = Expected(("bells", "birds"), "nothing")


def selection(source, query):
    return Selection("all", "All", source, query, (), policy_named("all-cc"), ("originals",), ("primary",))


@contextmanager
def internet_archive(_):
    items = [
        DoubleItem(name, metadata={"licenseurl": LICENCE, "title": name}, files=(DoubleFile("a.mp3", b"sound " * 99),))
        for name in EXPECTED.items
    ]
    with ArchiveDouble(items) as double:
        clock = FakeClock()
        source = InternetArchive(
            "internet-archive",
            Manners(double.url, "archiver-test", "mailto:ops@example.org"),
            patience=Patience(tries=2),
            clock=clock,
        )
        yield source, selection("internet-archive", "mediatype:audio")
        source.close()


@contextmanager
def local(root):
    for name in EXPECTED.items:
        (root / name).mkdir()
        (root / name / "item.toml").write_text(f'title = "x"\nlicence = "{LICENCE}"\n')
        (root / name / "a.wav").write_bytes(b"sound " * 99)
    around = Surroundings("local", "", "", FakeClock(), 0, 5, {"folder": str(root)})
    yield LocalOffer().open(around), selection("local", "*")


def service(offer, double, name, query="*", **options):
    @contextmanager
    def opened(_):
        with double() as served:
            source = offer.open(around(name, served.url, **options))
            yield source, selection(name, query)
            source.close()

    return opened


def commons_double():
    return CommonsDouble([CommonsFile(number, f"Bell {number}.ogg") for number in (1, 2)], page_size=1)


def ccmixter_double():
    return CcMixterDouble([Upload(number, f"Remix {number}") for number in (1, 2)])


def jamendo_double():
    return JamendoDouble([Track(number) for number in (1, 2)], client_id="b4c0ffee", page_size=1)


@contextmanager
def feeds_(_):
    with FeedDouble(
        [Episode(number, inside=f"<cc:license rdf:resource='{LICENCE}'/>") for number in ("1", "2")]
    ) as served:
        source = feeds.OFFER.open(around("rss", served.url))
        yield source, selection("rss", "feed.xml")
        source.close()


def test_feeds_keep_the_contract():
    with feeds_(None) as (source, chosen):
        (page,) = source.enumerate(chosen)
        names = tuple(item.name for item in page.items)
        assert len(names) == 2
        assert faults(source, chosen, Expected(names, names[0][:-16] + "0" * 16)) == ()


@contextmanager
def url_manifest_(root):
    with ServiceDouble(lambda request: Reply(b"sound " * 99) if request.path == "/a.mp3" else None) as served:
        (root / "x.csv").write_text(f"item,url,licence\n1,/a.mp3,{LICENCE}\n2,/a.mp3,{LICENCE}\n")
        source = url_manifest.OFFER.open(around("url-manifest", served.url, folder=str(root)))
        yield source, selection("url-manifest", "x")
        source.close()


def test_a_list_of_addresses_keeps_the_contract(tmp_path):
    with url_manifest_(tmp_path) as (source, chosen):
        assert faults(source, chosen, Expected(("x.1", "x.2"), "x.99")) == ()


@contextmanager
def librivox_(_):
    books = [{"id": name, "url_iarchive": f"https://archive.org/details/{name}"} for name in EXPECTED.items]

    def answer(request):
        return Reply(json.dumps({"books": books if request.query["offset"] == "0" else []}).encode())

    with internet_archive(None) as (archive, _), ServiceDouble(answer) as served:
        source = LibriVox(around("librivox", served.url), archive)
        yield source, selection("librivox", "*")
        source.close()


def test_an_index_keeps_the_contract(tmp_path):
    with librivox_(tmp_path) as (source, chosen):
        assert faults(source, chosen) == ()


SERVICES = {
    "commons": service(commons.OFFER, commons_double, "commons", "category:Bells"),
    "ccmixter": service(ccmixter.OFFER, ccmixter_double, "ccmixter"),
    "jamendo": service(jamendo.OFFER, jamendo_double, "jamendo", client_id="b4c0ffee"),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_source_that_is_a_service_keeps_the_contract(name, tmp_path):
    with SERVICES[name](tmp_path) as (source, chosen):
        assert faults(source, chosen, Expected(("1", "2"), "99")) == ()


def faults(source, chosen, expected=EXPECTED):
    return check_source(source, chosen, expected, admit=lambda item: appraise(item, chosen, table=licence_table()))


@pytest.mark.parametrize("opened", [internet_archive, local])
def test_a_source_keeps_the_contract(opened, tmp_path):
    with opened(tmp_path) as (source, chosen):
        assert faults(source, chosen) == ()


def test_the_contract_notices_a_source_that_breaks_it(tmp_path):
    class Broken:
        def __init__(self, source):
            self.source, self.name, self.asked = source, source.name, 0

        def enumerate(self, chosen, *, cursor=""):
            for page in self.source.enumerate(chosen):
                yield replace(page, items=page.items * 2)

        def describe(self, item):
            self.asked += 1
            described = self.source.describe(replace(item, name="bells"))
            return replace(described, updated=str(self.asked))

        @contextmanager
        def read(self, admitted, file, *, offset=0, validator=""):
            with self.source.read(admitted, file) as delivery:
                yield replace(delivery, chunks=iter([b"short"]))

    with local(tmp_path) as (source, chosen):
        found = "\n".join(faults(Broken(source), chosen))
    for fault in (
        "twice",
        "not as many marks as items",
        "an unknown item is described",
        "the description is of",
        "differ",
        "bytes, actual 5",
    ):
        assert fault in found
