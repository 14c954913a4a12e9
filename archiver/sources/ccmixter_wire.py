"""Reading answers of ccMixter's query API. Pure: bytes in, values out.

The answers are JSON in name only: numbers with leading noughts, raw control characters, texts in place of answers.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from archiver.core.errors import ItemNotFoundError, SourceProtocolError, SourceUnavailableError
from archiver.core.fixity import Algorithm, Digest, recognise_digest
from archiver.core.items import DeclaredFile, FileRole, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.sources.loose_json import claims, evidence, first, inner, mark, parse_json, size, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.items import ItemId
    from archiver.sources.loose_json import Received

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|(?<=[:\[,\s])(-?)0+(?=[0-9])', re.DOTALL)
"""A text, or the leading noughts of a number; possessive, because a text without end must not be tried from each place."""
_LICENCE_FIELDS = ("license_url", "license_name")


def parse_uploads(received: bytes, *, what: str) -> list[dict[str, Any]]:
    """Read a list of uploads, as the service writes it.

    Raises:
        SourceUnavailableError: The service answers with a text of its own: it says so when something is out of order.
        SourceProtocolError: The answer is no list of uploads.
    """
    body = received.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not body.startswith((b"[", b"{")):
        start = received[:80].decode("utf-8", "replace").strip()
        raise SourceUnavailableError(f"{what}: the service answers with a text: {start!r}")
    answer = parse_json(_repaired(body).decode("utf-8", "replace").encode(), what=what, strict=False)
    if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
        raise SourceProtocolError(f"{what}: the answer is no list of uploads")
    return answer


def _repaired(body: bytes) -> bytes:
    """Take the leading noughts off numbers (``"bpm":094``), outside of texts only."""
    return _TOKEN.sub(lambda match: match[0] if match[0].startswith(b'"') else match[1], body)


def upload_number(upload: Mapping[str, Any]) -> str:
    """Return the upload's number as a text, or an empty one."""
    number = text(upload.get("upload_id")).strip()
    return number if is_upload_number(number) else ""


def mark_of(upload: Mapping[str, Any]) -> str:
    """Return what an upload's state and the judgement of its licence rest on."""
    plain = [
        upload.get(key) for key in ("upload_name", "user_real_name", "user_name", "file_page_url", *_LICENCE_FIELDS)
    ]
    files = upload.get("files")
    entries = files if isinstance(files, list) else []
    keys = ("file_name", "file_nicname", "download_url", "file_rawsize", "file_is_remote")
    return mark(plain, [[inner(one, key) for key in keys] + [inner(one, "file_extra", "sha1")] for one in entries])


def is_upload_number(name: str) -> bool:
    """Tell whether a name can be the number of an upload."""
    return name.isascii() and name.isdigit() and 0 < len(name) <= 12


def parse_upload(item: ItemId, uploads: list[dict[str, Any]], received: Received) -> SourceItem:
    """Read what is said of one upload.

    Raises:
        ItemNotFoundError: It is not among the answers.
        SourceProtocolError: It has no list of files.
    """
    upload = next((one for one in uploads if upload_number(one) == item.name), None)
    if upload is None:
        raise ItemNotFoundError(f"{item}: the source knows no such upload")
    files = upload.get("files")
    if not isinstance(files, list):
        raise SourceProtocolError(f"{item}: the answer has no list of files")
    declared = tuple(_files(item, files))
    artist = first(upload.get("user_real_name")) or first(upload.get("user_name"))
    kept = {key: value for key, value in upload.items() if key != "user_email"}
    return SourceItem(
        id=item,
        title=first(upload.get("upload_name")),
        creators=(artist,) if artist.strip() else (),
        url=first(upload.get("file_page_url")),
        declarations=tuple(_declarations(upload)),
        files=declared,
        answers=(evidence("ccmixter.json", kept, received),),
        updated=" ".join(filter(None, (first(upload.get("upload_last_edit")), *_marks(declared)))),
        mediatype="audio",
        date=first(upload.get("upload_date_format")),
    )


def _marks(files: tuple[DeclaredFile, ...]) -> Iterator[str]:
    for file in files:
        yield str(next(iter(file.digests), file.size or file.name))


def _declarations(upload: Mapping[str, Any]) -> Iterator[Declaration]:
    for key in _LICENCE_FIELDS:
        for claim in claims(upload.get(key)):
            yield Declaration(f"ccmixter.{key}", Scope.ITEM, claim)


def _files(item: ItemId, entries: list[Any]) -> Iterator[DeclaredFile]:
    seen: set[str] = set()
    for entry in entries:
        address = first(inner(entry, "download_url"))
        name = first(inner(entry, "file_name")) or address.rpartition("/")[2]
        if not name:
            raise SourceProtocolError(f"{item}: a file in the answer has no name")
        if name in seen:
            raise SourceProtocolError(f"{item}: the answer lists a file twice: {name[:200]!r}")
        seen.add(name)
        facts = {
            "url": quoted(address),
            "length": first(inner(entry, "file_format_info", "ps")),
            "title": first(inner(entry, "file_nicname")) if len(entries) > 1 else "",
        }
        yield DeclaredFile(
            name=name,
            role=FileRole.ORIGINAL,
            size=size(inner(entry, "file_rawsize")),
            digests=tuple(_digests(first(inner(entry, "file_extra", "sha1")))),
            format=first(inner(entry, "file_format_info", "mime_type")),
            # What lies on another server is not ccMixter's to hand out.
            private=not address or first(inner(entry, "file_is_remote")) not in {"", "0", "false"},
            facts=tuple((key, value) for key, value in facts.items() if value),
        )


def _digests(written: str) -> Iterator[Digest]:
    """Read a SHA-1 in base32 (RFC 4648 §6), as the service writes it, or in hexadecimal."""
    hexadecimal = recognise_digest(Algorithm.SHA1, written)
    if hexadecimal is not None:
        yield hexadecimal
        return
    digits = written.strip().upper()
    if len(digits) == 32:  # 20 bytes
        try:
            decoded = base64.b32decode(digits)
        except (binascii.Error, ValueError):
            return
        yield Digest(Algorithm.SHA1, decoded.hex())


def quoted(address: str) -> str:
    """Return an address as a request can have it: the service leaves spaces in its file names as they are."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    # A percent sign that begins an escape is one; anything else is the name's own.
    path = "%".join(
        quote(piece, safe="/:@!$&'()*+,;=~")
        if not index or re.match(r"[0-9A-Fa-f]{2}", piece)
        else "25" + quote(piece, safe="/:@!$&'()*+,;=~")
        for index, piece in enumerate(parts.path.split("%"))
    )
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
