"""JSON of services that promise nothing: any field may be a text, a number, a list of such, or missing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from archiver.core.errors import SourceProtocolError
from archiver.core.fixity import digest_of
from archiver.core.items import SourceAnswer
from archiver.core.records import format_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


def parse_json(received: bytes, *, what: str, strict: bool = True) -> Any:
    """Read any JSON.

    Args:
        received: The body, decompressed.
        what: For the message.
        strict: Whether control characters inside texts are an error, as RFC 8259 §7 has it.

    Raises:
        SourceProtocolError: It is none.
    """
    try:
        return json.loads(received, parse_float=_number, parse_constant=str, strict=strict)
    except (ValueError, RecursionError) as error:
        start = received[:60].decode("utf-8", "replace")
        raise SourceProtocolError(f"{what}: the answer is not JSON: it begins {start!r}") from error


def parse_object(received: bytes, *, what: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        SourceProtocolError: It is none.
    """
    answer = parse_json(received, what=what)
    if not isinstance(answer, dict):
        raise SourceProtocolError(f"{what}: the answer is no JSON object but {type(answer).__name__}")
    return answer


def _number(text: str) -> float | str:
    """Keep as a text what is written as a number and is none in JSON's terms: 1e999 would be written as Infinity."""
    number = float(text)
    return number if isfinite(number) else text


def inner(value: object, *keys: str) -> object:
    """Return what stands below these keys, or None where one of them is missing or holds no object."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a field that may be a text, a number, a list of such, or missing."""
    if isinstance(value, str):
        return (value,) if value else ()
    values = value if isinstance(value, list) else [value]
    return tuple(text(one) for one in values if text(one))


def claims(value: object) -> Iterator[str]:
    """Yield what a field about rights holds, whatever its form: a value that is no text still declares something."""
    for one in value if isinstance(value, list) else [value]:
        found = json.dumps(one, sort_keys=True) if isinstance(one, dict | list) and one else text(one)
        if found:
            yield found


def text(value: object) -> str:
    """Return a text or a number as a text, anything else as an empty one."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def first(value: object) -> str:
    """Return the first text of a field, or an empty one."""
    if value is None or isinstance(value, str):
        return value or ""
    return next(iter(texts(value)), "")


def size(value: object) -> int | None:
    """Return a size in bytes, given as a number or a text of digits; None where it is none, or nought."""
    digits = first(value).strip()
    return int(digits) or None if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def is_true(value: object) -> bool:
    """Tell whether a field says yes in one of the ways seen."""
    return text(value).strip().lower() in {"true", "1", "1.0", "yes"}


@dataclass(frozen=True, slots=True)
class Received:
    """What came from a source: the body as received, where it was read without what is secret, and when."""

    body: bytes
    url: str
    at: datetime


def mark(*values: object) -> str:
    """Return a digest of values: two states of an item that differ in one of them have different marks."""
    return digest_of(json.dumps(values, sort_keys=True, default=str).encode()).value


def evidence(name: str, kept: object, received: Received, *, redacted: tuple[str, ...] = ()) -> SourceAnswer:
    """Keep an answer, or the part of it that is about one item, as readable JSON.

    Raises:
        SourceProtocolError: It is nested too deeply to be written.
    """
    try:
        content = format_record(kept, is_ascii=True, is_sorted=True)
    except RecursionError as error:  # Reading goes deeper than writing, from Python 3.12 on.
        raise SourceProtocolError(f"{received.url}: the answer is nested too deeply to be kept") from error
    return SourceAnswer(name, content, digest_of(received.body), received.url, received.at, redacted)
