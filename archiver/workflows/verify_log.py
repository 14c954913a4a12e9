"""Holding catalogue, stores and bags against the signed audit log. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from archiver.core.bags.layout import LAST_TAG_FILE
from archiver.core.bags.tag_files import LARGEST_TAG_FILE
from archiver.core.errors import StoreError
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest, digest_of, parse_digest
from archiver.core.items import parse_item_id
from archiver.core.logbook import (
    Segment,
    SignedHead,
    differences,
    head_key,
    parse_segment,
    segment_key,
    sha256,
    statement,
)
from archiver.workflows.check import entries_of
from archiver.workflows.logbook import LARGEST_SEGMENT, content_of, log_finding, read_log

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from archiver.core.logbook import ChainedEvent, Difference, SealedBag
    from archiver.ports.logbook import EventRecord, Witness
    from archiver.ports.stores import Store
    from archiver.workflows.logbook import StoredLog

_AHEAD = 1000
_FROM_BAGS = "archiver rebuild --from STORE   # or the catalogue of a backup"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is held against what.

    Attributes:
        stores: Whose copies of the log are read, by name.
        events: The catalogue.
        witness: Who judges signatures.
        remembered: The head that was signed last, where whoever verifies has it.
        with_bags: Whether to read each bag's manifests too.
    """

    stores: Mapping[str, Store]
    events: EventRecord
    witness: Witness
    remembered: SignedHead | None = None
    with_bags: bool = True


@dataclass(slots=True)
class Tally:
    """What a verification has looked at so far."""

    segments: int = 0
    events: int = 0
    bags: int = 0
    unpublished: int = 0
    unanswered: list[str] = field(default_factory=list)


def verify_log(evidence: Evidence, tally: Tally) -> Iterator[Finding]:
    """Yield everything in which stores, catalogue and bags contradict the log, and count in ``tally`` what was looked at.

    A store that gives no answer is no finding: it stands in ``tally.unanswered``.
    """
    logs = []
    for name, store in evidence.stores.items():
        try:
            logs.append(read_log(store, evidence.witness))
        except StoreError as error:
            tally.unanswered.append(f"{name}: {error.message}")
    if logs:
        yield from _judged(logs, evidence, tally)


def _judged(logs: Sequence[StoredLog], evidence: Evidence, tally: Tally) -> Iterator[Finding]:
    for log in logs:
        yield from log.findings
    yield from _lengths(logs, evidence.remembered)
    yield from _forks(logs)
    reference = max(logs, key=lambda log: (not log.findings, log.length))
    walk = _Walk(evidence, tally)
    for log in logs:
        for signed in log.heads:
            segment = yield from _segment(log.store, signed, tally)
            if segment is not None:
                yield from walk.bags(log.store, segment.bags)
            if log is reference:
                yield from walk.events(signed, segment)
                yield from walk.told(segment.bags if segment else ())
    yield from walk.rest()


def _lengths(logs: Sequence[StoredLog], remembered: SignedHead | None) -> Iterator[Finding]:
    longest = max([log.length for log in logs] + ([remembered.head.segment] if remembered else []))
    for log in logs:
        if log.length < longest and not log.findings:
            yield log_finding(
                FindingCode.LOG_TRUNCATED,
                head_key(log.length + 1),
                log.store,
                expected=f"{longest} segments",
                actual=f"{log.length} segments",
                next_="archiver log publish   # where a store was only out of reach",
            )


def _forks(logs: Sequence[StoredLog]) -> Iterator[Finding]:
    """Two signed heads of one number are two histories."""
    base = max(logs, key=lambda log: log.length)
    for log in logs:
        for one, other in zip(log.heads, base.heads, strict=False):
            if one.head != other.head:
                yield log_finding(
                    FindingCode.LOG_FORKED,
                    head_key(one.head.segment),
                    log.store,
                    expected=f"sha256:{other.head.digest} as in store {base.store.name}",
                    actual=f"sha256:{one.head.digest}",
                )
                break


