"""What can be told of a query without its search engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.core.items import SourceItem

_CLAUSE = re.compile(r'(collection|mediatype|identifier):(?:"([^"()]+)"|([A-Za-z0-9._-]+))')


def contradicts(query: str, item: SourceItem) -> bool:
    """Tell whether an item surely is no answer to a query.

    Only clauses ``collection:X``, ``mediatype:X`` and ``identifier:X`` joined by AND at the top of the query are judged;
    whatever else it holds is taken to be right. A query with OR or NOT at its top is not judged at all.
    """
    clauses = _top_clauses(query)
    if clauses is None:
        return False
    return any(_contradicts(clause, item) for clause in clauses)


def _contradicts(clause: str, item: SourceItem) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        return False
    field, wanted = match[1], (match[2] or match[3]).lower()
    if field == "collection":
        return wanted not in {collection.lower() for collection in item.collections}
    return wanted != (item.mediatype if field == "mediatype" else item.id.name).lower()


def _top_clauses(query: str) -> list[str] | None:
    """Split a query at its top-level ANDs; None where it has another structure."""
    clauses: list[list[str]] = [[]]
    depth = 0
    for word in query.split():
        if depth == 0 and word in {"OR", "NOT", "||", "!"}:
            return None
        if depth == 0 and word in {"AND", "&&"}:
            clauses.append([])
            continue
        if depth == 0 and word.startswith(("-", "!")):
            return None
        depth += word.count("(") - word.count(")")
        clauses[-1].append(word)
    joined = [" ".join(words) for words in clauses]
    return [clause[1:-1].strip() if clause.startswith("(") and clause.endswith(")") else clause for clause in joined]
