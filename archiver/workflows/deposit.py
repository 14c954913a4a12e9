"""Deposit: put a complete bag into every store, payload first and the tag manifest last, and prove that it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.errors import ObjectConflictError, ObjectDamagedError, ObjectNotFoundError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.fixity import Digest, Grade, Hasher, digest_of
from archiver.core.holdings import Copy, CopyStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.events import Agent
    from archiver.core.objects import StagedFile
    from archiver.core.packages import Aip
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.stores import Store


def deposit(
    aip: Aip,
    *,
    stores: Mapping[str, Store],
    clock: Clock,
    agent: Agent,
    is_first: bool = True,
    puts: Engine | None = None,
) -> tuple[tuple[Copy, ...], tuple[Event, ...]]:
    """Put an AIP into every store and return the copies and what happened.

    In each store the payload comes first, the tag files next and the tag manifests last, each group confirmed before the
    next: by the digest that the store computed where that is proven, else by reading the object back. So a bag with a tag
    manifest is whole, and one without was never finished. Depositing the same AIP again does nothing.

    Args:
        aip: Complete, in staging.
        stores: Where; at least one.
        clock: For the dates of the checks.
        agent: Who is to be named in the events.
        is_first: Whether the first of these stores is the first one that holds the AIP (an ingestion, no replication).
        puts: Puts several objects of a group at once: a store answers sixteen waiting writers nearly as soon as one. None
            for one after the other.

    Raises:
        StoreError: One store could not take the bag; bags in other stores stay, nothing half-written looks whole, and
            calling again with the same AIP goes on.
        ObjectConflictError: The store holds a finished bag of other bytes in this place.
        StoreRefusedError: Somebody must act on the store.
    """
    copies: list[Copy] = []
    events: list[Event] = []
    adopt = True
    for name, store in stores.items():
        grade, adopted = _deposit_in(aip, store, adopt=adopt, puts=puts)
        adopt = adopt and not adopted
        at = clock.now()
        copies.append(Copy(name, aip.prefix.rstrip("/"), CopyStatus.GOOD, grade, at))
        kind = EventType.INGESTION if is_first and not events else EventType.REPLICATION
        for type_, detail in (
            (kind, f"{len(aip.payload)} payload files, {aip.bytes} bytes, as {aip.prefix}"),
            (EventType.FIXITY_CHECK, f"every object confirmed at grade {grade.label} or better"),
        ):
            events.append(
                Event(type_, at, EventOutcome.SUCCESS, detail, agent, aip.item, version=aip.version, store=name)
            )
    return tuple(copies), tuple(events)


def _deposit_in(aip: Aip, store: Store, *, adopt: bool, puts: Engine | None) -> tuple[Grade, bool]:
    """Put every object of the bag, group by group; return the weakest grade and whether the store adopted a staged file."""
    grade, adopted = Grade.DECODE, False
    for group, is_last in _groups(aip):

        def put(one: tuple[str, bytes | StagedFile, Digest]) -> tuple[Grade, bool]:
            key, content, sha256 = one
            return _put(store, aip, key, content, sha256=sha256, adopt=adopt and not isinstance(content, bytes))

        for receipt_grade, was_adopted in map(put, group) if puts is None or is_last else puts.over(put, group):
            grade = min(grade, receipt_grade)
            adopted = adopted or was_adopted
    return grade, adopted


def _groups(aip: Aip) -> Iterator[tuple[Iterator[tuple[str, bytes | StagedFile, Digest]], bool]]:
    """Yield the payload, the tag files, and the tag manifests, whose own order holds to the last one."""
    yield ((f"{aip.prefix}data/{file.path}", file.staged, file.staged.sha256) for file in aip.payload), False
    tags = [(str(path), content) for path, content in aip.tag_files]
    for is_last in (False, True):
        group = [pair for pair in tags if pair[0].startswith("tagmanifest-") is is_last]
        yield ((aip.prefix + path, content, digest_of(content)) for path, content in group), is_last


def _put(
    store: Store, aip: Aip, key: str, content: bytes | StagedFile, *, sha256: Digest, adopt: bool
) -> tuple[Grade, bool]:
    try:
        receipt = store.put(key, content, sha256=sha256, adopt=adopt)
    except ObjectConflictError:
        _refuse_finished_bag(store, aip)
        # The remains of a run whose staging is lost. The bag has no tag manifest, so it was never promised to anybody.
        store.delete(key)
        receipt = store.put(key, content, sha256=sha256, adopt=adopt)
    if receipt.grade < Grade.PROVIDER:
        _read_back(store, key, sha256, removable=not receipt.existed)
        return Grade.READ, receipt.adopted
    return receipt.grade, receipt.adopted


def _refuse_finished_bag(store: Store, aip: Aip) -> None:
    last = aip.prefix + str(aip.tag_files[-1][0])
    try:
        store.stat(last)
    except ObjectNotFoundError:
        return
    raise ObjectConflictError(
        f"store {store.name!r} holds a finished bag of other bytes at {aip.prefix}: expected none, "
        f"for the catalogue knows no version {aip.version} of {aip.item}",
        next_command=f"archiver rebuild --from {store.name}   # into a new catalogue, where the old one was lost",
    )


def _read_back(store: Store, key: str, sha256: Digest, *, removable: bool) -> None:
    """Read an object just written and compare. One that we wrote and that differs is removed: it was never promised."""
    hasher = Hasher((sha256.algorithm,))
    with store.read(key) as chunks:
        for chunk in chunks:
            hasher.update(chunk)
    (actual,) = hasher.digests()
    if actual != sha256:
        if removable:
            store.delete(key)
        raise ObjectDamagedError(
            f"store {store.name!r} gave back other bytes than it was given under {key}: expected {sha256}, "
            f"actual {actual} in {hasher.size} bytes; the object was {'removed' if removable else 'left as it is'}",
            next_command="archiver status",
        )
