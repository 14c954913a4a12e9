"""Sidecars: what the operator says of a folder of recordings, as TOML or as a table of a spreadsheet.

item.toml   title = "Bells of Berlin"              item.csv   file,title,creator,licence,source_url,date
            creator = ["A. Musician"]                         ,Bells of Berlin,A. Musician,https://…,https://…,2024
            licence = "https://…"                             01.flac,First bell,,,,
"""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archiver.core.errors import SourceProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SIDECARS = ("item.toml", "item.csv")
KEYS = ("title", "creator", "licence", "source_url", "date")
MOST_ROWS = 20_000

_ALIASES = {
    "license": "licence",
    "license_url": "licence",
    "licence_url": "licence",
    "artist": "creator",
    "url": "source_url",
    "filename": "file",
    "path": "file",
}


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar says.

    Attributes:
        item: Of the whole, by `KEYS`; what is empty is not there.
        creators: Everyone it names, in order.
        files: Of single files, by their names.
    """

    item: Mapping[str, str]
    creators: tuple[str, ...]
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def parse_sidecar(name: str, content: bytes, *, what: str) -> Sidecar:
    """Read a sidecar, whichever it is.

    Raises:
        SourceProtocolError: It cannot be read, or says what nobody knows; names the key or the row.
    """
    where = f"{what}: {name}"
    return _table(content, where) if name.endswith(".csv") else _toml(content, where)


def _toml(content: bytes, where: str) -> Sidecar:
    try:
        table: dict[str, Any] = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceProtocolError(f"{where} is not TOML: {error}") from error
    creators = table.get("creator", "")
    names = creators if isinstance(creators, list) and creators else [creators]
    for key, value in {**table, "creator": names[0]}.items():
        if key not in KEYS or not isinstance(value, str) or not all(isinstance(one, str) for one in names):
            raise SourceProtocolError(
                f"{where}: {key[:100]!r}; allowed, each a string (creator also a list of them): {', '.join(KEYS)}"
            )
    said = {key: value for key, value in table.items() if value and key != "creator"}
    return Sidecar(said, tuple(name for name in names if name))


def _table(content: bytes, where: str) -> Sidecar:
    item: dict[str, str] = {}
    creators: list[str] = []
    files: dict[str, dict[str, str]] = {}
    for number, row in _rows(content, where):
        name = row.pop("file", "")
        creators += [one for part in row.pop("creator", "").split(";") if (one := part.strip())]
        said = {key: value for key, value in row.items() if value}
        if name in files or (not name and item):
            raise SourceProtocolError(f"{where}: row {number} speaks of {name[:200] or 'the whole'!r} a second time")
        if name:
            files[name] = said
        else:
            item = said
    return Sidecar(item, tuple(dict.fromkeys(creators)), files)


def _rows(content: bytes, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows below the heading, by its names; a column that nobody knows could hold what forbids the copying."""
    try:
        text = content.decode("utf-8-sig")
        heading = text.partition("\n")[0]
        delimiter = max(",;\t", key=heading.count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [_column(name) for name in next(rows, [])]
        unknown = next((name for name in names if name not in (*KEYS, "file")), None)
        if unknown is not None or len(set(names)) != len(names) or not names:
            allowed = ", ".join(("file", *KEYS))
            raise SourceProtocolError(f"{where}: column {str(unknown)[:100]!r}; allowed in its first row: {allowed}")
        for number, row in enumerate(rows, 2):
            if number > MOST_ROWS or len(row) > len(names):
                raise SourceProtocolError(
                    f"{where}: row {number}: more cells than columns, or more than {MOST_ROWS} rows"
                )
            if any(cell.strip() for cell in row):
                yield number, dict(zip(names, map(str.strip, row), strict=False))
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceProtocolError(f"{where} is no table in UTF-8: {error}") from error


def _column(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return _ALIASES.get(plain, plain)
