"""Reading answers of Jamendo's API, version 3.0. Pure: bytes in, values out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from archiver.core.errors import (
    CannotRunError,
    ItemNotFoundError,
    SettingsError,
    SourceProtocolError,
    SourceUnavailableError,
)
from archiver.core.items import DeclaredFile, FileRole, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.sources.loose_json import claims, evidence, first, is_true, mark, parse_object, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.errors import SourceError
    from archiver.core.items import ItemId
    from archiver.sources.loose_json import Received

FORMATS = {"mp31": ".mp3", "mp32": ".mp3", "ogg": ".ogg", "flac": ".flac"}
"""What the service can hand out, and the suffix of its files; ``mp32`` is a VBR MP3, ``flac`` is lossless."""
HIDDEN = "removed"
"""Stands where the client's id, or what the service makes of it, stood."""

_SECRET_PARAMETERS = {"client_id", "from", "hash", "u", "access_token"}
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_CREDENTIAL_CODES = {"5", "11", "12", "13"}
"""Invalid client id, application suspended, access token wrong or expired."""
_AGAIN_CODES = {"1", "6"}
"""An exception in the service, and its rate limit."""


def parse_results(received: bytes, *, what: str, secret: str) -> tuple[list[dict[str, Any]], int | None]:
    """Read an answer: its results, and how many there are in all where it says so.

    Raises:
        SettingsError: The client id is refused: nothing can be done until the operator acts.
        SourceUnavailableError: A limit, or a fault of the service; status 200 all the same.
        SourceProtocolError: Another error, or no answer.
    """
    answer = parse_object(received, what=what)
    headers = answer.get("headers")
    if not isinstance(headers, dict):
        raise SourceProtocolError(f"{what}: the answer has no headers")
    code = text(headers.get("code"))
    if code != "0" or first(headers.get("status")) == "failed":
        raise _refusal(code, first(headers.get("error_message")).replace(secret, HIDDEN), what=what)
    results = answer.get("results")
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise SourceProtocolError(f"{what}: the answer has no list of results")
    total = headers.get("results_fullcount")
    digits = text(total)
    return results, int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None


def _refusal(code: str, message: str, *, what: str) -> SourceError | CannotRunError:
    said = f"{what}: the service answers with error {code or '?'}: {message[:200]}"
    if code in _CREDENTIAL_CODES:
        return SettingsError(
            f"{said}; it does not accept the client id that the environment gives",
            next_command='export JAMENDO_CLIENT_ID="…"   # your own, from devportal.jamendo.com',
        )
    if code in _AGAIN_CODES or "limit exceeded" in message.lower():
        return SourceUnavailableError(said, whole_host=True)
    return SourceProtocolError(said)


def track_number(track: Mapping[str, Any]) -> str:
    """Return the track's number as a text, or an empty one."""
    number = text(track.get("id")).strip()
    return number if is_track_number(number) else ""


def mark_of(track: Mapping[str, Any]) -> str:
    """Return what a track's state and the judgement of its licence rest on; nothing that is made of the client id."""
    keys = (
        "name",
        "artist_name",
        "album_name",
        "license_ccurl",
        "audiodownload_allowed",
        "releasedate",
        "duration",
        "shareurl",
    )
    return mark([track.get(key) for key in keys], without_secrets(first(track.get("audiodownload"))))


def is_track_number(name: str) -> bool:
    """Tell whether a name can be the number of a track."""
    return name.isascii() and name.isdigit() and 0 < len(name) <= 12


