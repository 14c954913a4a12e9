"""Records as text: JSON for people to read, one value a line, as the tag files of a bag have it."""

from __future__ import annotations

import json
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def format_record(record: Any, *, is_ascii: bool = False, is_sorted: bool = False) -> bytes:
    """Return a record as JSON in UTF-8, indented by one space a level; it ends in a line end.

    The text is that of ``json.dumps`` with ``indent=1``, byte for byte. Where that indents, it works through a chain of
    generators as long as a value lies deep, and takes several times as long.

    Args:
        record: Texts, numbers, truth values, None, and lists and mappings of those; the keys are texts.
        is_ascii: Escape everything outside ASCII; else only half a surrogate pair, which UTF-8 cannot hold.
        is_sorted: Sort the keys of each mapping; else they stay in the order given.

    Raises:
        RecursionError: It is nested too deeply.
    """
    quoted = encode_basestring_ascii if is_ascii else encode_basestring
    text = _written(record, "\n", quoted, is_sorted=is_sorted)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def _written(value: Any, line: str, quoted: Callable[[str], str], *, is_sorted: bool) -> str:
    """Return the text of a value that begins in a line indented as ``line``, a line end and spaces, says."""
    if isinstance(value, str):
        return quoted(value)
    if not isinstance(value, dict | list | tuple):
        return json.dumps(value)
    inner, parts = line + " ", []
    if isinstance(value, dict):
        start, end = "{", "}"
        for key, one in sorted(value.items()) if is_sorted else value.items():
            parts.append(f"{quoted(key)}: {_written(one, inner, quoted, is_sorted=is_sorted)}")
    else:
        start, end = "[", "]"
        for one in value:  # no comprehension: before Python 3.12 that would halve the depth that can be written
            parts.append(_written(one, inner, quoted, is_sorted=is_sorted))  # noqa: PERF401
    return start + inner + f",{inner}".join(parts) + line + end if parts else start + end
