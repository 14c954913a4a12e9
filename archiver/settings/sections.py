"""Sections of a settings file as values, and the reading of them, strictly.

The libraries for this take longer to import than most commands take for their work; here is what TOML and the environment
need of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Self, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

T = TypeVar("T", bound="Section")

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The default of a key that holds a table."""
_MOST = 2**63
"""TOML knows no greater whole number."""
_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
_KEYS: dict[type[Any], dict[str, Any]] = {}
_TRUE, _FALSE = frozenset(["1", "true"]), frozenset(["0", "false"])


class WrongValueError(Exception):
    """A value is not what its key may hold.

    Attributes:
        what: What is wrong, in words of TOML, and what is allowed.
        where: The keys that lead there, with dots between; empty for the whole.
    """

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what)
        self.what = what
        self.where = where


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Section:
    """A table of keys: its annotated attributes, with the class's own for what is not given. It never changes."""

    def __init__(self, **values: Any) -> None:
        missing = next((key for key in type(self).__annotations__ if key not in values and not hasattr(self, key)), "")
        if missing:
            raise WrongValueError(f"the key {missing!r} is missing", "")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} does not change")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_builtins() == other.to_builtins()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{key}={getattr(self, key)!r}' for key in type(self).__annotations__)})"
        )

    def replace(self, **changed: Any) -> Self:
        """Return it with other values under some of its keys."""
        return type(self)(**{**self.__dict__, **changed})

    def to_builtins(self) -> dict[str, Any]:
        """Return it as a table of tables, with every default."""
        return {key: _builtin(getattr(self, key)) for key in type(self).__annotations__}


def keys_of(kind: type[Section]) -> dict[str, Any]:
    """Return the keys of a section with their types."""
    if kind not in _KEYS:
        _KEYS[kind] = get_type_hints(kind)
    return _KEYS[kind]


def is_section(kind: Any) -> bool:
    """Tell whether a type is that of a section."""
    return isinstance(kind, type) and issubclass(kind, Section)


def entries_of(kind: Any) -> Any:
    """Return the type of each entry of a table with names of the user's own, or None where it is no such table."""
    return get_args(kind)[1] if get_origin(kind) is Mapping else None


def converted(value: Any, kind: Any, where: str = "") -> Any:
    """Return a value of TOML as what its key may hold; lists become tuples.

    Raises:
        WrongValueError: It is something else.
    """
    if is_section(kind):
        return _section(value, kind, where)
    origin = get_origin(kind)
    if origin in _READERS:
        return _READERS[origin](value, kind, where)
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise _wrong(value, kind, where)
    if isinstance(value, int) and not -_MOST <= value < _MOST:
        raise WrongValueError("the whole number is too great", where)
    return float(value) if kind is float else value


def from_text(text: str, kind: Any) -> Any:
    """Return the value of an environment variable as what its key may hold.

    Raises:
        WrongValueError: It is something else; a list cannot be said in a variable.
    """
    for wanted in get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,):
        if wanted is bool and text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        if wanted is NoneType and text == "null":
            return None
        if wanted in {int, float} and _is_number(text, wanted):
            return converted(wanted(text), kind)
    return converted(text, kind)


def in_words(kind: Any) -> str:
    """Say what a key may hold."""
    if get_origin(kind) in {Union, UnionType}:
        return " or ".join(in_words(one) for one in get_args(kind) if one is not NoneType)
    if is_section(kind) or get_origin(kind) is Mapping:
        return _NAMES[dict]
    if get_origin(kind) is tuple:
        return _NAMES[list]
    return _NAMES[str] if get_origin(kind) is Literal else _name(kind)


def _is_number(text: str, kind: type[int | float]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return text == text.strip() and "_" not in text


def _section(value: Any, kind: type[Section], where: str) -> Section:
    if not isinstance(value, dict):
        raise _wrong(value, kind, where)
    keys = keys_of(kind) if value else {}  # reading the types of keys takes a while
    try:
        return kind(**{key: converted(entry, keys[key], _below(where, key)) for key, entry in value.items()})
    except WrongValueError as error:
        raise (error if error.where else WrongValueError(error.what, where)) from None


def _table(value: Any, kind: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, kind, where)
    return {name: converted(entry, entries_of(kind), _below(where, name)) for name, entry in value.items()}


def _list(value: Any, kind: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(value, kind, where)
    return tuple(converted(one, get_args(kind)[0], f"{where}[{place}]") for place, one in enumerate(value))


def _word(value: Any, kind: Any, where: str) -> str:
    words = get_args(kind)
    if not isinstance(value, str):
        raise _wrong(value, kind, where)
    if value not in words:
        raise WrongValueError(f"invalid value {value[:200]!r}; allowed: {', '.join(words)}", where)
    return value


def _either(value: Any, kind: Any, where: str) -> Any:
    if value is None and NoneType in get_args(kind):
        return None
    for one in get_args(kind):
        try:
            return converted(value, one, where)
        except WrongValueError as error:
            if error.where != where:
                raise
    raise _wrong(value, kind, where)


_READERS = {Mapping: _table, tuple: _list, Literal: _word, Union: _either, UnionType: _either}


def _wrong(value: Any, kind: Any, where: str) -> WrongValueError:
    return WrongValueError(f"expected {in_words(kind)}, got {_name(type(value))}", where)


def _builtin(value: Any) -> Any:
    if isinstance(value, Section):
        return value.to_builtins()
    return {key: _builtin(entry) for key, entry in value.items()} if isinstance(value, Mapping) else value


def _name(kind: Any) -> str:
    return _NAMES.get(kind) or repr(getattr(kind, "__name__", str(kind)))


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
