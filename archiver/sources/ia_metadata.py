"""Reading an answer of the Internet Archive's metadata API. Pure: bytes in, values out.

Any field may be a string, a list, a number or missing, and nothing in it can be relied upon.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from archiver.core.errors import (
    ItemDarkError,
    ItemNotFoundError,
    SourceProtocolError,
    SourceUnavailableError,
    UnsafeNameError,
)
from archiver.core.fixity import Algorithm, Digest, recognise_digest
from archiver.core.items import DeclaredFile, FileRole, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.licences.policies import uploader_digest
from archiver.sources.loose_json import Received, claims, evidence, first, is_true, parse_object, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.core.items import ItemId, SourceAnswer

IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,255}")
"""What an identifier at the Internet Archive can be made of; ``.`` and ``..`` are none."""

_ITEM_DECLARATIONS = ("licenseurl", "rights", "possible-copyright-status", "license", "description")
_PROVENANCE_ENDS = ("_meta.xml", "_files.xml", "_reviews.xml", "_archive.torrent", "_meta.sqlite", "_rules.conf")
_PROVENANCE_NAMES = frozenset(["__ia_thumb.jpg"])
_FACTS = ("length", "title", "track", "album", "artist", "creator", "genre", "bitrate", "mtime", "crc32", "original")
_PERSONAL_KEYS = frozenset(["uploader", "updater", "adder", "operator", "republisher_operator"])
_EMAIL = re.compile(r"\s*[^\s@<>]{1,64}@[^\s@<>]{1,255}\.[A-Za-z]{2,24}\s*")


def is_identifier(text: str) -> bool:
    """Tell whether the Internet Archive could have an item of this name."""
    return IDENTIFIER.fullmatch(text) is not None and text not in {".", ".."}


def parse_item(item: ItemId, received: bytes, *, endpoint: str, url: str, at: datetime) -> SourceItem:
    """Read the answer about an item.

    Args:
        item: What was asked for.
        received: The body, decompressed.
        endpoint: For the address of the page a reader would open.
        url: Where it was read.
        at: When.

    Raises:
        ItemNotFoundError: ``{}``, the service's word for an unknown item.
        ItemDarkError: The item was withdrawn.
        SourceUnavailableError: The servers that hold it are away.
        SourceProtocolError: The answer cannot be understood, or is about another item.
    """
    answer = parse_object(received, what=str(item))
    if not answer:
        raise ItemNotFoundError(f"{item}: the source knows no such item")
    if is_true(answer.get("is_dark")):
        raise ItemDarkError(f"{item}: the source has withdrawn the item")
    if answer.get("error"):
        raise SourceUnavailableError(f"{item}: the source answers with an error: {str(answer['error'])[:200]}")
    metadata, files = answer.get("metadata"), answer.get("files")
    if not isinstance(files, list) and is_true(answer.get("servers_unavailable")):
        raise SourceUnavailableError(f"{item}: the servers that hold the item are away")
    if not isinstance(metadata, dict) or not isinstance(files, list):
        raise SourceProtocolError(f"{item}: the answer has no metadata or no list of files")
    found = first(metadata.get("identifier"))
    if found != item.name:
        raise SourceProtocolError(f"{item}: the answer is about another item: {found[:200]!r}")
    declared = tuple(_files(item, files))
    collections = texts(metadata.get("collection"))
    return SourceItem(
        id=item,
        title=first(metadata.get("title")),
        creators=texts(metadata.get("creator")),
        url=f"{endpoint}/details/{item.name}",
        declarations=(*_declarations(metadata), *_file_declarations(files)),
        files=declared,
        answers=(_evidence(answer, received, url=url, at=at),),
        access_restricted=any(map(is_true, texts(metadata.get("access-restricted-item")))),
        stream_only="stream_only" in collections,
        updated=first(answer.get("item_last_updated")),
        mediatype=first(metadata.get("mediatype")),
        collections=collections,
        date=first(metadata.get("date")),
        uploader=_uploader(metadata),
    )


def _uploader(metadata: dict[str, Any]) -> str:
    """Return what stands for the uploader: the address itself goes nowhere."""
    address = first(metadata.get("uploader"))
    return uploader_digest(address) if address else ""


def _declarations(metadata: dict[str, Any]) -> Iterator[Declaration]:
    for key in _ITEM_DECLARATIONS:
        for text in claims(metadata.get(key)):
            yield Declaration(f"ia.{key}", Scope.ITEM, text)


def _file_declarations(files: list[Any]) -> Iterator[Declaration]:
    for entry in files:
        if isinstance(entry, dict):
            for text in claims(entry.get("license")):
                yield Declaration("ia.file.license", Scope.FILE, text, subject=first(entry.get("name")))


def _files(item: ItemId, entries: list[Any]) -> Iterator[DeclaredFile]:
    seen: set[str] = set()
    for entry in entries:
        name = first(entry.get("name")) if isinstance(entry, dict) else ""
        if not name:
            raise SourceProtocolError(f"{item}: a file in the answer has no name")
        if name in seen:
            raise SourceProtocolError(f"{item}: the answer lists a file twice: {name[:200]!r}")
        seen.add(name)
        yield _file(item, name, entry)


def _file(item: ItemId, name: str, entry: dict[str, Any]) -> DeclaredFile:
    size = first(entry.get("size")).strip()
    return DeclaredFile(
        name=name,
        role=_role(item, name, entry),
        size=int(size) if re.fullmatch(r"[0-9]{1,18}", size) else None,
        digests=tuple(_digests(entry)),
        format=first(entry.get("format")),
        private=any(map(is_true, texts(entry.get("private")))),
        facts=tuple((key, found) for key in _FACTS if (found := first(entry.get(key)))),
    )


def _role(item: ItemId, name: str, entry: dict[str, Any]) -> FileRole:
    """Class a file by name, not only by what the source calls it: `_meta.xml` is "original" in some items."""
    source = first(entry.get("source"))
    is_own_record = name.startswith(item.name) and name[len(item.name) :] in _PROVENANCE_ENDS
    if is_own_record or name in _PROVENANCE_NAMES or source == "metadata":
        return FileRole.PROVENANCE
    if is_true(first(entry.get("old_version"))) or name.startswith("history/files/"):
        return FileRole.OLD_VERSION
    return FileRole.DERIVATIVE if source == "derivative" else FileRole.ORIGINAL


def _digests(entry: dict[str, Any]) -> Iterator[Digest]:
    if entry.get("summation"):
        return  # The digest of a list that holds itself: it can never match.
    for algorithm in (Algorithm.SHA1, Algorithm.MD5):
        digest = recognise_digest(algorithm, first(entry.get(algorithm.value)))
        if digest is not None:
            yield digest


def _evidence(answer: dict[str, Any], received: bytes, *, url: str, at: datetime) -> SourceAnswer:
    """Keep the answer without personal data: the uploader's address, and what reviewers wrote."""
    redacted: list[str] = []
    kept = dict(answer)
    if "reviews" in kept:
        del kept["reviews"]
        redacted.append("/reviews")
    kept["metadata"] = {}
    for key, value in answer["metadata"].items():
        values = value if isinstance(value, list) else [value]
        if key in _PERSONAL_KEYS or any(isinstance(one, str) and _EMAIL.fullmatch(one) for one in values):
            redacted.append(f"/metadata/{_pointer(key)}")
        else:
            kept["metadata"][key] = value
    return evidence("metadata.json", kept, Received(received, url, at), redacted=tuple(sorted(redacted)))


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1").encode("utf-8", "backslashreplace").decode()


def refuse_identifier(item: ItemId) -> None:
    """Stop a name that the Internet Archive cannot have given before it becomes a part of an address.

    Raises:
        UnsafeNameError: It is none of its identifiers.
    """
    if not is_identifier(item.name):
        raise UnsafeNameError(f"{str(item)[:300]!r} is no identifier of the Internet Archive")
