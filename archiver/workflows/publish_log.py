"""Publishing the audit log into every store.

Order of a publication: the segment in every store, the signed head remembered beside the key, the head in every store.
A segment without a head was never published and may be replaced; a remembered head whose segment is in a store is put
there by the next publication. So a kill at any line leaves one log, and never two heads of one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from archiver.core.errors import CannotRunError, StoreError
from archiver.core.events import EventType
from archiver.core.fixity import digest_of
from archiver.core.logbook import (
    SEGMENT_EVENTS,
    Head,
    Segment,
    SignedHead,
    head_key,
    segment_key,
    sha256,
    statement,
)
from archiver.workflows.logbook import LARGEST_HEAD, LARGEST_SEGMENT, content_of, read_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archiver.core.logbook import ChainedEvent, SealedBag
    from archiver.ports.clock import Clock
    from archiver.ports.logbook import EventRecord, Sealer, Witness
    from archiver.ports.stores import Store
    from archiver.workflows.logbook import StoredLog


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
            content = content_of(store, segment_key(number), LARGEST_SEGMENT)
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
        content = content_of(source, segment_key(number), LARGEST_SEGMENT) or b""
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
            left = content_of(store, segment_key(number), LARGEST_SEGMENT)
            if left is not None and left != content:
                if content_of(store, head_key(number), LARGEST_HEAD) is not None:
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
