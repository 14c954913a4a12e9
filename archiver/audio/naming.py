"""Tags of every container under one set of names. What a tag says is a claim; here it only gets its place."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from archiver.core.examinations import Cover, Description

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST, MOST_COVERS = 2000, 20
_FIELDS = {
    "title": ("title", "tit2", "\xa9nam", "inam"),
    "artist": ("artist", "tpe1", "\xa9art", "author", "iart"),
    "album": ("album", "talb", "\xa9alb", "iprd"),
    "album_artist": ("albumartist", "album artist", "album_artist", "tpe2", "aart"),
    "composer": ("composer", "tcom", "\xa9wrt"),
    "date": ("date", "year", "tdrc", "tyer", "\xa9day", "icrd"),
    "track": ("tracknumber", "track", "trck", "trkn"),
    "disc": ("discnumber", "disc", "tpos", "disk"),
    "genre": ("genre", "tcon", "\xa9gen", "ignr"),
    "copyright": ("copyright", "tcop", "cprt", "icop"),
    "publisher": ("organization", "publisher", "label", "tpub"),
    "comment": ("comment", "description", "comm", "\xa9cmt", "icmt"),
}
_NAMES = {key: name for name, keys in _FIELDS.items() for key in keys}
_MUSICBRAINZ = {
    "trackid": "recording",
    "releasetrackid": "track",
    "albumid": "release",
    "releasegroupid": "release-group",
    "artistid": "artist",
    "albumartistid": "release-artist",
    "workid": "work",
    "discid": "disc",
}
_LICENCES = ("licen", "wcop", "tdrl:cc")


def described(tags: Any, pictures: Any, others: dict[str, str]) -> Description:
    """Return what tags say.

    Args:
        tags: As mutagen read them, or None.
        pictures: Pictures that mutagen keeps beside the tags, or None.
        others: As the demuxer read them; asked where mutagen says nothing.
    """
    fields: dict[str, str] = {}
    isrc: dict[str, None] = {}
    musicbrainz: dict[str, str] = {}
    licence: dict[str, None] = {}
    for key, text in _texts(tags, others):
        name = key.lower()
        bare = (
            name.rpartition(":")[2] if name.startswith(("txxx:", "----:", "wxxx:", "wm/")) else name.partition(":")[0]
        )
        if bare in {"isrc", "tsrc"}:
            isrc[text[:100]] = None
        elif bare.replace(" ", "").replace("_", "").replace("/", "").startswith("musicbrainz"):
            kind = bare.replace(" ", "").replace("_", "").replace("/", "").removeprefix("musicbrainz")
            if kind in _MUSICBRAINZ:
                musicbrainz.setdefault(_MUSICBRAINZ[kind], text[:200])
        elif name.startswith("ufid:http://musicbrainz.org"):
            musicbrainz.setdefault("recording", text[:200])
        elif any(word in name for word in _LICENCES):
            licence[text[:LONGEST]] = None
        elif bare in _NAMES:
            fields.setdefault(_NAMES[bare], text[:LONGEST])
    covers = tuple(_covers(tags, pictures))[:MOST_COVERS]
    ordered = tuple((name, fields[name]) for name in _FIELDS if name in fields)
    return Description(ordered, tuple(isrc), tuple(sorted(musicbrainz.items())), tuple(licence), covers)


def _texts(tags: Any, others: dict[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in _items(tags):
        if key.lower().startswith("ufid:"):
            yield key, bytes(getattr(value, "data", b"")).decode("ascii", "replace")
            continue
        text = getattr(value, "text", getattr(value, "url", value))
        for one in text if isinstance(text, list) else [text]:
            shown = _shown(one)
            if shown:
                yield key, shown
    for key, text in others.items():
        yield str(key), str(text)


def _items(tags: Any) -> Iterator[tuple[str, Any]]:
    if tags is None:
        return
    for key, value in dict(tags).items():
        yield str(key), value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(str(part) for part in value if part)
    if isinstance(value, bytes):
        # iTunes keeps free text as bytes; anything else in bytes is no text.
        return value[:LONGEST].decode("utf-8", "replace") if len(value) < LONGEST and b"\0" not in value else ""
    return str(value).strip() if not hasattr(value, "data") else ""


def _covers(tags: Any, pictures: Any) -> Iterator[Cover]:
    for picture in pictures or ():
        yield _cover(str(getattr(picture, "mime", "")), bytes(picture.data))
    for key, value in _items(tags):
        if key.startswith("APIC"):
            yield _cover(str(value.mime), bytes(value.data))
        elif key == "covr":
            for picture in value:
                yield _cover(
                    {13: "image/jpeg", 14: "image/png"}.get(getattr(picture, "imageformat", 0), ""), bytes(picture)
                )
        elif key.lower() == "metadata_block_picture":
            for block in value if isinstance(value, list) else [value]:
                yield from _block(str(block))


def _block(text: str) -> Iterator[Cover]:
    """Read a picture as Ogg carries it: FLAC's block in base64 (RFC 9639 §8.8)."""
    try:
        block = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return
    mime_length = int.from_bytes(block[4:8], "big")
    at = 8 + mime_length
    at += 4 + int.from_bytes(block[at : at + 4], "big") + 16
    size = int.from_bytes(block[at : at + 4], "big")
    yield _cover(block[8 : 8 + min(mime_length, 100)].decode("ascii", "replace"), block[at + 4 : at + 4 + size])


def _cover(mime: str, content: bytes) -> Cover:
    return Cover(mime[:100], len(content), hashlib.sha256(content).hexdigest())
