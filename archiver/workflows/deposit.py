"""Deposit: put a complete bag into every store, payload first and the tag manifest last, and prove that it is there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from archiver.core.errors import ObjectConflictError, ObjectDamagedError, ObjectNotFoundError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.fixity import Digest, Grade, Hasher, digest_of
from archiver.core.holdings import Copy, CopyStatus
from archiver.core.objects import Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archiver.core.events import Agent
    from archiver.core.objects import Receipt
    from archiver.core.packages import Aip
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.stores import Store

SMALL = 1 << 20
"""Bytes. Writing and hashing a larger object is worth a thread; smaller ones go to the store together."""

T = TypeVar("T")


def deposit(
    aip: Aip,
    *,
    stores: Mapping[str, Store],
    clock: Clock,
    agent: Agent,
    is_first: bool = True,
    puts: Mapping[str, Engine] | None = None,
    in_turn: Callable[[Iterable[str]], Iterator[str]] = iter,
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
        puts: For each store what puts several large objects of a group at once, and reads back what the store has not
            confirmed itself. Where there is none, one goes after the other.
        in_turn: Puts the stores in order while the deposit goes on, so that it comes to a busy one last.

    Raises:
        StoreError: One store could not take the bag; bags in other stores stay, nothing half-written looks whole, and
            calling again with the same AIP goes on.
        ObjectConflictError: The store holds a finished bag of other bytes in this place.
        StoreRefusedError: Somebody must act on the store.
    """
    copies: list[Copy] = []
    events: list[Event] = []
    adopt = True
    for name in in_turn(stores):
        grade, adopted = _deposit_in(aip, stores[name], adopt=adopt, puts=puts.get(name) if puts else None)
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
    order = list(stores)
    return tuple(sorted(copies, key=lambda copy: order.index(copy.store))), tuple(events)


def _deposit_in(aip: Aip, store: Store, *, adopt: bool, puts: Engine | None) -> tuple[Grade, bool]:
    """Put every object of the bag, group by group; return the weakest grade and whether the store adopted a staged file."""
    receipts: list[Receipt] = []
    for group in _groups(aip, adopt=adopt):
        small = [offer for offer in group if offer.size <= SMALL]
        large = [offer for offer in group if offer.size > SMALL]
        receipts += _put_small(aip, store, small, puts=puts)
        receipts += _over(puts, partial(_put_and_confirm, aip, store), large)
    return min(receipt.grade for receipt in receipts), any(receipt.adopted for receipt in receipts)


def _groups(aip: Aip, *, adopt: bool) -> Iterator[list[Offer]]:
    """Yield the payload, the tag files, and each of the tag manifests, whose own order holds to the last one."""
    yield [Offer(f"{aip.prefix}data/{one.path}", one.staged, one.staged.sha256, adopt=adopt) for one in aip.payload]
    tags = [Offer(f"{aip.prefix}{path}", content, digest_of(content)) for path, content in aip.tag_files]
    first = f"{aip.prefix}tagmanifest-"
    yield [offer for offer in tags if not offer.key.startswith(first)]
    for offer in tags:
        if offer.key.startswith(first):
            yield [offer]


def _put_small(aip: Aip, store: Store, offers: list[Offer], *, puts: Engine | None) -> list[Receipt]:
    """Put small objects of a group as the store likes to have many, and confirm them."""
    try:
        receipts = list(store.put_all(offers))
    except ObjectConflictError:
        _refuse_finished_bag(store, aip)
        return [_put_and_confirm(aip, store, offer) for offer in offers]
    promised = {offer.key: offer.sha256 for offer in offers}
    confirmed = [receipt for receipt in receipts if receipt.grade >= Grade.PROVIDER]
    others = [receipt for receipt in receipts if receipt.grade < Grade.PROVIDER]
    return [*confirmed, *_over(puts, lambda receipt: _confirmed(store, receipt, promised[receipt.key]), others)]


def _over(puts: Engine | None, function: Callable[[T], Receipt], values: list[T]) -> Iterable[Receipt]:
    return map(function, values) if puts is None or len(values) < 2 else puts.over(function, values)


def _put_and_confirm(aip: Aip, store: Store, offer: Offer) -> Receipt:
    put = partial(store.put, offer.key, offer.content, sha256=offer.sha256, adopt=offer.adopt)
    try:
        receipt = put()
    except ObjectConflictError:
        _refuse_finished_bag(store, aip)
        # The remains of a run whose staging is lost. The bag has no tag manifest, so it was never promised to anybody.
        store.delete(offer.key)
        receipt = put()
    return _confirmed(store, receipt, offer.sha256)


def _confirmed(store: Store, receipt: Receipt, sha256: Digest) -> Receipt:
    if receipt.grade >= Grade.PROVIDER:
        return receipt
    _read_back(store, receipt.key, sha256, removable=not receipt.existed)
    return replace(receipt, grade=Grade.READ)


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
