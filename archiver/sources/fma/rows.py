"""``raw_tracks.csv``: what the dataset says of each track, a hundred thousand rows in little memory.

The rows are kept as they were read, packed in blocks; a row is understood when its track is described. The bytes of a row
are evidence, so they are kept to the byte.
"""

from __future__ import annotations

import ast
import csv
import re
import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.core.errors import SourceProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEEDED = ("track_id", "license_url", "license_title")
LONGEST_LITERAL = 20_000
MOST_ROWS = 2_000_000
_PER_BLOCK = 64
_DEEPEST = 16


@dataclass(slots=True)
class Rows:
    """The rows by track.

    Attributes:
        columns: Names, in order.
        header: The first line, as it was read.
        ids: Track ids, in the order of the file.
    """

    columns: list[str]
    header: bytes
    ids: array[int] = field(default_factory=lambda: array("L"))
    damaged: int = 0
    _blocks: list[bytes] = field(default_factory=list)
    _sorted: array[int] = field(default_factory=lambda: array("L"))
    _places: array[int] = field(default_factory=lambda: array("L"))
    _last: tuple[int, list[bytes]] = (-1, [])

    def find(self, track: int) -> bytes | None:
        """Return the bytes of a track's row, or None where it has none.

        Raises:
            SourceProtocolError: It has several.
        """
        place = bisect_left(self._sorted, track)
        if place == len(self._sorted) or self._sorted[place] != track:
            return None
        if place + 1 < len(self._sorted) and self._sorted[place + 1] == track:
            raise SourceProtocolError(f"track {track}: raw_tracks.csv has several rows for it")
        number = self._places[place]
        block, at = divmod(number, _PER_BLOCK)
        known, rows = self._last  # one read: another thread may set it meanwhile
        if known != block:
            rows = _unpacked(self._blocks[block])
            self._last = (block, rows)
        return rows[at]

    def understood(self, row: bytes) -> dict[str, str]:
        """Return the fields of a row by the names of their columns.

        Raises:
            SourceProtocolError: It has more or fewer fields than there are columns.
        """
        fields = next(csv.reader([row.decode("utf-8", "replace")], strict=False), [])
        if len(fields) != len(self.columns):
            raise SourceProtocolError(
                f"raw_tracks.csv: a row with {len(fields)} fields, expected {len(self.columns)}: {row[:60]!r}"
            )
        return dict(zip(self.columns, fields, strict=True))

    def close(self) -> None:
        """Sort what was read."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        self._sorted = array("L", (self.ids[place] for place in order))
        self._places = array("L", order)

    def add(self, block: list[bytes]) -> None:
        """Keep up to 64 rows."""
        lengths = array("L", map(len, block)).tobytes()
        self._blocks.append(len(block).to_bytes(2, "big") + zlib.compress(lengths + b"".join(block), 1))


def read_rows(chunks: Iterable[bytes], *, what: str) -> Rows:
    """Read the whole file once.

    Args:
        chunks: Its bytes, in order.
        what: Names it in messages.

    Raises:
        SourceProtocolError: It is no such table.
    """
    # Every byte is one character of Latin-1: the rows are parted without being understood, and stay what they are.
    lines = _Lines(chunks)
    reader = csv.reader(lines)
    try:
        columns = [name.encode("latin-1").decode("utf-8", "replace").lstrip("\ufeff") for name in next(reader, [])]
        missing = [name for name in NEEDED if name not in columns]
        if missing or len(set(columns)) != len(columns):
            raise SourceProtocolError(
                f"{what}: no table of tracks: expected the columns {', '.join(NEEDED)}, each once"
            )
        rows = Rows(columns, lines.taken())
        _fill(rows, reader, lines, columns.index("track_id"))
    except csv.Error as error:
        raise SourceProtocolError(f"{what}: row {reader.line_num}: {error}") from error
    rows.close()
    return rows


def literal(text: str) -> object:
    """Return the value of a Python literal of modest length and depth, or None; nothing is executed."""
    if len(text) > LONGEST_LITERAL or not text.strip():
        return None
    depth = deepest = 0
    for character in text:
        depth += (character in "[{(") - (character in ")}]")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        return None
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def _fill(rows: Rows, reader: Iterator[list[str]], lines: _Lines, column: int) -> None:
    block: list[bytes] = []
    for fields in reader:
        row = lines.taken()
        text = fields[column] if len(fields) > column else ""
        if not re.fullmatch(r"[0-9]{1,7}", text):
            rows.damaged += bool(fields)
            continue
        rows.ids.append(int(text))
        block.append(row)
        if len(block) == _PER_BLOCK:
            rows.add(block)
            block = []
            if len(rows.ids) > MOST_ROWS:
                raise SourceProtocolError(f"raw_tracks.csv: more than {MOST_ROWS} rows")
    if block:
        rows.add(block)


class _Lines:
    """Lines of chunks, and the bytes of those that were taken since the last question."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._lines = _lines(chunks)
        self._taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._taken.append(line)
        return line

    def taken(self) -> bytes:
        """Return the bytes of the lines since the last call."""
        taken = "".join(self._taken).encode("latin-1")
        self._taken.clear()
        return taken


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        for line in lines:
            yield line.decode("latin-1") + "\n"
        if len(rest) > 8 << 20:
            raise SourceProtocolError("raw_tracks.csv: a line of more than 8 MiB")
    if rest:
        yield rest.decode("latin-1")


def _unpacked(block: bytes) -> list[bytes]:
    number = int.from_bytes(block[:2], "big")
    content = zlib.decompress(block[2:])
    lengths = array("L")
    width = lengths.itemsize * number
    lengths.frombytes(content[:width])
    rows, at = [], width
    for length in lengths:
        rows.append(content[at : at + length])
        at += length
    return rows
