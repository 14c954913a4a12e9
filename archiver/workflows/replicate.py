"""Replicate: bring a bag that is held into stores that lack it, from a copy that is read and proven on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.bags.layout import LAST_TAG_FILE, in_writing_order
from archiver.core.bags.paths import parse_payload_path, parse_tag_path
from archiver.core.bags.tag_files import LARGEST_TAG_FILE, tag_files_of
from archiver.core.bags.validating import compare, plan_of
from archiver.core.errors import ArchiverError, ObjectDamagedError, StoreError
from archiver.core.fixity import STORED, Algorithm, Digest, Hasher, digest_of
from archiver.core.holdings import CopyStatus
from archiver.core.packages import Aip, PayloadFile
from archiver.workflows.deposit import deposit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.core.events import Agent, Event
    from archiver.core.holdings import Copy, Holding
    from archiver.core.objects import StagedFile
    from archiver.ports.clock import Clock
    from archiver.ports.staging import Staging
    from archiver.ports.stores import Store


def replicate(
    holding: Holding,
    *,
    into: Mapping[str, Store],
    vault: Mapping[str, Store],
    staging: Staging,
    clock: Clock,
    agent: Agent,
) -> tuple[tuple[Copy, ...], tuple[Event, ...]]:
    """Put a held AIP into further stores and return the new copies and what happened.

    The bag is read from the first copy that proves to be what the catalogue promises, byte for byte; the source is not
    asked.

    Args:
        holding: What is held.
        into: The stores that lack it.
        vault: Every store there is, by name.
        staging: Where the bytes wait; the caller discards the item afterwards.
        clock: For the dates.
        agent: Who is to be named in the events.

    Raises:
        ObjectDamagedError: No copy is what the catalogue promises; nothing was written.
        StoreError: A store could not be read or could not take the bag; calling again goes on.
    """
    aip = _retrieved(holding, vault, staging)
    return deposit(aip, stores=into, clock=clock, agent=agent, is_first=False)


def _retrieved(holding: Holding, vault: Mapping[str, Store], staging: Staging) -> Aip:
    failures: list[str] = []
    last: ArchiverError | None = None
    for copy in holding.copies:
        if copy.status is not CopyStatus.GOOD or copy.store not in vault:
            failures.append(f"{copy.store}: {copy.status}")
            continue
        try:
            return _from_copy(holding, vault[copy.store], staging)
        except StoreError as error:
            last = error
            failures.append(f"{copy.store}: {error.message}")
    if last is not None and last.transient:
        raise last
    raise ObjectDamagedError(
        f"{holding.item}: no sound copy of version {holding.version} to replicate from: {'; '.join(failures)}",
        next_command=f"archiver show {holding.item}",
    ) from last


def _from_copy(holding: Holding, store: Store, staging: Staging) -> Aip:
    sizes = {facts.key.removeprefix(holding.prefix): facts.size for facts in store.list(holding.prefix)}
    tags = {path: _read(store, holding, path, size) for path, size in sizes.items() if not path.startswith("data/")}
    root = digest_of(tags.get(LAST_TAG_FILE, b""), Algorithm.SHA512)
    if root != holding.tag_manifest:
        raise _damaged(holding, LAST_TAG_FILE, expected=holding.tag_manifest, actual=root)
    plan = plan_of(sizes, {path: tags[path] for path in tag_files_of(sizes)})
    for finding in plan.findings:
        raise ObjectDamagedError(f"{holding.prefix}: {finding.code}: {finding.where}")
    for path, content in tags.items():
        expected = plan.expected.get(path, ())
        for finding in compare(path, expected=expected, actual=_digests(content, expected)):
            raise ObjectDamagedError(f"{holding.prefix}{path}: expected {finding.expected}, actual {finding.actual}")
    payload = []
    for path in sorted(path for path in sizes if path.startswith("data/")):
        promised = {digest.algorithm: digest for digest in plan.expected[path]}
        staged = _staged(holding, path, sizes[path], promised, store=store, staging=staging)
        payload.append(PayloadFile(parse_payload_path(path.removeprefix("data/")), staged, promised[Algorithm.SHA512]))
    return Aip(
        item=holding.item,
        version=holding.version,
        prefix=holding.prefix,
        payload=tuple(payload),
        tag_files=tuple((parse_tag_path(path), tags[path]) for path in in_writing_order(tags)),
        licence_url=holding.licence,
        title=holding.title,
        state=holding.state,
    )


def _staged(
    holding: Holding, path: str, size: int, promised: Mapping[Algorithm, Digest], *, store: Store, staging: Staging
) -> StagedFile:
    with staging.receive(holding.item, path, state=holding.state, algorithms=STORED) as incoming:
        if incoming.offset != size or any(promised[digest.algorithm] != digest for digest in incoming.digests()):
            incoming.begin(validator="")
            with store.read(holding.prefix + path) as chunks:
                for chunk in chunks:
                    incoming.write(chunk)
        for digest in incoming.digests():
            if promised[digest.algorithm] != digest:
                incoming.begin(validator="")
                raise _damaged(holding, path, expected=promised[digest.algorithm], actual=digest)
        return incoming.commit()


def _damaged(holding: Holding, path: str, *, expected: Digest, actual: Digest) -> ObjectDamagedError:
    return ObjectDamagedError(f"{holding.prefix}{path} is not what was stored: expected {expected}, actual {actual}")


def _digests(content: bytes, expected: tuple[Digest, ...]) -> tuple[Digest, ...]:
    hasher = Hasher(digest.algorithm for digest in expected)
    hasher.update(content)
    return hasher.digests()


def _read(store: Store, holding: Holding, path: str, size: int) -> bytes:
    if size > LARGEST_TAG_FILE:
        raise ObjectDamagedError(
            f"{holding.prefix}{path}: a tag file of {size} bytes; expected at most {LARGEST_TAG_FILE}"
        )
    with store.read(holding.prefix + path) as chunks:
        return b"".join(chunks)
