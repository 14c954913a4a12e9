"""Lists of addresses with digests, as data sets publish them: CSV, TSV or JSON Lines, read row by row where they lie.

An index of where the rows of each item begin is all that is in memory: a list may have millions of rows.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from archiver.core.errors import SourceProtocolError, SourceUnavailableError
from archiver.sources.loose_json import first, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
LONGEST_LINE = 1 << 20
"""Bytes of a line."""
MOST_LINES = 1000
"""Lines that one row of a table may have: a line break inside quotes."""
MOST_ROWS_OF_ITEM = 20_000

_ALIASES = {
    "id": "item", "item_id": "item", "identifier": "item", "track_id": "item",
    "link": "url", "file_url": "url", "download_url": "url", "audio_url": "url", "path": "url",
    "filename": "file", "name": "file", "filesize": "size", "bytes": "size", "length_bytes": "size",
    "artist": "creator", "author": "creator", "artist_name": "creator",
    "page": "source_url", "page_url": "source_url", "landing_url": "source_url",
    "checksum": "digest", "sha-1": "sha1", "sha-256": "sha256", "sha-512": "sha512",
}  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by column, the columns' names made plain, and the row as it was written."""

    values: Mapping[str, Any]
    written: Mapping[str, Any]

    @property
    def item(self) -> str:
        """What names its item: its own word where that can be a name, else a digest of it, or of its address."""
        named = first(self.values.get("item")).strip()
        if _ID.fullmatch(named) and named not in {".", ".."}:
            return named
        what = named or first(self.values.get("url"))
        return hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class UrlList:
    """One list. Not safe for threads.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: tuple[int, int] | None = None
        self._names: list[str] = []
        self._heading_lines = 0
        self._index: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._marks: dict[str, bytes] = {}
        self._hosts: dict[str, str] = {}

    def items(self) -> list[tuple[str, str]]:
        """Return the names of all items, in the order of the list, each with a digest of its rows.

        Raises:
            SourceUnavailableError: The list cannot be read.
            SourceProtocolError: It is none; names the row.
        """
        self._refresh()
        return [(name, self._marks[name].hex()) for name in self._index]

    def host(self, item: str) -> str:
        """Return the host of an item's first file, lower case; empty where it stands below the source's own address."""
        return self._hosts.get(item, "")

    def rows(self, item: str) -> list[Row]:
        """Return the rows of an item as they stand now; empty where there are none. Raises as `items`."""
        self._refresh()
        offsets = self._index.get(item, ())
        with self._opened() as file:
            found = []
            for offset in offsets:
                file.seek(offset)
                found += [row for _, row in self._read(file, limit=1)]
            return found

    def _refresh(self) -> None:
        """Read the whole list where it has changed since it was read."""
        with self._opened() as file:
            self._names = self._heading(file) if self._is_table else []
            state = _state(self._path)
            if state == self._state:
                return
            index: OrderedDict[str, tuple[int, ...]] = OrderedDict()
            marks: dict[str, bytes] = {}
            hosts: dict[str, str] = {}
            for offset, row in self._read(file):
                offsets = (*index.get(row.item, ()), offset)
                if len(offsets) > MOST_ROWS_OF_ITEM:
                    raise SourceProtocolError(f"{self._path.name}: more than {MOST_ROWS_OF_ITEM} rows of {row.item!r}")
                index[row.item] = offsets
                written = json.dumps(row.written, sort_keys=True).encode()
                marks[row.item] = hashlib.sha256(marks.get(row.item, b"") + written).digest()[:16]
                if host := _host(row):
                    hosts.setdefault(row.item, sys.intern(host))
            self._index, self._marks, self._hosts, self._state = index, marks, hosts, state

    @property
    def _is_table(self) -> bool:
        return self._path.suffix in {".csv", ".tsv"}

    def _opened(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise SourceUnavailableError(f"{self._path}: cannot be read: {error.strerror}") from error

    def _heading(self, file: BinaryIO) -> list[str]:
        lines = _Lines(file, self._path.name)
        try:
            written = next(self._reader(lines), [])
        except (csv.Error, ValueError) as error:
            raise SourceProtocolError(f"{self._path.name}: its first row cannot be read: {str(error)[:200]}") from error
        names = [name.strip().removeprefix("\ufeff") for name in written]
        if "url" not in plain_names(names).values() or len({name.lower() for name in names}) != len(names):
            raise SourceProtocolError(f'{self._path.name}: its first row has no column "url", or one column twice')
        file.seek(lines.position)
        self._heading_lines = lines.number
        return names

    def _reader(self, lines: _Lines) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter="\t" if self._path.suffix == ".tsv" else ",", strict=True)

    def _read(self, file: BinaryIO, *, limit: int | None = None) -> Iterator[tuple[int, Row]]:
        """Yield rows from where the file stands, each with the place where it begins."""
        lines = _Lines(file, self._path.name)
        lines.number = self._heading_lines
        reader = self._reader(lines) if self._is_table else None
        count = 0
        while limit is None or count < limit:
            begins = lines.position
            lines.since = 0
            try:
                written = self._cells(reader) if reader is not None else _object(lines)
            except StopIteration:
                return
            except (csv.Error, ValueError, RecursionError) as error:
                raise SourceProtocolError(f"{self._path.name}: line {lines.number}: {str(error)[:200]}") from error
            if written:
                count += 1
                names = plain_names(written)
                yield begins, Row({names[key]: value for key, value in written.items()}, written)

    def _cells(self, reader: Iterator[list[str]]) -> dict[str, Any]:
        cells = next(reader)
        if len(cells) > len(self._names):
            raise ValueError("more cells than columns")
        return dict(zip(self._names, cells, strict=False)) if any(cell.strip() for cell in cells) else {}


class _Lines:
    """The lines of a file as texts, and where the next one begins."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.position = file.tell()
        self.number = 0
        self.since = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self._file.readline(LONGEST_LINE + 1)
        except OSError as error:
            raise SourceUnavailableError(f"{self._name}: cannot be read: {error.strerror}") from error
        if not line:
            raise StopIteration
        self.number += 1
        self.since += 1
        if len(line) > LONGEST_LINE or self.since > MOST_LINES:
            raise ValueError(f"a row is longer than {LONGEST_LINE} bytes or {MOST_LINES} lines")
        self.position += len(line)
        return line.decode("utf-8")


def _object(lines: _Lines) -> dict[str, Any]:
    line = next(lines).strip().removeprefix("\ufeff")
    if not line:
        return {}
    value = json.loads(line)
    if not isinstance(value, dict) or not value:
        raise ValueError(f"expected a JSON object, actual {line[:100]!r}")
    return value


def plain_names(columns: Iterable[str]) -> dict[str, str]:
    """Return a plain name for each column; another word for one is taken for it where the word itself is not there."""
    lower = {column: column.strip().lower().replace(" ", "_") for column in columns}
    taken = set(lower.values())
    found: dict[str, str] = {}
    for column, name in lower.items():
        alias = _ALIASES.get(name, name)
        found[column] = name if alias in taken else alias
        taken.add(found[column])
    return found


def _host(row: Row) -> str:
    files = row.values.get("files")
    entry = files[0] if isinstance(files, list) and files and isinstance(files[0], dict) else row.values
    try:
        return urlsplit(first(entry.get("url")).strip()).netloc.lower()
    except ValueError:
        return ""


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def names_of(value: object) -> tuple[str, ...]:
    """Return the people that a value names: a list, or a text with semicolons."""
    return tuple(dict.fromkeys(name for text in texts(value) for part in text.split(";") if (name := part.strip())))
