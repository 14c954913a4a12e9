"""What the double publishes: items and files."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MTIME = 1643720484
"""Recorded beside ETag "61f92f24-334", which is modification time and size in hexadecimal."""


@dataclass(frozen=True, slots=True)
class DoubleFile:
    """A file of an item.

    Attributes:
        name: As the item lists it.
        content: Its bytes; ignored where ``repeat`` is set.
        source: ``original``, ``derivative`` or ``metadata``.
        format: The source's word for it.
        extra: Further keys of its entry; a value of None takes a key away. With ``sha1`` no digest is computed.
        repeat: Serve ``content`` so many times over: a large file that needs no memory.
    """

    name: str
    content: bytes = b""
    source: str = "original"
    format: str = "WAVE"
    extra: dict[str, Any] = field(default_factory=dict)
    repeat: int = 1

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) * self.repeat

    @property
    def etag(self) -> str:
        """Entity tag as the data nodes make it."""
        return f'"{MTIME:x}-{self.size:x}"'

    def entry(self) -> dict[str, Any]:
        """Return the file's entry in ``files[]``: every value is a text."""
        md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
        for _ in range(self.repeat if not self.extra.get("sha1") else 0):
            md5.update(self.content)
            sha1.update(self.content)
        entry: dict[str, Any] = {
            "name": self.name,
            "source": self.source,
            "format": self.format,
            "mtime": str(MTIME),
            "size": str(self.size),
            "md5": md5.hexdigest(),
            "crc32": "00000000",
            "sha1": sha1.hexdigest(),
            **self.extra,
        }
        return {key: value for key, value in entry.items() if value is not None}


@dataclass(frozen=True, slots=True)
class DoubleItem:
    """An item.

    Attributes:
        identifier: Its name.
        files: What it lists, besides the records that every item has.
        metadata: Keys over the default ones; a value of None takes a key away.
        top: Keys beside ``metadata`` and ``files``, such as ``is_dark``; a value of None takes a key away.
    """

    identifier: str
    files: tuple[DoubleFile, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)

    def answer(self) -> dict[str, Any]:
        """Return what the metadata service says of it."""
        metadata = {
            "identifier": self.identifier,
            "mediatype": "audio",
            "collection": ["netlabels", "audio"],
            "title": f"Title of {self.identifier}",
            "creator": "A Musician",
            "uploader": "uploader@example.org",
            **self.metadata,
        }
        files = [file.entry() for file in (*self.files, *self._records())]
        answer = {
            "created": 1764000000,
            "d1": "ia600000.us.archive.org",
            "d2": "ia800000.us.archive.org",
            "dir": f"/1/items/{self.identifier}",
            "files": files,
            "files_count": len(files),
            "item_last_updated": MTIME,
            "item_size": sum(file.size for file in self.files),
            "metadata": {key: value for key, value in metadata.items() if value is not None},
            "server": "ia800000.us.archive.org",
            "uniq": 1,
            "workable_servers": ["ia800000.us.archive.org"],
            "reviews": [{"reviewer": "A Listener", "reviewbody": "Words of a person."}],
            **self.top,
        }
        return {key: value for key, value in answer.items() if value is not None}

    def searched(self) -> dict[str, Any]:
        """Return what the search knows of it; the time of its last change differs for each state of the item."""
        answer = self.answer()
        metadata = dict(answer.get("metadata") or {})
        if metadata and "oai_updatedate" not in metadata:
            told = json.dumps([answer, [file.repeat for file in self.files]], sort_keys=True, default=str)
            later = datetime.fromtimestamp(MTIME + zlib.crc32(told.encode()) % 10_000_000, UTC)
            metadata["oai_updatedate"] = ["2021-12-06T02:06:08Z", f"{later:%Y-%m-%dT%H:%M:%SZ}"]
        return {key: value for key, value in metadata.items() if value is not None}

    def _records(self) -> tuple[DoubleFile, ...]:
        """The source's own records; the digest of the list that holds itself can never match."""
        return (
            DoubleFile(f"{self.identifier}_meta.xml", b"<metadata/>", "metadata", "Metadata"),
            DoubleFile(
                f"{self.identifier}_files.xml",
                b"<files/>",
                "metadata",
                "Metadata",
                {"size": None, "sha1": None, "crc32": None, "mtime": None, "md5": "0" * 32, "summation": "md5"},
            ),
        )
