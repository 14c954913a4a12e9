"""Disseminate: hand out a DIP of what is held, never a byte that is not what was stored.

Holding ── promised (proven from the catalogue's digest down) ──> parts ── first copy that is right ──> outbox
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.tag_files import LARGEST_TAG_FILE, tag_files_of
from archiver.core.dips import parts_of, promised_by
from archiver.core.errors import ArchiverError, InterruptedRunError, ObjectDamagedError, StoreError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.holdings import CopyStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.dips import DipForm, Promised
    from archiver.core.events import Agent
    from archiver.core.holdings import Copy, Holding
    from archiver.ports.clock import Clock
    from archiver.ports.outboxes import Outbox
    from archiver.ports.stores import Store


@dataclass(frozen=True, slots=True)
class Dip:
    """What was handed out.

    Attributes:
        where: The directory or file.
        files: How many parts it has.
        bytes: Of all parts.
        kept: Parts that an earlier run had handed out already.
        event: For the log.
        left: Payload files that are not in it, each with the reason.
    """

    where: str
    files: int
    bytes: int
    kept: int
    event: Event
    left: tuple[tuple[str, str], ...] = ()


def disseminate(
    holding: Holding, form: DipForm, *, vault: Mapping[str, Store], outbox: Outbox, clock: Clock, agent: Agent
) -> Dip:
    """Hand out one version of an item; each file comes from the first copy whose bytes are the promised ones.

    Args:
        holding: Which version.
        form: How it looks.
        vault: Every store, by name.
        outbox: Where it goes.
        clock: For the event, and for a stop between two files.
        agent: Who is named in the event.

    Raises:
        ObjectDamagedError: Some file is damaged in every copy; files handed out before are whole and right.
        StoreError: No copy could be read; try again.
        InterruptedRunError: Asked to stop; the same command goes on.
    """
    copies = by_trust(holding, vault)
    promised = promised_of(holding, copies, vault)
    kept = 0
    parts = parts_of(promised, form)
    for part in parts:
        if clock.stopping():
            raise InterruptedRunError("stopped between two files")
        if outbox.has(part):
            kept += 1
            continue
        try:
            outbox.take(part, (partial(read_promised, vault[copy.store], holding, part.promised) for copy in copies))
        except ObjectDamagedError as error:
            raise ObjectDamagedError(
                f"{holding.item}: {error.message}", next_command=f"archiver repair {holding.item}"
            ) from error
    where = outbox.finish()
    size = sum(part.promised.size for part in parts)
    detail = f"{len(parts)} files, {size} bytes, as {form}, every byte compared with its digest"
    event = Event(
        EventType.DISSEMINATION,
        clock.now(),
        EventOutcome.SUCCESS,
        detail,
        agent,
        holding.item,
        version=holding.version,
    )
    return Dip(where, len(parts), size, kept, event)


def by_trust(holding: Holding, vault: Mapping[str, Store]) -> list[Copy]:
    """Return the copies in reach, those last found good first."""
    there = [copy for copy in holding.copies if copy.store in vault]
    return sorted(there, key=lambda copy: copy.status is not CopyStatus.GOOD)


def promised_of(holding: Holding, copies: list[Copy], vault: Mapping[str, Store]) -> tuple[Promised, ...]:
    """Read the manifests of the first copy whose manifests are those once stored."""
    failures: list[str] = []
    last: ArchiverError | None = None
    for copy in copies:
        try:
            found = _manifests(holding, vault[copy.store])
        except StoreError as error:
            last = error
            failures.append(f"{copy.store}: {error.message}")
            continue
        if found is not None:
            return found
        failures.append(f"{copy.store}: its manifests are not those that were stored")
    if last is not None and last.transient:
        raise last
    raise ObjectDamagedError(
        f"{holding.item}: no copy of version {holding.version} can be proven: {'; '.join(failures) or 'no store has one'}",
        next_command=f"archiver repair {holding.item}",
    ) from last


def _manifests(holding: Holding, store: Store) -> tuple[Promised, ...] | None:
    sizes = {facts.key.removeprefix(holding.prefix): facts.size for facts in store.list(holding.prefix)}
    names = tag_files_of(sizes)
    if any(sizes[name] > LARGEST_TAG_FILE for name in names):
        return None
    tags = {name: b"".join(_pieces(store, holding.prefix + name)) for name in names}
    return promised_by(sizes, tags, root=holding.tag_manifest)


def read_promised(store: Store, holding: Holding, promised: Promised) -> Iterator[bytes]:
    """Yield the bytes of one file of a bag, opened when the first is asked for; nothing is compared here."""
    return _pieces(store, holding.prefix + promised.path)


def _pieces(store: Store, key: str) -> Iterator[bytes]:
    with store.read(key) as chunks:
        yield from chunks
