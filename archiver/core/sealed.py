"""A sealed AIP: the record in staging that a bag is complete, so that an interrupted deposit goes on with the same bytes.

A bag made a second time would carry other dates. A store that already holds a part of it would rightly refuse those, so
what is deposited must be what was sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.fixity import parse_digest
from archiver.core.items import parse_item_id

if TYPE_CHECKING:
    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.packages import Aip, Sip

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One payload file of a sealed AIP.

    Attributes:
        name: The source's name, under which staging has it.
        path: Place below ``data/``.
        size: Bytes.
        sha256: Stored digest.
        sha512: Stored digest.
    """

    name: str
    path: str
    size: int
    sha256: Digest
    sha512: Digest


@dataclass(frozen=True, slots=True)
class SealedAip:
    """Everything of an AIP but the payload bytes, which staging holds under each file's name.

    Attributes:
        updated: The source's own mark of the state.
        decision: The gate's decision, as JSON text.
        stores: Names of the stores it was made for.
        tag_files: Path and content, in the order of writing.
    """

    item: ItemId
    version: int
    prefix: str
    title: str
    licence_url: str
    state: Digest
    updated: str
    decision: str
    stores: tuple[str, ...]
    payload: tuple[SealedFile, ...]
    tag_files: tuple[tuple[str, bytes], ...]


def seal(aip: Aip, *, sip: Sip, stores: tuple[str, ...], updated: str, decision: str) -> bytes:
    """Return the record of an AIP, as JSON in UTF-8."""
    names = {str(file.path): file.declared.name for file in sip.files}
    record = {
        "format": FORMAT,
        "item": str(aip.item),
        "version": aip.version,
        "prefix": aip.prefix,
        "title": aip.title,
        "licence_url": aip.licence_url,
        "state": str(aip.state),
        "updated": updated,
        "decision": decision,
        "stores": stores,
        "payload": [
            [names[str(file.path)], str(file.path), file.staged.size, str(file.staged.sha256), str(file.sha512)]
            for file in aip.payload
        ],
        "tag_files": [[str(path), base64.b64encode(_compressed(content)).decode()] for path, content in aip.tag_files],
    }
    return json.dumps(record).encode()


SMALL = 4096
"""Bytes: a page of the disk, below which compressing saves next to nothing, and costs more than all the rest of a record."""


def _compressed(content: bytes) -> bytes:
    """Return a stream of zlib: a small one only in its form, with the smallest tables that it can be made with."""
    if len(content) > SMALL:
        return zlib.compress(content, 1)
    stream = zlib.compressobj(0, wbits=zlib.MAX_WBITS, memLevel=1)
    return stream.compress(content) + stream.flush()


def parse_sealed(record: bytes) -> SealedAip | None:
    """Read a record back, or return None when it is not one of ours, or of another format: the item then begins anew."""
    try:
        fields: dict[str, Any] = json.loads(record)
        if fields["format"] != FORMAT:
            return None
        return SealedAip(
            item=parse_item_id(fields["item"]),
            version=int(fields["version"]),
            prefix=fields["prefix"],
            title=fields["title"],
            licence_url=fields["licence_url"],
            state=parse_digest(fields["state"]),
            updated=fields["updated"],
            decision=fields["decision"],
            stores=tuple(fields["stores"]),
            payload=tuple(
                SealedFile(name, path, int(size), parse_digest(sha256), parse_digest(sha512))
                for name, path, size, sha256, sha512 in fields["payload"]
            ),
            tag_files=tuple(
                (path, zlib.decompress(base64.b64decode(content, validate=True)))
                for path, content in fields["tag_files"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, zlib.error):
        return None
