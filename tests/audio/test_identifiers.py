"""Identifiers in the tags of files, out of their beginning alone."""

import io

import pytest
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TSRC, TXXX, UFID

from archiver.audio.identifiers import TagIdentifiers
from archiver.core.identifiers import Kind

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def found(head):
    return [(one.kind, one.value) for one in TagIdentifiers().identifiers(head, where="data/a")]


def id3(*frames):
    file = io.BytesIO()
    tags = ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(file)
    return file.getvalue()


def test_id3_frames_are_read():
    head = id3(
        TSRC(encoding=3, text=["GBAYE0601498"]),
        UFID(owner="http://musicbrainz.org", data=MBID.encode()),
        UFID(owner="http://example.org", data=b"x"),
        TXXX(encoding=3, desc="MusicBrainz Album Id", text=[MBID]),
    )
    assert sorted(found(head)) == [(Kind.ISRC, "GBAYE0601498"), (Kind.RECORDING, MBID), (Kind.RELEASE, MBID)]


def test_vorbis_comments_are_read():
    file = io.BytesIO(b"fLaC" + bytes([0x80, 0, 0, 34]) + bytes(10) + bytes.fromhex("0ac442f000000000") + bytes(16))
    tags = FLAC(file)
    tags["ISRC"] = ["GB-AYE-06-01498", "nonsense"]
    tags["MUSICBRAINZ_TRACKID"] = MBID
    file.seek(0)
    tags.save(file)
    assert sorted(found(file.getvalue())) == [(Kind.ISRC, ""), (Kind.ISRC, "GBAYE0601498"), (Kind.RECORDING, MBID)]


@pytest.mark.parametrize(
    "magic", [b"ID3\3\0\0\x7f\x7f\x7f\x7f", b"fLaC", b"OggS", b"OggS" + b"OpusHead", b"\0\0\0\x18ftypM4A ", b""]
)
def test_damaged_or_boundless_tags_are_none(magic):
    for filling in (b"\xff", b"\0", b"TSRC"):
        assert found(magic + filling * 500) == []
