"""Drill: bring bags back from a store to an empty place, as after a disaster, and prove that they are whole there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.bags.layout import LAST_TAG_FILE
from archiver.core.errors import ArchiverError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.fixity import STORED, Algorithm, Hasher
from archiver.core.items import ItemId
from archiver.workflows.judge_bag import ROOM
from archiver.workflows.verify import verify

if TYPE_CHECKING:
    from archiver.core.audits import DueCopy
    from archiver.core.events import Agent
    from archiver.core.fixity import Digest
    from archiver.core.holdings import Holding
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.staging import Staging
    from archiver.ports.stores import Store
    from archiver.workflows.judge_bag import Room


@dataclass(frozen=True, slots=True)
class Restored:
    """One bag of a drill.

    Attributes:
        item: Identifier.
        version: Of the AIP.
        store: Where it was read.
        objects: Brought back.
        bytes: Brought back.
        seconds: How long that took, the proof included.
        tag_manifest: What the restored tag manifest is.
        is_certified: Whether the restored bag is complete and valid, and its tag manifest the one in the catalogue.
        problems: What is wrong, for people.
    """

    item: ItemId
    version: int
    store: str
    objects: int
    bytes: int
    seconds: float
    tag_manifest: str
    is_certified: bool
    problems: tuple[str, ...]


def drill(
    copy: DueCopy,
    held: Holding,
    *,
    store: Store,
    scratch: Store,
    staging: Staging,
    files: Engine,
    clock: Clock,
    agent: Agent,
    room: Room = ROOM,
) -> tuple[Restored, Event]:
    """Restore one copy to scratch and certify it there; never raises for what the store does.

    Args:
        copy: Which one.
        held: What the catalogue promises.
        store: Where it is.
        scratch: An empty place of ours.
        staging: Where bytes wait on the way.
        files: Reads several files at once.
        clock: For dates and durations.
        agent: Who is to be named in the event.
        room: Where the restored bag is judged.
    """
    began = clock.monotonic()
    objects = bytes_ = 0
    problems: list[str] = []
    root = ""
    bay = ItemId("drill", f"{copy.item}/v{copy.version}")
    try:
        for facts in store.list(copy.prefix):
            bytes_ += _restored(facts.key, store, scratch, staging, bay, held.state)
            objects += 1
        problems += [
            f"{one.code.value}: {one.where}: expected {one.expected}, actual {one.actual}"
            for one in verify(scratch, copy.prefix, files=files, room=room).findings
        ]
        hasher = Hasher((Algorithm.SHA512,))
        with scratch.read(copy.prefix + LAST_TAG_FILE) as chunks:
            for chunk in chunks:
                hasher.update(chunk)
        (actual,) = hasher.digests()
        root = str(actual)
        if actual != held.tag_manifest:
            problems.append(f"{LAST_TAG_FILE}: expected {held.tag_manifest}, actual {actual}")
    except ArchiverError as error:
        problems.append(error.message)
    finally:
        staging.discard(bay)
    done = Restored(
        copy.item,
        copy.version,
        copy.store,
        objects,
        bytes_,
        clock.monotonic() - began,
        root,
        not problems,
        tuple(problems),
    )
    said = "; ".join(problems)[:1000] or f"{objects} objects, {bytes_} bytes restored to scratch, complete and valid"
    outcome = EventOutcome.FAILURE if problems else EventOutcome.SUCCESS
    event = Event(
        EventType.VALIDATION,
        clock.now(),
        outcome,
        f"restore drill: {said}",
        agent,
        copy.item,
        version=copy.version,
        store=copy.store,
    )
    return done, event


def _restored(key: str, store: Store, scratch: Store, staging: Staging, bay: ItemId, state: Digest) -> int:
    with staging.receive(bay, key, state=state, algorithms=STORED) as incoming:
        incoming.begin(validator="")
        with store.read(key) as chunks:
            for chunk in chunks:
                incoming.write(chunk)
        staged = incoming.commit()
    scratch.put(key, staged, sha256=staged.sha256, adopt=True)
    return staged.size
