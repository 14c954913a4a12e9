"""Turning a parsed TOML table into a value, with errors that name file, key and what is allowed."""

from __future__ import annotations

import re
import typing
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.errors import SelectionError, SettingsError

T = TypeVar("T", bound=msgspec.Struct)

_SECRET = re.compile(r"(?i)(secret|password|passwd|token|access_key|api_key|credential)")
_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?", re.DOTALL)


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
        return msgspec.convert(table, kind, strict=True)
    except msgspec.ValidationError as failure:
        match = _MESSAGE.fullmatch(str(failure))
        what, where = (match["what"], match["where"] or "") if match else (str(failure), "")
        where = _named_entry(table, kind, where)
        raise error(f"{file}: {f'key {where!r}: ' if where else ''}{_plain(what)}{_allowed(kind, where)}") from failure


def _named_entry(table: Mapping[str, Any], kind: type[msgspec.Struct], where: str) -> str:
    """Put the entry's name in place of msgspec's ``[...]``: it says in which section a value is wrong, not of whom."""
    section, unnamed, rest = where.partition("[...]")
    entry_kind = (typing.get_args(_fields(kind).get(section)) or (None, None))[-1]
    if not unnamed or not isinstance(table.get(section), dict):
        return where.replace("[...]", "")
    for name, entry in table[section].items():
        try:
            msgspec.convert(entry, entry_kind, strict=True)
        except msgspec.ValidationError:
            return f"{section}.{name}{rest}".replace("[...]", "")
    return section + rest


def refuse_secret(key: str, *, file: str, error: type[SettingsError | SelectionError]) -> None:
    """Refuse a key that looks like a place for a secret: none belongs into a file of ours."""
    if _SECRET.search(key):
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
    kind: type[msgspec.Struct],
    *,
    file: str,
    path: tuple[str, ...],
    error: type[SettingsError | SelectionError],
) -> None:
    fields = _fields(kind)
    for key, value in table.items():
        here = (*path, key)
        if key not in fields:
            refuse_secret(key, file=file, error=error)
            raise error(
                f"{file}: unknown key {'.'.join(here)!r}{suggestion(key, fields)}; allowed here: {', '.join(fields)}"
            )
        inner = fields[key]
        if isinstance(value, dict):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                _refuse_unknown(value, inner, file=file, path=here, error=error)
            elif typing.get_origin(inner) is dict:
                below = typing.get_args(inner)[1]
                for name, entry in value.items():
                    if isinstance(entry, dict):
                        _refuse_unknown(entry, below, file=file, path=(*here, name), error=error)


def _fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _plain(message: str) -> str:
    """Say what msgspec says in words of TOML."""
    message = re.sub(r"`([a-z]+(?: \| [a-z]+)*)`", _types, message)
    message = re.sub(r"`(.*?)`", r"'\1'", message)
    message = re.sub(r"^Object missing required field '(.*)'$", r"the key '\1' is missing", message)
    return message[:1].lower() + message[1:]


_TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def _types(match: re.Match[str]) -> str:
    """Name msgspec's types; TOML has no null, so `str | null` is a text that may be left out."""
    words = [word for word in match[1].split(" | ") if word != "null"]
    return " or ".join(_TYPES.get(word, f"'{word}'") for word in words) or "nothing"


def _allowed(kind: type[msgspec.Struct], where: str) -> str:
    """Return which words are allowed at a place, where they are a closed list."""
    current: Any = kind
    for part in where.split(".") if where else []:
        if isinstance(current, type) and issubclass(current, msgspec.Struct):
            current = _fields(current).get(part)
        elif typing.get_origin(current) is dict:
            current = typing.get_args(current)[1]
    if typing.get_origin(current) is typing.Literal:
        return f"; allowed: {', '.join(map(str, typing.get_args(current)))}"
    return ""
