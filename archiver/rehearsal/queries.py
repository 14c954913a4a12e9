"""A small part of the search language.

Clauses ``field:value`` or ``field:[A TO B]`` joined by AND, NOT before one, ``*`` inside a value.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

_CLAUSE = re.compile(r"(\w+):(\[[^\]]*\]|\([^)]*\)|\"[^\"]*\"|[^\s)]+)")


def matches(query: str, metadata: dict[str, Any]) -> bool:
    """Tell whether an item answers a query; what is no clause of this small language is taken to match."""
    if not metadata:
        return False
    for part in re.split(r"\s+AND\s+", query):
        is_negated = part.startswith(("NOT ", "-"))
        clause = _CLAUSE.search(part)
        if clause and _holds(clause[1], clause[2].strip('()"[]'), metadata) == is_negated:
            return False
    return True


def _holds(field: str, wanted: str, metadata: dict[str, Any]) -> bool:
    value = metadata.get(field, "")
    values = value if isinstance(value, list) else [value]
    first, to, last = wanted.partition(" TO ")
    if to:
        return any(first <= str(one) <= last for one in values)
    choices = [choice.strip().lower() for choice in wanted.split(" OR ")]
    return any(fnmatchcase(str(one).lower(), choice) for one in values for choice in choices)
