"""Feeds: licences where modules put them, entries known by GUID, conditional requests, and hostile XML."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from archiver.core.errors import ItemNotFoundError, SourceError, SourceProtocolError
from archiver.core.gate import AdmittedItem, TurnedAway
from archiver.core.items import ItemId
from archiver.sources.feed_xml import Enclosure, file_name, parse_feed
from archiver.sources.feeds import OFFER, feed_key
from archiver.staging.notebook import FileNotebook
from tests.data_dir import shared_data
from tests.doubles.service import Reply
from tests.doubles.services import BY, NAMESPACES, SOUND, Episode, FeedDouble
from tests.sources.walking import archive_of, around, bytes_of, judged, outcomes, selection, valid_bags

CC = f"<creativeCommons:license>\n {BY}\n</creativeCommons:license>"
EPISODES = [
    Episode("1", inside=f"{CC}<itunes:author>jo@example.org (Jo Host)</itunes:author>"),
    Episode("2", SOUND + b"2", '<podcast:license url="https://example.org/x.pdf">my-licence</podcast:license>'),
    Episode("3"),
    Episode("4", SOUND + b"4", '<cc:license rdf:resource="https://creativecommons.org/licenses/by-sa/4.0/"/>'),
]


def key(double, guid):
    return f"{feed_key(double.url + '/feed.xml')}.{hashlib.sha256(guid.encode()).hexdigest()[:16]}"


@pytest.fixture
def double():
    with FeedDouble(list(EPISODES)) as served:
        yield served


def opened(double, **keys):
    source = OFFER.open(around("rss", double.url, **keys))
    list(source.enumerate(selection("rss", "feed.xml")))
    return source


def test_a_feed_is_harvested_into_valid_bags_and_asked_with_its_last_state(tmp_path, double):
    archive = archive_of(tmp_path, "rss", double.url, query=f"{double.url}/feed.xml")
    ended = archive.harvested(selection="mine")
    assert outcomes(ended) == {
        key(double, "1"): "stored",
        key(double, "2"): "quarantined",
        key(double, "3"): "refused",
        key(double, "4"): "stored",
    }, ended.err
    bag = valid_bags(archive)[key(double, "1")]
    assert (bag / "data/1.mp3").read_bytes() == SOUND
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "“Episode 1” by Jo Host is licensed under CC BY 4.0" in credits_
    assert "https://example.org/1" in credits_
    evidence = (bag / "metadata/source/entry.xml").read_text()
    assert BY in evidence
    assert "jo@example.org" not in evidence
    assert len(double.asked("feed.xml")) == 1
    double.requests.clear()
    double.episodes.append(Episode("5", SOUND + b"5", CC))
    double.episodes[0] = Episode("1", b"another take", EPISODES[0].inside, EPISODES[0].enclosure.replace("0", "12"))
    assert outcomes(archive.harvested(selection="mine")) == {
        key(double, "1"): "stored",  # as its second version
        key(double, "2"): "quarantined",
        key(double, "3"): "refused",
        key(double, "4"): "unchanged",
        key(double, "5"): "stored",
    }
    double.requests.clear()
    assert outcomes(archive.harvested(selection="mine"))[key(double, "5")] == "unchanged"
    (request,) = double.requests
    assert request.headers["if-none-match"]
    assert request.headers["if-modified-since"] == "Fri, 09 Oct 2020 04:30:38 GMT"
    del double.episodes[:3]  # a feed shows its newest entries: what has left it is not withdrawn
    asked = archive.run("licence", "recheck", "--source", "rss", "--output", "jsonl")
    assert asked.records[-1]["summary"]["unchanged"] == 3, asked.out
    assert asked.status == 0


@pytest.mark.parametrize(
    ("head", "inside", "licence"),
    [
        (CC, "", BY),
        (CC, "<dc:rights>Copyright 2020 Somebody</dc:rights>", BY),
        ("<dc:rights>All rights reserved</dc:rights>", CC, None),
        (f"<copyright>All rights reserved</copyright>{CC}", "", None),
        ("<copyright>(c) 2020 Somebody</copyright>", CC, BY),
        ("", f"<dc:rights>{BY}</dc:rights>", BY),
        ("", f"<copyright>{BY}</copyright>", None),  # a mention; it grants nothing
        ("", f'<media:license href="{BY}">CC</media:license>', BY),
        ("", f"<dcterms:license>{BY}</dcterms:license>", BY),
        ("", f'<atom:link rel="license" href="{BY}"/>', BY),
        ("", "<atom:rights>This work is licensed under CC BY 4.0</atom:rights>", BY),
        ("", "<podcast:license>cc-by-4.0</podcast:license>", BY),
        ("", "<podcast:license>ARR</podcast:license>", None),
        (
            CC,
            "<creativeCommons:license>https://creativecommons.org/licenses/by-nc/1.0/rdf</creativeCommons:license>",
            BY.replace("by/4", "by-nc/1"),
        ),
        ("", f"{CC}<cc:license rdf:resource='https://creativecommons.org/licenses/by-sa/4.0/'/>", None),
        (CC, "<license>all rights reserved</license>", None),
    ],
)
def test_what_an_entry_declares_stands_before_what_its_feed_declares(head, inside, licence):
    with FeedDouble([Episode("1", inside=inside)], head=f"<title>x</title>{head}") as double:
        source = opened(double)
        verdict = judged(source, key(double, "1"))
        source.close()
    assert (verdict.licence_url if isinstance(verdict, AdmittedItem) else None) == licence, verdict


@pytest.mark.parametrize(
    ("written", "reason"), [("ARR", "RESERVED"), (" arr ", "RESERVED"), ("arrr", "UNRESOLVED_LICENCE_FIELD")]
)
def test_a_podcast_that_keeps_all_rights_by_its_code_is_refused(written, reason):
    with FeedDouble([Episode("1", inside=f"<podcast:license>{written}</podcast:license>")]) as double:
        source = opened(double)
        verdict = judged(source, key(double, "1"))
        source.close()
    assert reason in verdict.reasons
    assert verdict.quarantined is (reason != "RESERVED")


def test_the_synthetic_feed_is_read_as_it_is_meant():
    feed = parse_feed(shared_data("synthetic-fixtures", "rss-mixed.xml").read_bytes(), url="https://example.invalid/")
    read = {(entry := feed.entry(one)).title: [d.raw.strip() for d in entry.declarations][:-1] for one in feed.keys}
    assert read == {
        "inherits": ["http://www.creativecommons.org/licenses/by-nc/1.0"],
        "overrides": ["http://creativecommons.org/licenses/by/4.0/rdf"],
        "podcast tag": ["cc-by-4.0"],
        "custom licence": ["my-licence", "https://example.invalid/l.pdf"],
    }


@pytest.mark.parametrize(
    ("document", "links"),
    [
        (
            f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.org/a/"><entry><id>1</id><link rel="enclosure" href="b.ogg"/><link rel="license" href="{BY}"/></entry></feed>',
            ["https://example.org/a/b.ogg"],
        ),
        (
            f'<rdf:RDF {NAMESPACES} xmlns="http://purl.org/rss/1.0/"><channel><title>x</title></channel><item rdf:about="1"><enclosure rdf:resource="https://example.org/c.mp3"/></item></rdf:RDF>',
            ["https://example.org/c.mp3"],
        ),
        ('<rss><channel><item><enclosure url="d.flac"/></item></channel></rss>', ["https://example.org/d.flac"]),
        ('<rss><channel><item><enclosure url="film.mp4" type="video/mp4"/></item></channel></rss>', []),
        ("<rss><channel><item><guid>1</guid></item></channel></rss>", []),
        (
            '<rss><channel><item><guid>1</guid><enclosure url="a.mp3"/></item><item><guid>1</guid><enclosure url="b.mp3"/></item></channel></rss>',
            ["https://example.org/a.mp3"],
        ),
    ],
)
def test_every_kind_of_feed_is_read(document, links):
    feed = parse_feed(document.encode(), url="https://example.org/feed")
    assert [one.url for entry in feed.keys for one in feed.entry(entry).enclosures] == links


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "document",
    [
        f'<!DOCTYPE rss [<!ENTITY l0 "lol">{LAUGHS}]><rss><channel><title>&l11;</title></channel></rss>'.encode(),
        f'<!DOCTYPE rss [<!ENTITY l0 "lol">{LAUGHS}]><rss x="&l11;"/>'.encode("utf-16"),
        b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
        b'<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]><rss><channel/></rss>',
        b"<rss>" * 100_000,
        b"<rss><channel><item></channel></rss>",
        b"<rss><channel>\xff</channel></rss>",
        b"<html><body>Sign in</body></html>",
        b"",
        b"\0" * 1000,
        b"{}",
    ],
)
def test_hostile_or_damaged_xml_is_an_error_and_no_crash(document):
    with pytest.raises(SourceProtocolError):
        parse_feed(document, url="https://example.org/feed")


def test_no_file_of_ours_and_no_host_is_asked_for_by_a_feed(double):
    double.fail(
        "feed.xml", Reply(f'<!DOCTYPE rss SYSTEM "{double.url}/x.dtd">'.encode() + double.body.partition(b"?>")[2])
    )
    source = opened(double)
    assert isinstance(judged(source, key(double, "1")), AdmittedItem)
    assert not double.asked("x.dtd")
    source.close()


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/a.mp3",
        "http://[::ffff:169.254.169.254]/a.mp3",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1/a.mp3",
        "ftp://127.0.0.1/a.mp3",
        "http://[x/a.mp3",
    ],
)
def test_an_enclosure_in_our_own_network_is_not_asked_for(address):
    episode = Episode("1", inside=CC, enclosure=f'<enclosure url="{address}" type="audio/mpeg"/>')
    with FeedDouble([episode]) as double:
        source = opened(double)
        found = judged(source, key(double, "1")) if "[x" not in address else None
        if isinstance(found, AdmittedItem):
            with pytest.raises(SourceError, match=r"refused|not asked|private"):
                bytes_of(source, found)
        source.close()


def test_a_redirect_of_an_enclosure_into_our_own_network_is_not_followed(double):
    double.fail("/audio/1.mp3", Reply(b"", 302, {"Location": "http://169.254.169.254/latest/"}))
    source = opened(double)
    with pytest.raises(SourceProtocolError, match="redirect refused"):
        bytes_of(source, judged(source, key(double, "1")))
    source.close()


def test_an_enclosure_without_end_is_given_up(double):
    double.fail("/audio/1.mp3", Reply(b"x" * 65536 for _ in range(1 << 20)))
    source = opened(double)
    with pytest.raises(SourceProtocolError, match="does not end"):
        bytes_of(source, judged(source, key(double, "1")))
    source.close()


def test_an_entry_is_found_again_by_a_later_process_and_a_damaged_notebook_does_no_harm(double, tmp_path):
    note = FileNotebook(tmp_path / "notes")
    surroundings = replace(around("rss", double.url), notebook=note)
    first = OFFER.open(surroundings)
    list(first.enumerate(selection("rss", "feed.xml")))
    later = OFFER.open(surroundings)
    assert isinstance(judged(later, key(double, "1")), AdmittedItem)
    assert double.requests[-1].headers["if-none-match"]
    (tmp_path / "notes" / f"{feed_key(double.url + '/feed.xml')}.xml").write_bytes(b"<rss/>")
    again = OFFER.open(surroundings)
    assert isinstance(judged(again, key(double, "1")), AdmittedItem)
    assert "if-none-match" not in double.requests[-1].headers
    for source in (first, later, again):
        source.close()


def test_a_feed_that_does_not_answer_keeps_no_other_waiting(double):
    asked, may_answer, usual = threading.Event(), threading.Event(), double.answer

    def slowly(request):
        if "slow.xml" not in request.target:
            return usual(request)
        asked.set()
        may_answer.wait(30)
        return None

    double.answer = slowly
    source = OFFER.open(around("rss", double.url))
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(lambda: list(source.enumerate(selection("rss", "slow.xml"))))
        assert asked.wait(30)
        other = threads.submit(lambda: list(source.enumerate(selection("rss", "feed.xml"))))
        try:
            assert len(other.result(timeout=10)[0].items) == len(EPISODES)
            assert isinstance(judged(source, key(double, "1")), AdmittedItem)
            assert not waiting.done()
        finally:
            may_answer.set()
        assert isinstance(waiting.exception(timeout=30), SourceError)
    source.close()


def test_an_unknown_feed_or_entry_is_not_found(double):
    source = opened(double)
    for name in ("1", key(double, "9"), f"example-org-00000000.{'0' * 16}"):
        with pytest.raises(ItemNotFoundError):
            source.describe(ItemId("rss", name))
    source.close()


def test_a_feed_that_answers_unchanged_to_nobodys_question_is_an_error(double):
    double.fail("feed.xml", Reply(b"", 304))
    with pytest.raises(SourceProtocolError, match="not modified"):
        opened(double)


def test_each_enclosure_of_an_entry_is_a_file():
    with FeedDouble(
        [
            Episode(
                "1",
                inside=CC,
                enclosure='<enclosure url="{url}/audio/x" type="audio/mpeg"/><enclosure url="{url}/audio/{guid}.mp3"/>',
            )
        ]
    ) as double:
        source = opened(double)
        admitted = judged(source, key(double, "1"))
        assert not isinstance(admitted, TurnedAway)
        assert [file.name for file, _ in admitted.files] == ["x.mp3", "1.mp3"]
        source.close()


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("https://x.org/a/b%20c.mp3?token=1", "audio/mpeg", "b c.mp3"),
        ("https://x.org/", "audio/ogg", "key.ogg"),
        ("https://x.org/..", "", "key.audio"),
        ("https://x.org/a%2F..%2Fb.mp3", "", "a_.._b.mp3"),
        ("https://x.org/%00.mp3", "", "_.mp3"),
        ("https://x.org/download", "audio/flac", "download.flac"),
    ],
)
def test_an_enclosure_gets_a_plain_name(url, kind, name):
    assert file_name(Enclosure(url, kind, ""), "key") == name
