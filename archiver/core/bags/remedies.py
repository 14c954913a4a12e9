"""What to type next for each thing that is wrong with a bag (DESIGN §3): pure, a verdict in, a verdict with advice out."""

from __future__ import annotations

import shlex
from dataclasses import replace

from archiver.core.findings import TO_BE_FETCHED, TOLERABLE, BagVerdict, Finding, FindingCode

_LOOKED_AT = frozenset(
    [
        FindingCode.FILE_UNEXPECTED,
        FindingCode.FILE_UNREADABLE,
        FindingCode.LINK_REFUSED,
        FindingCode.SPECIAL_FILE,
    ]
)
"""What something is that lies in a directory, its owner best sees there."""
_LOST = frozenset(
    [
        FindingCode.FILE_CHANGED,
        FindingCode.FILE_MISSING,
        FindingCode.FILE_UNREADABLE,
        FindingCode.OXUM_MISMATCH,
        FindingCode.SERIALIZATION_DAMAGED,
    ]
)
"""What a bag lacks or has lost, whoever has another copy of it can give."""


def advised(verdict: BagVerdict, bag: str, *, is_archive: bool = False) -> BagVerdict:
    """Return a verdict whose findings say what to do now; a warning and what is tolerated ask for nothing.

    Args:
        verdict: On one bag.
        bag: Its path or place, as `archiver verify` takes it.
        is_archive: Whether it lies in an archive, where no file of it can be looked at.
    """

    def one(finding: Finding) -> Finding:
        if finding.next or finding.code in verdict.tolerated:
            return finding
        path = "" if is_archive else f"{bag}/{finding.where.removeprefix(verdict.prefix)}"
        return replace(finding, next=_next(finding, bag, path))

    return replace(verdict, findings=tuple(map(one, verdict.findings)))


def _next(finding: Finding, bag: str, path: str) -> str:
    quoted = shlex.quote(bag)
    if finding.code in TOLERABLE:
        return f"archiver verify --lenient {quoted}   # names it and lets the bag pass"
    if finding.store:
        return f"archiver audit --all --store {finding.store}   # names the item; then: archiver repair ITEM"
    if finding.code is FindingCode.FILE_MISSING and finding.actual == TO_BE_FETCHED:
        command = f"archiver verify --fetch {quoted}" if path else f"archiver add --fetch {quoted} --licence URL"
        return f"{command}   # asks the network"
    if path and finding.code in _LOOKED_AT:
        return f"ls -ld {shlex.quote(path)}"
    when = "it has been received again" if finding.code in _LOST else "whoever made it has mended it"
    return f"archiver verify {quoted}   # once {when}"
