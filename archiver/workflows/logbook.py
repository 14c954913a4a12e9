"""Publishing the audit log into every store, and holding catalogue, stores and bags against it.

Order of a publication: the segment in every store, the signed head remembered beside the key, the head in every store.
A segment without a head was never published and may be replaced; a remembered head whose segment is in a store is put
there by the next publication. So a kill at any line leaves one log, and never two heads of one number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from archiver.core.errors import CannotRunError, ObjectNotFoundError, StoreError
from archiver.core.events import EventType
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest, digest_of, parse_digest, recognise_digest
from archiver.core.logbook import (
    LOG,
    SEGMENT_EVENTS,
    Head,
    Segment,
    SignedHead,
    differences,
    head_key,
    parse_head,
    parse_segment,
    recognise_head_key,
    segment_key,
    sha256,
    statement,
)
from archiver.core.packages import parse_item_id

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from archiver.core.logbook import ChainedEvent, Difference, SealedBag
    from archiver.ports.clock import Clock
    from archiver.ports.logbook import EventRecord, Sealer, Witness
    from archiver.ports.stores import Store

LARGEST_SEGMENT = 256 << 20
"""Bytes; what is longer was not written by us and is not read into memory."""

LARGEST_TAG_FILE = 64 << 20
_AHEAD = 1000
_FROM_BAGS = "archiver rebuild --from STORE   # or the catalogue of a backup"
_TAG_MANIFEST = "tagmanifest-sha512.txt"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication did.

    Attributes:
        head: The end of the log, or None where there is nothing to log.
        segments: How many were added.
        events: How many events they hold.
        behind: Stores that could not be reached, with the reason.
    """

    head: SignedHead | None
    segments: int
    events: int
    behind: tuple[tuple[str, str], ...]


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


def publish(
    stores: Mapping[str, Store], *, events: EventRecord, sealer: Sealer, witness: Witness, clock: Clock
) -> Publication:
    """Add every event that is not in the log yet, and bring stores up to date that are behind.

    The caller holds the archive's lock.

    Raises:
        CannotRunError: The log in the stores is damaged, or the catalogue holds fewer events than it: nothing is
            added to a log that cannot be trusted.
    """
    return _Publisher(stores, events, sealer, witness, clock).run()