def parse_track(
    item: ItemId, results: list[dict[str, Any]], received: Received, *, format_: str, secret: str
) -> SourceItem:
    """Read what is said of one track.

    A track that may not be downloaded is described all the same, with a file that the source hands to nobody: what can
    be listened to is a preview, and is not what the musician offered for copying.

    Args:
        item: What was asked for.
        results: Of the answer.
        received: The body it stands in.
        format_: One of `FORMATS`.
        secret: The client id; it is taken out wherever it stands.

    Raises:
        ItemNotFoundError: It is not among the answers.
    """
    found = next((one for one in results if track_number(one) == item.name), None)
    if found is None:
        raise ItemNotFoundError(f"{item}: the source knows no such track")
    track, redacted = redact(found, secret)
    artist, album = first(track.get("artist_name")), first(track.get("album_name"))
    return SourceItem(
        id=item,
        title=first(track.get("name")),
        creators=(artist,) if artist.strip() else (),
        url=first(track.get("shareurl")),
        declarations=tuple(_declarations(track)),
        files=(_file(item, track, format_),),
        answers=(evidence("jamendo.json", track, received, redacted=redacted),),
        updated=first(track.get("releasedate")),
        mediatype="audio",
        collections=(album,) if album else (),
        date=first(track.get("releasedate")),
    )


def _declarations(track: Mapping[str, Any]) -> Iterator[Declaration]:
    for claim in claims(track.get("license_ccurl")):
        yield Declaration("jamendo.license_ccurl", Scope.ITEM, claim)


def _file(item: ItemId, track: Mapping[str, Any], format_: str) -> DeclaredFile:
    address = first(track.get("audiodownload"))
    allowed = track.get("audiodownload_allowed")
    # Absent means that an older service did not know the field; the address is then the only word there is.
    is_allowed = bool(address) and (allowed is None or is_true(allowed))
    facts = {
        "url": address if is_allowed else "",
        "length": first(track.get("duration")),
        "title": first(track.get("name")),
        "album": first(track.get("album_name")),
        "track": first(track.get("position")),
    }
    return DeclaredFile(
        name=f"{item.name}{FORMATS[format_]}",
        role=FileRole.ORIGINAL,
        format=format_,
        private=not is_allowed,
        facts=tuple((key, value) for key, value in facts.items() if value),
    )


def redact(value: Any, secret: str, pointer: str = "") -> tuple[Any, tuple[str, ...]]:
    """Return a copy without the client id and without what the service makes of it, and where something was taken out."""
    if isinstance(value, dict):
        pairs = {key: redact(one, secret, f"{pointer}/{_escaped(key)}") for key, one in value.items()}
        return {key: one for key, (one, _) in pairs.items()}, tuple(
            place for _, found in pairs.values() for place in found
        )
    if isinstance(value, list):
        entries = [redact(one, secret, f"{pointer}/{index}") for index, one in enumerate(value)]
        return [one for one, _ in entries], tuple(place for _, found in entries for place in found)
    if not isinstance(value, str):
        return value, ()
    kept = _ADDRESS.sub(lambda match: without_secrets(match[0]), value)
    kept = kept.replace(secret, HIDDEN) if secret else kept
    return kept, () if kept == value else (pointer,)


def without_secrets(address: str) -> str:
    """Return an address without the parameters that are, or are made from, the client's id."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return HIDDEN
    pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=None)
    kept = [(key, value) for key, value in pairs if key.lower() not in _SECRET_PARAMETERS]
    if len(kept) == len(pairs):
        return address
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(kept), ""))


def _escaped(key: str) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def parse_query(query: str) -> dict[str, str]:
    """Turn the query of a selection, ``name=value`` joined by ``&``, into parameters of the tracks' list.

    Raises:
        SourceProtocolError: It is none, or sets what the program itself sets.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    if query.strip() == "*":
        return {}
    reserved = {"client_id", "format", "limit", "offset", "order", "id", "include", "fullcount", "access_token"}
    wrong = next((name for name, _ in pairs if name in reserved or not re.fullmatch(r"[a-z_]{2,40}", name)), None)
    if not pairs or wrong is not None or len(dict(pairs)) != len(pairs):
        raise SourceProtocolError(
            'a query of Jamendo is "*" or parameters of its list of tracks, such as '
            f'"tags=ambient&datebetween=2020-01-01_2020-01-31", actual {query[:100]!r}'
        )
    return dict(pairs)
