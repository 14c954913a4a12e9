"""`archiver enrich`: identifiers of held recordings, asked about once, kept beside the bags."""

import json

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive
from tests.doubles.service import Reply, ServiceDouble

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
ISRC = "GBAYE0601498"


def frame(name, text):
    content = b"\0" + text.encode()
    return name + len(content).to_bytes(4, "big") + b"\0\0" + content


def tagged(*frames):
    """An ID3v2.3 tag before bytes that are no sound."""
    body = b"".join(frames)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + body + b"not really audio " * 200


RECORDING = {
    "id": MBID,
    "title": "The bells",
    "length": 240000,
    "artist-credit": [{"name": "The Band", "artist": {"id": MBID, "name": "Band, The"}}],
    "first-release-date": "2006-05-01",
    "releases": [{"id": MBID, "title": "All the bells", "date": "2006"}],
}


@pytest.fixture
def musicbrainz():
    def answer(request):
        if request.path == f"/ws/2/isrc/{ISRC}":
            return Reply(json.dumps({"isrc": ISRC, "recordings": [RECORDING]}).encode())
        if request.path == f"/ws/2/recording/{MBID}":
            return Reply(json.dumps(RECORDING).encode())
        return Reply(b'{"error": "Not Found", "help": "x"}', 404)

    with ServiceDouble(answer) as served:
        yield served


@pytest.fixture
def archive(tmp_path, musicbrainz):
    item = DoubleItem(
        "bells",
        metadata={"licenseurl": LICENCE, "external-identifier": [f"urn:mb_recording_id:{MBID}"]},
        files=(
            DoubleFile("one.mp3", tagged(frame(b"TSRC", "GB-AYE-06-01498"))),
            DoubleFile("two.mp3", tagged(frame(b"TSRC", "no code"), frame(b"TXXX", "MusicBrainz Album Id\0" + MBID))),
        ),
    )
    with ArchiveDouble([item]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        settings = archive.root / "archiver.toml"
        lines = f'[musicbrainz]\nendpoint = "{musicbrainz.url}"\nrequests_per_second = 0\nbackoff = 0.05\ntries = 2\n'
        settings.write_text(settings.read_text() + lines)
        assert archive.harvested().outcomes == {"bells": ("stored", ())}
        yield archive


def told(ended):
    return {(record["kind"], record["identifier"]): record for record in ended.records if "told" in record}


def test_what_musicbrainz_knows_is_kept_beside_the_bag_and_asked_for_once(archive, musicbrainz):
    before = {path: path.read_bytes() for path in (archive.root / "store").rglob("*") if path.is_file()}
    first = archive.run("enrich", "bells", "--output", "jsonl")
    assert first.status == 1, first.err  # an ISRC that is none is a finding
    found = told(first)
    assert {key: record["told"] for key, record in found.items()} == {
        ("recording", MBID): "found",
        ("isrc", ISRC): "found",
        ("isrc", "no code"): "invalid",
        ("release", MBID): "unknown",
    }
    (known,) = found["isrc", ISRC]["knowledge"]["recordings"]
    assert (known["title"], known["artists"][0]["name"]) == ("The bells", "The Band")
    assert found["isrc", ISRC]["raw"] == "GB-AYE-06-01498"
    assert found["isrc", ISRC]["where"] == "data/one.mp3"
    assert found["recording", MBID]["where"] == "metadata/source/metadata.json"
    assert musicbrainz.requests[0].query == {"fmt": "json", "inc": "artist-credits releases isrcs"}
    assert "mailto:ops@example.org" in musicbrainz.requests[0].headers["user-agent"]
    asked = len(musicbrainz.requests)
    assert asked == 3
    again = archive.run("enrich", "bells", "--output", "jsonl")
    assert all(record["cached"] for record in told(again).values() if record["told"] == "found")
    assert len(musicbrainz.requests) == asked
    assert {path: path.read_bytes() for path in before} == before
    assert "A Musician" in archive.run("show", "bells", "--attribution", "text").out
    shown = archive.run("show", "bells", "--output", "jsonl").records
    kept = [record["enrichment"] for record in shown if "enrichment" in record]
    assert {(record["kind"], record["told"]) for record in kept} >= {("isrc", "found"), ("release", "unknown")}
    text = archive.run("enrich", "bells", "--offline").out
    assert "“The bells” by The Band, 2006-05-01" in text


def test_a_database_that_does_not_answer_leaves_what_was_known(archive, musicbrainz):
    assert archive.run("enrich", "bells", "--isrc", "USSKG1912345").status == 1
    musicbrainz.fail("isrc", Reply(b'{"error": "Your requests are exceeding the allowable rate limit."}', 503))
    ended = archive.run("enrich", "bells", "--refresh", "--output", "jsonl")
    assert ended.status == 3
    found = told(ended)
    assert found["isrc", ISRC]["told"] == "failed"
    assert found["isrc", ISRC]["knowledge"]["recordings"][0]["title"] == "The bells"
    assert found["isrc", "USSKG1912345"]["where"] == "command line"


def test_what_is_not_held_cannot_be_enriched(archive):
    ended = archive.run("enrich", "nothing")
    assert ended.status == 2
    assert "not held" in ended.err