class _Publisher:
    def __init__(
        self, stores: Mapping[str, Store], events: EventRecord, sealer: Sealer, witness: Witness, clock: Clock
    ) -> None:
        self.stores = dict(stores)
        self.events = events
        self.sealer = sealer
        self.witness = witness
        self.clock = clock
        self.behind: dict[str, str] = {}
        self.counted = 0

    def run(self) -> Publication:
        logs = self.reachable_logs()
        base = max(logs, key=lambda log: log.length)
        self.refuse_damage(logs, base)
        last = self.finish_remembered(base)
        for log in logs:
            for signed in base.heads[log.length :]:
                self.copy(signed, base.store, log.store)
        added, number = self.append(last)
        return Publication(added or last, number, self.counted, tuple(sorted(self.behind.items())))

    def reachable_logs(self) -> list[StoredLog]:
        logs = []
        for name, store in self.stores.items():
            try:
                logs.append(read_log(store, self.witness))
            except StoreError as error:
                self.behind[name] = error.message
        if not logs:
            raise CannotRunError(
                f"no store could be reached, nothing was published: {'; '.join(self.behind.values())[:300]}",
                next_command="archiver log publish",
            )
        return logs

    def refuse_damage(self, logs: Sequence[StoredLog], base: StoredLog) -> None:
        for log in logs:
            if log.findings or any(one != other for one, other in zip(log.heads, base.heads, strict=False)):
                raise CannotRunError(
                    f"the log in store {log.store.name!r} was altered; nothing was added to it",
                    next_command="archiver log verify",
                )

    def finish_remembered(self, base: StoredLog) -> SignedHead | None:
        """Put a head that was signed and remembered before an earlier run was killed."""
        last = base.heads[-1] if base.heads else None
        remembered = self.sealer.remembered()
        if remembered is None or remembered == last:
            return last
        number = remembered.head.segment
        if number <= base.length and base.heads[number - 1] == remembered:
            return last
        for store in self.living():
            content = _content(store, segment_key(number), LARGEST_SEGMENT)
            if number == base.length + 1 and content is not None and sha256(content) == remembered.head.digest:
                for other in self.living():
                    self.put_segment(other, number, content)
                    self.put(other, head_key(number), remembered.record())
                base.heads.append(remembered)
                return remembered
        raise CannotRunError(
            f"the log in the stores ends at segment {base.length}; the last one signed is {number}: "
            f"it was truncated or forked; nothing was added to it",
            next_command="archiver log verify",
        )

    def copy(self, signed: SignedHead, source: Store, target: Store) -> None:
        number = signed.head.segment
        content = _content(source, segment_key(number), LARGEST_SEGMENT) or b""
        if sha256(content) != signed.head.digest:
            raise CannotRunError(
                f"segment {number} of the log in store {source.name!r} was altered; it was not copied",
                next_command="archiver log verify",
            )
        self.put_segment(target, number, content)
        self.put(target, head_key(number), signed.record())

    def append(self, last: SignedHead | None) -> tuple[SignedHead | None, int]:
        logged = last.head.events if last else 0
        if self.events.event_count() < logged:
            raise CannotRunError(
                f"the catalogue holds fewer events than the log: expected at least {logged}, "
                f"actual {self.events.event_count()}; it was rolled back, and nothing was added",
                next_command="archiver log verify",
            )
        number = 0
        waiting = self.events.chained_events(skip=logged)
        while batch := list(islice(waiting, SEGMENT_EVENTS)):
            last = self.seal(batch, last)
            self.counted += len(batch)
            number += 1
        return last, number

    def seal(self, batch: list[ChainedEvent], last: SignedHead | None) -> SignedHead:
        segment = Segment(
            number=last.head.segment + 1 if last else 1,
            previous=last.head.digest if last else "",
            first=last.head.events + 1 if last else 1,
            events=tuple(statement(one) for one in batch),
            bags=self.bags(batch),
        )
        content = segment.lines()
        for store in self.living():
            self.put_segment(store, segment.number, content)
        if not self.living():
            raise CannotRunError("no store takes the log any more", next_command="archiver log publish")
        head = Head(
            segment=segment.number,
            digest=sha256(content),
            previous=segment.previous,
            events=segment.first + len(batch) - 1,
            chain=batch[-1].chain,
            at=self.clock.now().isoformat(timespec="seconds"),
            public_key=self.sealer.public_key,
        )
        spelled = head.statement()
        signed = SignedHead(head, self.sealer.sign(spelled), self.sealer.stamp(spelled))
        self.sealer.remember(signed)
        for store in self.living():
            self.put(store, head_key(segment.number), signed.record())
        return signed

    def bags(self, batch: list[ChainedEvent]) -> tuple[SealedBag, ...]:
        brought = {
            (one.event.item, one.event.version): None
            for one in batch
            if one.event.version and one.event.type in {EventType.INGESTION, EventType.REPLICATION}
        }
        found = self.events.sealed_bags(brought)
        return tuple(found[key] for key in sorted(found))

    def living(self) -> list[Store]:
        return [store for name, store in self.stores.items() if name not in self.behind]

    def put_segment(self, store: Store, number: int, content: bytes) -> None:
        """Put a segment; one without a head that is there was never published and gives way."""
        if store.name in self.behind:
            return
        try:
            left = _content(store, segment_key(number), LARGEST_SEGMENT)
            if left is not None and left != content:
                if _content(store, head_key(number), LARGEST_TAG_FILE) is not None:
                    raise CannotRunError(
                        f"store {store.name!r} holds another segment {number} of the log with a head",
                        next_command="archiver log verify",
                    )
                store.delete(segment_key(number))
        except StoreError as error:
            self.behind[store.name] = error.message
            return
        self.put(store, segment_key(number), content)

    def put(self, store: Store, key: str, content: bytes) -> None:
        if store.name in self.behind:
            return
        try:
            store.put(key, content, sha256=digest_of(content))
        except StoreError as error:
            self.behind[store.name] = error.message


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
        content = _content(store, head_key(number), LARGEST_TAG_FILE) or b""
        try:
            signed = parse_head(content)
        except ValueError as error:
            log.findings.append(_found(FindingCode.LOG_SIGNATURE_WRONG, head_key(number), store, actual=str(error)))
            break
        if not _follows(log, signed, number, witness):
            break
        log.heads.append(signed)
    return log


