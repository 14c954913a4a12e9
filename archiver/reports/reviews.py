"""Cases of the quarantine: records for programs, and declarations side by side for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archiver.core.attribution import one_line
from archiver.reports.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.core.reviews import Case, ReviewRules

LONGEST_SHOWN = 300
"""Characters of a declaration that are shown to people; the whole of it is in the JSON."""


def case_record(case: Case, rules: ReviewRules, now: datetime, *, with_evidence: bool = False) -> dict[str, Any]:
    """Return a case; its keys are promises (docs/machine-output.md)."""
    expires_at = case.expires_at(rules)
    record = {
        "item": str(case.item),
        "standing": case.standing(rules, now).value,
        "reasons": list(case.reasons),
        "title": case.title,
        "collections": list(case.collections),
        "opened_at": timestamp(case.opened_at),
        "expires_at": timestamp(expires_at) if expires_at else None,
        "two_people": case.needs_two(rules),
        "declarations_sha256": case.whole_set or case.item_set,
        "batch": case.batch_set,
        "verdicts": [verdict.to_json() for verdict in case.verdicts],
    }
    return {**record, "evidence": _evidence(case)} if with_evidence else record


def case_line(case: Case, rules: ReviewRules, now: datetime) -> str:
    """Return one line for a case."""
    return f"{case.standing(rules, now).value:<10}{case.item}  {', '.join(case.reasons)}  {one_line(case.title)}"


def case_lines(case: Case, rules: ReviewRules, now: datetime) -> Iterator[str]:
    """Yield lines about one case: every declaration beside what the gate made of it, then what people said."""
    yield case_line(case, rules, now)
    expires_at = case.expires_at(rules)
    expiry = f", expires {timestamp(expires_at)}" if expires_at else ""
    yield f"quarantined {timestamp(case.opened_at)}{expiry}; collections: {', '.join(case.collections) or 'none'}"
    if case.needs_two(rules):
        yield "two people must accept it"
    yield "declarations:"
    for one in _evidence(case):
        where = f"{one['field']} of {one['subject']}" if one["subject"] else one["field"]
        yield f"  {one['polarity']:<9}{one['reason']:<26}{where}"
        if one["tool"]:
            yield f"           names {one['tool']}"
        text = one_line(one["raw"])
        yield f"           | {text[:LONGEST_SHOWN]}{'…' if len(text) > LONGEST_SHOWN else ''}"
    for verdict in case.verdicts:
        word = f"accepted under {verdict.licence}" if verdict.is_acceptance else "rejected"
        yield f"{timestamp(verdict.at)}  {verdict.reviewer} {word}: {one_line(verdict.reason)}"


def _evidence(case: Case) -> list[dict[str, Any]]:
    try:
        found = json.loads(case.decision).get("evidence", [])
    except (ValueError, AttributeError):
        return []
    return [one for one in found if isinstance(one, dict)]
