"""Selection files, validated strictly."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.derivatives import Kind
from archiver.core.errors import SelectionError
from archiver.core.licences.policies import policy_named
from archiver.core.selections import Selection
from archiver.settings.checking import checked, suggestion
from archiver.settings.tables import SelectionTable

if TYPE_CHECKING:
    from archiver.settings.reading import Settings

_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,255}")


def read_selection(name: str, settings: Settings) -> Selection:
    """Read a selection by its path, or by its name from the `manifests/` directories.

    Raises:
        SelectionError: There is no such file, or a key or value is wrong; names file, key and what is allowed.
    """
    file = _found(name, settings)
    try:
        content = file.read_bytes()
        table = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SelectionError(f"{file}: not TOML: {error}", next_command=f'"$EDITOR" {file}') from error
    except OSError as error:
        raise SelectionError(f"{file}: cannot be read: {error.strerror}") from error
    return _selection(checked(table, SelectionTable, file=str(file), error=SelectionError), file, content, settings)


def _found(name: str, settings: Settings) -> Path:
    as_path = Path(name)
    candidates = [as_path, *(directory / f"{name}.toml" for directory in settings.selection_directories)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if as_path.suffix != ".toml" and "/" not in name:
        known = sorted({path.stem for place in settings.selection_directories for path in place.glob("*.toml")})
        places = ", ".join(str(place) for place in settings.selection_directories)
        listed = f"; known: {', '.join(known)}" if known else f"; none found in {places}"
        raise SelectionError(
            f"there is no selection {name!r}{suggestion(name, known)}{listed}",
            next_command=f"archiver harvest {known[0]} --dry-run --limit 5" if known else "archiver init DIR",
        )
    raise SelectionError(f"there is no selection file {name}", next_command="ls manifests/")


def _selection(table: SelectionTable, file: Path, content: bytes, settings: Settings) -> Selection:
    def refuse(key: str, because: str) -> SelectionError:
        return SelectionError(f"{file}: {key}: {because}", next_command=f'"$EDITOR" {file}')

    if not table.title.strip():
        raise refuse("title", "is empty")
    if table.source not in settings.sources:
        near = suggestion(table.source, settings.sources)
        raise refuse("source", f"unknown source {table.source!r}{near}; allowed: {', '.join(settings.sources)}")
    if (table.query is None) == (table.items is None):
        raise refuse("query, items", "exactly one of the two is needed")
    if table.query is not None and not table.query.strip():
        raise refuse("query", "is empty: that would ask for everything")
    _refuse_items(table, refuse)
    try:
        policy = policy_named(
            table.policy,
            denied_uploaders=(*settings.licences.denied_uploaders, *table.denied_uploaders),
            denied_collections=(*settings.licences.denied_collections, *table.denied_collections),
            public_domain_mark=table.public_domain_mark,
            retired=table.retired,
            versionless=table.versionless,
            extension_registry=table.extension_registry,
        )
    except ValueError as error:
        raise refuse("policy", str(error)) from error
    return Selection(
        name=file.stem,
        title=table.title,
        source=table.source,
        query=(table.query or "").strip(),
        items=tuple(table.items or ()),
        policy=policy,
        files=_files(table, refuse),
        stores=_stores(table, settings, refuse),
        digest=hashlib.sha256(content).hexdigest(),
        derivatives=tuple(dict.fromkeys(map(Kind, table.derivatives))),
        damaged=table.damaged,
    )


def _stores(table: SelectionTable, settings: Settings, refuse: _Refuse) -> tuple[str, ...]:
    stores = tuple(table.stores) if table.stores is not None else tuple(settings.stores)
    if not stores or len(set(stores)) != len(stores):
        raise refuse("stores", "at least one store is needed, each once")
    for store in stores:
        if store not in settings.stores:
            near = suggestion(store, settings.stores)
            raise refuse("stores", f"unknown store {store!r}{near}; allowed: {', '.join(settings.stores)}")
    return stores


def _refuse_items(table: SelectionTable, refuse: _Refuse) -> None:
    if table.items is None:
        return
    if not table.items:
        raise refuse("items", "is empty")
    for item in table.items:
        if not _IDENTIFIER.fullmatch(item) or item in {".", ".."}:
            raise refuse("items", f"{item[:200]!r} is no identifier: letters, digits, '.', '_' and '-'")
    if len(set(table.items)) != len(table.items):
        twice = next(item for item in table.items if table.items.count(item) > 1)
        raise refuse("items", f"{twice!r} is there twice")


def _files(table: SelectionTable, refuse: _Refuse) -> tuple[str, ...]:
    patterns = (table.files,) if isinstance(table.files, str) else tuple(table.files)
    if not patterns or not all(pattern.strip() for pattern in patterns):
        raise refuse("files", 'is empty; allowed: "originals", "audio", or glob patterns such as "*.flac"')
    words = {"originals", "audio"} & set(patterns)
    if words and len(patterns) > 1:
        raise refuse("files", f"{words.pop()!r} stands alone; with patterns it has no meaning")
    if not words:
        for pattern in patterns:
            near = suggestion(pattern, ("originals", "audio"))
            if near and not any(mark in pattern for mark in "*?[."):
                raise refuse("files", f'{pattern!r}{near}; allowed: "originals", "audio", or glob patterns')
    return patterns


if TYPE_CHECKING:
    from collections.abc import Callable

    _Refuse = Callable[[str, str], SelectionError]
