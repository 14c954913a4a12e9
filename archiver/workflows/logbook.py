"""Reading one store's copy of the audit log: its heads, and that each follows the one before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.core.errors import ObjectNotFoundError
from archiver.core.findings import Finding, FindingCode
from archiver.core.logbook import LOG, head_key, parse_head, recognise_head_key
from archiver.workflows.small_object import small_object

if TYPE_CHECKING:
    from archiver.core.logbook import SignedHead
    from archiver.ports.logbook import Witness
    from archiver.ports.stores import Store

LARGEST_SEGMENT = 256 << 20
"""Bytes; what is longer was not written by us and is not read into memory."""
LARGEST_HEAD = 64 << 20


@dataclass(slots=True)
class StoredLog:
    """One store's copy of the log, as far as it could be read.

    Attributes:
        store: Which.
        heads: In the order of their numbers.
        findings: What is wrong with them.
    """

    store: Store
    heads: list[SignedHead] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def length(self) -> int:
        """The number of the last head."""
        return self.heads[-1].head.segment if self.heads else 0


def read_log(store: Store, witness: Witness) -> StoredLog:
    """Read the heads of one store's log: signatures, numbers, and that each follows the one before.

    Raises:
        StoreError: The store gave no answer.
    """
    log = StoredLog(store)
    keys = (facts.key for facts in store.list(LOG))
    numbers = sorted(number for key in keys if (number := recognise_head_key(key)) is not None)
    for expected, number in enumerate(numbers, start=1):
        if number != expected:
            log.findings.append(_gap(store, expected))
            break
        content = content_of(store, head_key(number), LARGEST_HEAD) or b""
        try:
            signed = parse_head(content)
        except ValueError as error:
            log.findings.append(
                log_finding(FindingCode.LOG_SIGNATURE_WRONG, head_key(number), store, actual=str(error))
            )
            break
        if not _follows(log, signed, number, witness):
            break
        log.heads.append(signed)
    return log


def _gap(store: Store, number: int) -> Finding:
    return log_finding(FindingCode.LOG_TRUNCATED, head_key(number), store, expected="a head", actual="nothing")


def _follows(log: StoredLog, signed: SignedHead, number: int, witness: Witness) -> bool:
    """Tell whether a head is the next one; what is wrong with it becomes a finding."""
    key = head_key(number)
    before = log.heads[-1].head if log.heads else None
    head = signed.head
    if not witness.has_signed(signed):
        log.findings.append(
            log_finding(
                FindingCode.LOG_SIGNATURE_WRONG,
                key,
                log.store,
                expected="a signature of a trusted key",
                actual=head.public_key[:90],
            )
        )
        return False
    if not witness.has_stamped(signed):
        log.findings.append(
            log_finding(FindingCode.LOG_TIMESTAMP_WRONG, key, log.store, expected="a time stamp over this head")
        )
    previous, events = (before.digest, before.events) if before else ("", 0)
    if head.segment != number or head.previous != previous or head.events <= events:
        log.findings.append(
            log_finding(
                FindingCode.LOG_FORKED,
                key,
                log.store,
                expected=f"segment {number} after {previous[:16] or 'nothing'}",
                actual=f"segment {head.segment} after {head.previous[:16] or 'nothing'}",
            )
        )
        return False
    return True


def log_finding(
    code: FindingCode, key: str, store: Store, *, expected: str = "", actual: str = "", next_: str = "archiver log show"
) -> Finding:
    """Return what is wrong with one object of a store's log."""
    return Finding(code, key, expected=expected, actual=actual, store=store.name, next=next_)


def content_of(store: Store, key: str, limit: int) -> bytes | None:
    """Read a small object, or return None where there is none.

    Raises:
        StoreError: It cannot be read, or is longer than what we write.
    """
    try:
        return small_object(store, key, limit=limit)
    except ObjectNotFoundError:
        return None