def _gap(store: Store, number: int) -> Finding:
    return _found(FindingCode.LOG_TRUNCATED, head_key(number), store, expected="a head", actual="nothing")


def _follows(log: StoredLog, signed: SignedHead, number: int, witness: Witness) -> bool:
    """Tell whether a head is the next one; what is wrong with it becomes a finding."""
    key = head_key(number)
    before = log.heads[-1].head if log.heads else None
    head = signed.head
    if not witness.has_signed(signed):
        log.findings.append(
            _found(
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
            _found(FindingCode.LOG_TIMESTAMP_WRONG, key, log.store, expected="a time stamp over this head")
        )
    previous, events = (before.digest, before.events) if before else ("", 0)
    if head.segment != number or head.previous != previous or head.events <= events:
        log.findings.append(
            _found(
                FindingCode.LOG_FORKED,
                key,
                log.store,
                expected=f"segment {number} after {previous[:16] or 'nothing'}",
                actual=f"segment {head.segment} after {head.previous[:16] or 'nothing'}",
            )
        )
        return False
    return True


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
            yield _found(
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
                yield _found(
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
        content = _content(store, key, LARGEST_SEGMENT)
    except StoreError as error:
        tally.unanswered.append(f"{store.name}: {error.message}")
        return None
    tally.segments += 1
    if content is None:
        yield _found(FindingCode.LOG_TRUNCATED, key, store, expected=f"sha256:{head.digest}", actual="nothing")
        return None
    if sha256(content) != head.digest:
        yield _found(
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
        yield _found(FindingCode.LOG_SEGMENT_ALTERED, key, store, actual=str(error))
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
        content = _content(store, bag.prefix + _TAG_MANIFEST, LARGEST_TAG_FILE)
        if content is None:
            return  # whether a copy should be there is the audit's question
        self.tally.bags += 1
        actual = digest_of(content, expected.algorithm)
        if actual != expected:
            yield self.altered(store, bag, _TAG_MANIFEST, expected=expected, actual=actual)
            return
        for line in content.decode("utf-8", "replace").splitlines():
            value, _, path = line.partition("  ")
            if not path.startswith("manifest-"):
                continue
            promised = recognise_digest(Algorithm.SHA512, value)
            if promised is None:
                continue
            manifest = _content(store, bag.prefix + path, LARGEST_TAG_FILE)
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


def _found(
    code: FindingCode, key: str, store: Store, *, expected: str = "", actual: str = "", next_: str = "archiver log show"
) -> Finding:
    return Finding(code, key, expected=expected, actual=actual, store=store.name, next=next_)


def _content(store: Store, key: str, limit: int) -> bytes | None:
    """Read a small object, or return None where there is none.

    Raises:
        StoreError: It cannot be read, or is longer than what we write.
    """
    try:
        with store.read(key) as chunks:
            content = bytearray()
            for chunk in chunks:
                content += chunk
                if len(content) > limit:
                    raise StoreError(f"store {store.name!r}: {key} is longer than {limit} bytes; it is not ours")
            return bytes(content)
    except ObjectNotFoundError:
        return None
