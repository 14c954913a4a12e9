"""Complete: ask for the files that a bag names in its fetch file, and put each into the bag once it is proven.

    Completion ── for each wanted file ── open its address ──> staging ── length, every digest ──> its name in the bag

A file is asked for only where every payload manifest lists it. It waits outside the bag until it is whole and right, and never
takes the place of anything. What was begun is gone on with by the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.completing import Fetched, completion_of
from archiver.core.bags.tag_files import LARGEST_TAG_FILE, tag_files_of
from archiver.core.errors import (
    ArchiverError,
    CannotRunError,
    InterruptedRunError,
    ObjectDamagedError,
    SourceUnavailableError,
)
from archiver.core.fixity import digest_of
from archiver.core.items import DeclaredFile, FileRole
from archiver.workflows.capture import algorithms_for, bring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.bags.completing import Completion, Wanted
    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.objects import StagedFile
    from archiver.core.patience import Patience
    from archiver.ports.addresses import Addresses
    from archiver.ports.bags import BagPlace
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.progress import Progress
    from archiver.ports.staging import Staging
    from archiver.ports.stores import Store


@dataclass(frozen=True, slots=True)
class Fetching:
    """The doorways of a completion."""

    addresses: Addresses
    staging: Staging
    transfers: Engine
    clock: Clock
    progress: Progress
    patience: Patience


def completion_at(place: BagPlace, prefix: str = "") -> Completion:
    """Return what a bag lacks, from its tag files.

    Raises:
        StoreError: They cannot be read, or are too large to be.
    """
    sizes = {facts.key.removeprefix(prefix): facts.size for facts in place.list(prefix)}
    names = tag_files_of(sizes)
    for name in names:
        if sizes[name] > LARGEST_TAG_FILE:
            raise ObjectDamagedError(f"{prefix}{name}: {sizes[name]} bytes; expected at most {LARGEST_TAG_FILE}")
    return completion_of(sizes, {name: b"".join(_pieces(place, prefix + name)) for name in names})


def complete(completion: Completion, bag: Store, prefix: str, *, item: ItemId, fetching: Fetching) -> Iterator[Fetched]:
    """Ask for every wanted file of a bag; yield what became of each, in the order in which they end.

    Args:
        completion: Without findings, else nothing is asked for.
        bag: Where the bag lies; a file appears whole or not at all, and takes no other's place.
        prefix: The bag's place there.
        item: What the bag is called in staging; the caller holds the archive's lock.
        fetching: The doorways.

    Raises:
        CannotRunError: Somebody must act; what was completed stays.
        InterruptedRunError: Asked to stop; the same command goes on.
    """
    if completion.findings:
        return
    state = _state(completion)
    yield from fetching.transfers.over(
        partial(_one, bag=bag, prefix=prefix, item=item, state=state, fetching=fetching), completion.wanted
    )


def _state(completion: Completion) -> Digest:
    """Return what a bag wants: what was begun for another fetch file is dropped."""
    rows = "".join(f"{one.path}\n{one.url}\n{one.length}\n{one.digests}\n" for one in completion.wanted)
    return digest_of(rows.encode("utf-8", "surrogatepass"))


def _one(wanted: Wanted, *, bag: Store, prefix: str, item: ItemId, state: Digest, fetching: Fetching) -> Fetched:
    try:
        staged = _staged(wanted, item=item, state=state, fetching=fetching)
        bag.put(prefix + wanted.path, staged, sha256=staged.sha256, adopt=True)
    except (CannotRunError, InterruptedRunError):
        raise
    except ArchiverError as error:
        reason = getattr(error, "reason", "INTERNAL_ERROR")
        return Fetched(wanted.path, wanted.url, reason=reason, detail=error.message, transient=error.transient)
    return Fetched(wanted.path, wanted.url, staged.size)


def _staged(wanted: Wanted, *, item: ItemId, state: Digest, fetching: Fetching) -> StagedFile:
    declared = DeclaredFile(
        wanted.path, FileRole.ORIGINAL, size=wanted.length, digests=wanted.digests, must_match_all=True
    )
    opened = partial(fetching.addresses.open, wanted.url, size=wanted.length)
    next_try = 1
    while True:
        with fetching.staging.receive(item, wanted.path, state=state, algorithms=algorithms_for(declared)) as incoming:
            try:
                bring(incoming, declared, opened, item=item, clock=fetching.clock, progress=fetching.progress)
                return incoming.commit()
            except SourceUnavailableError as error:
                next_try += 1
                wait = fetching.patience.wait_before(next_try, retry_after=error.retry_after, what=wanted.url)
                if wait is None:
                    raise
        fetching.clock.wait(wait)


def _pieces(place: BagPlace, key: str) -> Iterator[bytes]:
    with place.read(key) as chunks:
        yield from chunks
