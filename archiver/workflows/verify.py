"""Verify: is this bag complete, and is it valid? Every deviation is a finding; nothing is written."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.validating import DECLARATION, LARGEST_TAG_FILE, compare, plan_of, tag_files_of
from archiver.core.errors import StoreError
from archiver.core.findings import BagVerdict, Finding, FindingCode
from archiver.core.fixity import Hasher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.bags.validating import BagPlan
    from archiver.core.fixity import Digest
    from archiver.ports.engines import Engine
    from archiver.ports.stores import Store


def bags_in(store: Store, prefix: str = "") -> tuple[str, ...]:
    """Return the place of every bag below a prefix, in order; the prefix itself when no bag declaration is found."""
    ends = tuple(
        facts.key.removesuffix(DECLARATION)
        for facts in store.list(prefix)
        if facts.key == prefix + DECLARATION or facts.key.endswith("/" + DECLARATION)
    )
    outermost: list[str] = []
    for place in sorted(ends):
        if not any(place.startswith(outer + "data/") for outer in outermost):
            outermost.append(place)
    return tuple(outermost) or (prefix,)


def verify(store: Store, prefix: str, *, files: Engine) -> BagVerdict:
    """Read every byte of a bag once and judge it.

    Args:
        store: Where it is.
        prefix: Its place, ending in ``/``, or empty.
        files: Reads several files at once.

    Raises:
        StoreUnavailableError: The store does not answer; there is no verdict.
    """
    sizes = {facts.key.removeprefix(prefix): facts.size for facts in store.list(prefix)}
    findings: list[Finding] = []
    tags: dict[str, bytes] = {}
    for name in tag_files_of(sizes):
        try:
            tags[name] = _read_whole(store, prefix + name, sizes[name])
        except StoreError as error:
            if error.transient:
                raise
            findings.append(Finding(FindingCode.FILE_UNREADABLE, name, actual=error.message))
    plan = plan_of(sizes, tags)
    findings += plan.findings
    for found in files.over(partial(_checked, store, prefix, plan), sorted(plan.expected)):
        findings += found
    placed = (replace(finding, where=prefix + finding.where, store=store.name) for finding in findings)
    return BagVerdict(prefix, tuple(sorted(placed, key=lambda finding: (finding.where, finding.code))))


def _checked(store: Store, prefix: str, plan: BagPlan, path: str) -> list[Finding]:
    expected = plan.expected[path]
    try:
        return list(compare(path, expected=expected, actual=_digests(store, prefix + path, expected)))
    except StoreError as error:
        if error.transient:
            raise
        return [Finding(FindingCode.FILE_UNREADABLE, path, expected=str(expected[0]), actual=error.message)]


def _digests(store: Store, key: str, expected: tuple[Digest, ...]) -> tuple[Digest, ...]:
    hasher = Hasher(digest.algorithm for digest in expected)
    with store.read(key) as chunks:
        for chunk in chunks:
            hasher.update(chunk)
    return hasher.digests()


def _read_whole(store: Store, key: str, size: int) -> bytes:
    if size > LARGEST_TAG_FILE:
        raise StoreError(f"{key}: a tag file of {size} bytes is not read; expected at most {LARGEST_TAG_FILE}")

    def pieces() -> Iterator[bytes]:
        with store.read(key) as chunks:
            yield from chunks

    return b"".join(pieces())
