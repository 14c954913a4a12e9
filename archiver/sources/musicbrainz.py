"""MusicBrainz, asked about recordings within its rules: one request a second, and who asks says so.

https://musicbrainz.org/doc/MusicBrainz_API: lookups by its own identifiers and by ISRC, JSON with ``fmt=json``; what it knows
nothing of is answered with 404, and who asks too fast with 503.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.core.enrichments import Knowledge
from archiver.core.errors import SourceProtocolError, SourceUnavailableError
from archiver.core.identifiers import Kind
from archiver.sources.loose_json import first, inner, parse_object, text
from archiver.sources.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.core.identifiers import Identifier
    from archiver.ports.offers import Surroundings
    from archiver.sources.loose_json import Received

HOME = "https://musicbrainz.org"
MOST_RELEASES = 25
MOST_RECORDINGS = 25
LONGEST_NAME = 1000

_ASKED = {
    Kind.ISRC: ("/ws/2/isrc/{}", "artist-credits releases isrcs"),
    Kind.RECORDING: ("/ws/2/recording/{}", "artist-credits releases isrcs"),
    Kind.RELEASE: ("/ws/2/release/{}", "artist-credits labels"),
}


class MusicBrainz:
    """See `archiver.ports.enrichments.Encyclopedia`. Safe for threads."""

    def __init__(self, around: Surroundings) -> None:
        self._service = Service(around, home=HOME, hosts=())

    def ask(self, identifier: Identifier) -> Knowledge:
        """Return what MusicBrainz knows; see the port."""
        path, included = _ASKED[identifier.kind]
        return self._service.ask(
            path.format(identifier.value),
            lambda received: parse_answer(identifier, received),
            params={"fmt": "json", "inc": included},
            what=f"MusicBrainz: {identifier.key}",
            also=(404,),
        )

    def close(self) -> None:
        """Close every connection."""
        self._service.close()


def parse_answer(identifier: Identifier, received: Received) -> Knowledge:
    """Read an answer about an identifier.

    Raises:
        SourceUnavailableError: It asks us to slow down.
        SourceProtocolError: It is no answer, or one about something else.
    """
    what = f"MusicBrainz: {identifier.key}"
    answer = parse_object(received.body, what=what)
    error = first(answer.get("error"))
    if "rate limit" in error.lower():
        raise SourceUnavailableError(f"{what}: {error[:200]}", whole_host=True)
    if error and error.lower() != "not found":
        raise SourceProtocolError(f"{what}: the service answers with an error: {error[:200]}")
    record: Mapping[str, Any] = {}
    if not error:
        if identifier.kind is Kind.ISRC:
            record = {"recordings": [_recording(one) for one in _objects(answer.get("recordings"), MOST_RECORDINGS)]}
            about = first(answer.get("isrc")).upper()
        else:
            record = _release(answer) if identifier.kind is Kind.RELEASE else {"recordings": [_recording(answer)]}
            about = first(answer.get("id")).lower()
        # Merged recordings are answered under their new identifier: that one is in the record.
        if not about or (identifier.kind is Kind.ISRC and about != identifier.value):
            raise SourceProtocolError(f"{what}: the answer is about something else: {about[:60]!r}")
    return Knowledge(identifier.key, record, received.url.partition("?")[0], received.at)


def _recording(value: Mapping[str, Any]) -> dict[str, Any]:
    return _filled(
        {
            "id": first(value.get("id")),
            "title": first(value.get("title"))[:LONGEST_NAME],
            "disambiguation": first(value.get("disambiguation"))[:LONGEST_NAME],
            "artists": _artists(value),
            "length_ms": text(value.get("length")),
            "first_release_date": first(value.get("first-release-date"))[:40],
            "isrcs": [one[:40] for one in map(text, _list(value.get("isrcs"))) if one][:MOST_RELEASES],
            "releases": [
                _filled(
                    {
                        "id": first(one.get("id")),
                        "title": first(one.get("title"))[:LONGEST_NAME],
                        "date": first(one.get("date"))[:40],
                    }
                )
                for one in _objects(value.get("releases"), MOST_RELEASES)
            ],
        }
    )


def _release(value: Mapping[str, Any]) -> dict[str, Any]:
    labels = (
        first(inner(one, "label", "name"))[:LONGEST_NAME] for one in _objects(value.get("label-info"), MOST_RELEASES)
    )
    return _filled(
        {
            "id": first(value.get("id")),
            "title": first(value.get("title"))[:LONGEST_NAME],
            "artists": _artists(value),
            "date": first(value.get("date"))[:40],
            "country": first(value.get("country"))[:10],
            "barcode": first(value.get("barcode"))[:40],
            "labels": [label for label in labels if label],
        }
    )


def _artists(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _filled({"name": first(one.get("name"))[:LONGEST_NAME], "id": first(inner(one, "artist", "id"))})
        for one in _objects(value.get("artist-credit"), MOST_RELEASES)
    ]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object, most: int) -> list[dict[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)][:most]


def _filled(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value}
