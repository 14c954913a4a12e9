"""Identifiers of recordings that stand in tags and in what sources say: ISRC (ISO 3901) and MusicBrainz's own."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 2000
"""Identifiers that are taken from one text."""
_DEEPEST = 40

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_URN = re.compile(r"urn:(isrc|mb_recording_id|mb_release_id):([A-Za-z0-9-]{12,40})", re.IGNORECASE)


class Kind(StrEnum):
    """What an identifier names."""

    ISRC = "isrc"
    RECORDING = "recording"
    """A recording at MusicBrainz."""
    RELEASE = "release"
    """A release at MusicBrainz: an album, a single."""


_KINDS = {
    "isrc": Kind.ISRC,
    "isrcs": Kind.ISRC,
    "tsrc": Kind.ISRC,
    "mb_recording_id": Kind.RECORDING,
    "musicbrainz_trackid": Kind.RECORDING,
    "musicbrainz_recordingid": Kind.RECORDING,
    "musicbrainz_recording_id": Kind.RECORDING,
    "recording_mbid": Kind.RECORDING,
    "mb_release_id": Kind.RELEASE,
    "musicbrainz_albumid": Kind.RELEASE,
    "musicbrainz_releaseid": Kind.RELEASE,
    "musicbrainz_release_id": Kind.RELEASE,
    "release_mbid": Kind.RELEASE,
}


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """An identifier as it was found.

    Attributes:
        kind: What it names.
        raw: Exactly as found.
        where: The file in the bag where it stands.
        value: The one way of writing it: an ISRC without hyphens in capitals, a UUID in small letters; empty where it is
            no identifier of its kind.
    """

    kind: Kind
    raw: str
    where: str
    value: str

    @property
    def key(self) -> str:
        """Kind and value: what is asked for once, wherever it stands."""
        return f"{self.kind}:{self.value}"


def identifier(kind: Kind, raw: str, *, where: str) -> Identifier:
    """Return an identifier with the one way of writing it, or with none."""
    value = compact_isrc(raw) if kind is Kind.ISRC else raw.strip().lower()
    if kind is not Kind.ISRC and not _UUID.fullmatch(value):
        value = ""
    return Identifier(kind, raw[:200], where, value)


def compact_isrc(raw: str) -> str:
    """Return an ISRC without hyphens and in capitals, or nothing where it is none (ISO 3901: country, owner, year, number)."""
    from stdnum import isrc  # noqa: PLC0415 - needed for this alone
    from stdnum.exceptions import ValidationError  # noqa: PLC0415

    try:
        return str(isrc.validate(raw.strip().removeprefix("ISRC").lstrip(": "))) if len(raw) < 40 else ""
    except ValidationError:
        return ""


def recognise_kind(name: str) -> Kind | None:
    """Return what a field holds by its name, in any spelling of tags and APIs, or None."""
    plain = name.rpartition(":")[2].strip().lower().replace(" ", "_").replace("-", "_")
    return _KINDS.get(plain) or _KINDS.get(plain.replace("_track_id", "_trackid").replace("_album_id", "_albumid"))


def identifiers_in(content: bytes, *, where: str) -> Iterator[Identifier]:
    """Yield the identifiers in an answer of a source: under fields that are made for them, and as URNs anywhere."""
    text = content.decode("utf-8", "replace")
    found: dict[Identifier, None] = {}
    with suppress(ValueError, RecursionError):  # no JSON: the URNs remain
        found.update(dict.fromkeys(_fields(json.loads(text), where, 0)))
    for match in _URN.finditer(text):
        kind = Kind.ISRC if match[1].lower() == "isrc" else _KINDS[match[1].lower()]
        found[identifier(kind, match[2], where=where)] = None
        if len(found) >= MOST:
            break
    yield from list(found)[:MOST]


def _fields(value: object, where: str, depth: int) -> Iterator[Identifier]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _fields(one, where, depth + 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            kind = recognise_kind(name)
            texts = [
                text for text in (one if isinstance(one, list) else [one]) if isinstance(text, str) and text.strip()
            ]
            if kind is not None:
                yield from (identifier(kind, text, where=where) for text in texts)
            yield from _fields(one, where, depth + 1)
