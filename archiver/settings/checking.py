"""Turning a parsed TOML table into a value, with errors that name file, key and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from archiver.settings.sections import Section, WrongValueError, converted, entries_of, is_section, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.errors import SelectionError, SettingsError

T = TypeVar("T", bound=Section)

_SECRET = r"(?i)(secret|password|passwd|token|access_key|api_key|credential)"  # noqa: S105 - what a secret's key looks like


def checked(table: Mapping[str, Any], kind: type[T], *, file: str, error: type[SettingsError | SelectionError]) -> T:
    """Return the table as a value.

    Args:
        table: As parsed.
        kind: What it should be.
        file: Named in messages.
        error: What to raise.

    Raises:
        SettingsError: Or the other class given: a key is unknown, missing or of another type.
    """
    _refuse_unknown(table, kind, file=file, path=(), error=error)
    try:
        value: T = converted(table, kind)
    except WrongValueError as wrong:
        raise error(f"{file}: {f'key {wrong.where!r}: ' if wrong.where else ''}{wrong.what}") from wrong
    return value


def refuse_secret(key: str, *, file: str, error: type[SettingsError | SelectionError]) -> None:
    """Refuse a key that looks like a place for a secret: none belongs into a file of ours."""
    if re.search(_SECRET, key):
        raise error(
            f"{file}: key {key!r}: secrets are not kept here; S3 keys come from boto3's own chain "
            "(environment, ~/.aws/credentials, roles), Internet Archive keys from ia.ini",
            next_command="aws configure   # or: ia configure",
        )


def suggestion(wrong: str, allowed: Iterable[str]) -> str:
    """Return `` (did you mean …?)`` for the nearest allowed word, or nothing."""
    import difflib  # noqa: PLC0415 - only where something is wrong

    near = difflib.get_close_matches(wrong, list(allowed), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _refuse_unknown(
    table: Mapping[str, Any],
    kind: type[Section],
    *,
    file: str,
    path: tuple[str, ...],
    error: type[SettingsError | SelectionError],
) -> None:
    keys = keys_of(kind) if table else {}
    for key, value in table.items():
        here = (*path, key)
        if key not in keys:
            refuse_secret(key, file=file, error=error)
            raise error(
                f"{file}: unknown key {'.'.join(here)!r}{suggestion(key, keys)}; allowed here: {', '.join(keys)}"
            )
        if not isinstance(value, dict):
            continue
        entries = {here: value} if is_section(keys[key]) else {(*here, name): entry for name, entry in value.items()}
        below = keys[key] if is_section(keys[key]) else entries_of(keys[key])
        for place, entry in entries.items():
            if is_section(below) and isinstance(entry, dict):
                _refuse_unknown(entry, below, file=file, path=place, error=error)