def _segment(store: Store, signed: SignedHead, tally: Tally) -> Generator[Finding, None, Segment | None]:
    """Read one segment; what is wrong with it is yielded."""
    head, key = signed.head, segment_key(signed.head.segment)
    try:
        content = content_of(store, key, LARGEST_SEGMENT)
    except StoreError as error:
        tally.unanswered.append(f"{store.name}: {error.message}")
        return None
    tally.segments += 1
    if content is None:
        yield log_finding(FindingCode.LOG_TRUNCATED, key, store, expected=f"sha256:{head.digest}", actual="nothing")
        return None
    if sha256(content) != head.digest:
        yield log_finding(
            FindingCode.LOG_SEGMENT_ALTERED,
            key,
            store,
            expected=f"sha256:{head.digest}",
            actual=f"sha256:{sha256(content)}",
        )
        return None
    try:
        return parse_segment(content)
    except ValueError as error:
        yield log_finding(FindingCode.LOG_SEGMENT_ALTERED, key, store, actual=str(error))
        return None


class _Walk:
    """Walks the catalogue's events beside the log, and the bags of each store."""

    def __init__(self, evidence: Evidence, tally: Tally) -> None:
        self.evidence = evidence
        self.tally = tally
        self.source = evidence.events.chained_events()
        self.carry: list[Mapping[str, Any]] = []
        self.position = 0
        self.missing: list[tuple[int, Mapping[str, Any]]] = []
        self.missing_count = 0
        self.broken = self.seen = 0
        self.is_parted = False

    def drawn(self, wanted: int) -> list[Mapping[str, Any]]:
        """Return at least so many of the catalogue's events where there are so many."""
        for one in islice(self.source, max(0, wanted - len(self.carry))):
            self.watch(one)
            self.carry.append(statement(one))
        return self.carry

    def watch(self, one: ChainedEvent) -> None:
        """Count an event, and keep the first that the chain does not reach."""
        self.seen += 1
        if not one.is_chained and not self.broken:
            self.broken = self.seen

    def events(self, signed: SignedHead, segment: Segment | None) -> Iterator[Finding]:
        """Compare one segment with the catalogue; a segment that cannot be read is passed over."""
        number = signed.head.events - self.position
        first = self.position + 1
        self.position = signed.head.events
        self.tally.events += number
        if segment is None:
            self.carry = self.drawn(number)[number:]
            return
        parted, self.carry = differences(segment.events, self.drawn(number + _AHEAD), first=first)
        self.is_parted = self.is_parted or bool(parted)
        for one in parted:
            yield from self.parted(one, is_end=one.kind == "deleted" and not self.carry)

    def parted(self, one: Difference, *, is_end: bool) -> Iterator[Finding]:
        """Hold back deletions that may turn out to be the end of a catalogue that was rolled back."""
        if is_end:
            if not self.missing:
                self.missing.append((one.position, one.logged or {}))
            elif one.position != self.missing[0][0] + self.missing_count:
                yield from self.deleted()
                self.missing.append((one.position, one.logged or {}))
            self.missing_count += 1
            return
        yield from self.deleted()
        code = {
            "deleted": FindingCode.EVENT_DELETED,
            "inserted": FindingCode.EVENT_INSERTED,
            "altered": FindingCode.EVENT_ALTERED,
            "reordered": FindingCode.EVENT_REORDERED,
        }[one.kind]
        yield self.event_finding(code, one.position, expected=_line(one.logged), actual=_line(one.found))

    def deleted(self) -> Iterator[Finding]:
        """Give out deletions that were held back."""
        for position, logged in self.missing:
            count = f" and {self.missing_count - 1} after it" if self.missing_count > 1 else ""
            yield self.event_finding(FindingCode.EVENT_DELETED, position, expected=_line(logged) + count, actual="")
        self.missing, self.missing_count = [], 0

    def rest(self) -> Iterator[Finding]:
        """Judge the end: a catalogue that stops early was rolled back, and events after the log must be chained."""
        is_suffix = self.missing and self.missing[0][0] + self.missing_count - 1 == self.position
        if is_suffix:
            (position, _), *_ = self.missing
            yield self.event_finding(
                FindingCode.CATALOGUE_ROLLED_BACK,
                position,
                expected=f"{self.position} events",
                actual=f"{position - 1} events",
            )
        else:
            yield from self.deleted()
        self.tally.unpublished = len(self.carry)
        for one in self.source:
            self.tally.unpublished += 1
            self.watch(one)
        if self.broken and not self.is_parted:  # an event that is gone breaks the chain as well, and is named already
            yield self.event_finding(
                FindingCode.CATALOGUE_ALTERED, self.broken, expected="the chain of events", actual="a broken chain"
            )

    def event_finding(self, code: FindingCode, position: int, *, expected: str, actual: str) -> Finding:
        """Return a finding about a place in the log."""
        return Finding(code, f"event {position}", expected=expected, actual=actual, next=_FROM_BAGS)

    def bags(self, store: Store, sealed: Iterable[SealedBag]) -> Iterator[Finding]:
        """Hold each bag's manifests in one store, and the catalogue's word about it, against the log."""
        if not self.evidence.with_bags:
            return
        for bag in sealed:
            try:
                yield from self.bag(store, bag)
            except StoreError as error:
                self.tally.unanswered.append(f"{store.name}: {error.message}")

    def told(self, sealed: Sequence[SealedBag]) -> Iterator[Finding]:
        """Hold what the catalogue says of bags against the log."""
        found = self.evidence.events.sealed_bags((parse_item_id(bag.item), bag.version) for bag in sealed)
        for bag in sealed:
            one = found.get((bag.item, bag.version), bag)
            if one != bag:
                yield Finding(
                    FindingCode.CATALOGUE_ALTERED,
                    f"{bag.item} v{bag.version}",
                    expected=f"{bag.tag_manifest} at {bag.prefix}",
                    actual=f"{one.tag_manifest} at {one.prefix}",
                    next=_FROM_BAGS,
                )

    def bag(self, store: Store, bag: SealedBag) -> Iterator[Finding]:
        """Compare one bag: the tag manifest with the log, the payload manifests with the tag manifest."""
        expected = parse_digest(bag.tag_manifest)
        content = content_of(store, bag.prefix + LAST_TAG_FILE, LARGEST_TAG_FILE)
        if content is None:
            return  # whether a copy should be there is the audit's question
        self.tally.bags += 1
        actual = digest_of(content, expected.algorithm)
        if actual != expected:
            yield self.altered(store, bag, LAST_TAG_FILE, expected=expected, actual=actual)
            return
        for path, promised in entries_of(content, Algorithm.SHA512).items():
            if not path.startswith("manifest-"):
                continue
            manifest = content_of(store, bag.prefix + path, LARGEST_TAG_FILE)
            if manifest is not None and digest_of(manifest, Algorithm.SHA512) != promised:
                yield self.altered(store, bag, path, expected=promised, actual=digest_of(manifest, Algorithm.SHA512))

    def altered(self, store: Store, bag: SealedBag, path: str, *, expected: Digest, actual: Digest) -> Finding:
        """Return the finding about a rewritten manifest."""
        return Finding(
            FindingCode.MANIFEST_ALTERED,
            bag.prefix + path,
            expected=str(expected),
            actual=str(actual),
            store=store.name,
            next=f"archiver repair {bag.item}",
        )


def _line(event: Mapping[str, Any] | None) -> str:
    if event is None:
        return ""
    place = "/".join(part for part in (str(event.get("store", "")), str(event.get("path", ""))) if part)
    return f"{event.get('at')} {event.get('type')} {event.get('outcome')} {event.get('item')} {place}".strip()[:300]
