"""Recall: bytes that the source declares again are read from a held copy of the version before, not asked of the source.

declared again ── held file ── first copy whose bytes are right ──> staging
                                    └── none ──> the source is asked
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.bags.tag_files import LARGEST_TAG_FILE
from archiver.core.errors import InterruptedRunError, StoreError, StoreRefusedError
from archiver.core.holdings import CopyStatus
from archiver.core.packages import PassedOver, Recalled
from archiver.core.premis import declared_digests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archiver.core.fixity import Digest
    from archiver.core.holdings import Copy, HeldFile, Holding
    from archiver.core.items import DeclaredFile, ItemId
    from archiver.ports.catalogue import Holdings
    from archiver.ports.clock import Clock
    from archiver.ports.staging import Incoming, Staging
    from archiver.ports.stores import Store

_PREMIS = "metadata/premis.xml"


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the newest held version of an item has, and where it can be read.

    Attributes:
        holding: That version.
        files: Its payload files, by size.
        declared: What the source said of them when they were captured, by path in the bag. A hint alone: what is read is
            proven, whatever stands here.
        copies: In the order in which they are tried.
        vault: Every store, by name.
    """

    holding: Holding
    files: Mapping[int, Sequence[HeldFile]]
    declared: Mapping[str, Digest]
    copies: Sequence[Copy]
    vault: Mapping[str, Store]

    def holds(self, declared: DeclaredFile) -> HeldFile | None:
        """Return the held file that has the declared bytes, as far as that can be told without reading any."""
        if not declared.digests:
            return None
        sizes = self.files if declared.size is None else (declared.size,)
        files = [file for size in sizes for file in self.files.get(size, ())]
        # The same name first: of several files with the same bytes it is the one a reader would expect.
        files.sort(key=lambda file: file.path != f"data/{declared.name}")
        return next((file for file in files if self._may_be(file, declared)), None)

    def _may_be(self, file: HeldFile, declared: DeclaredFile) -> bool:
        known = {digest.algorithm: digest for digest in (file.sha256, file.sha512)}
        if file.path in self.declared:
            known.setdefault(self.declared[file.path].algorithm, self.declared[file.path])
        compared = [known[digest.algorithm] == digest for digest in declared.digests if digest.algorithm in known]
        # Where nothing can be compared, the name and the size are worth reading the file for.
        return all(compared) if compared else file.path == f"data/{declared.name}"


def shelf_of(holding: Holding, *, holdings: Holdings, vault: Mapping[str, Store]) -> Shelf:
    """Return what can be recalled of a held version."""
    there = {copy.store: copy for copy in holding.copies}
    in_order = (there[name] for name in vault if name in there)  # as the operator lists the stores
    copies = sorted(in_order, key=lambda copy: copy.status is not CopyStatus.GOOD)
    files: dict[int, list[HeldFile]] = {}
    for file in holdings.files(holding.item, holding.version):
        files.setdefault(file.size, []).append(file)
    return Shelf(holding, files, _hints(holding, copies, vault), copies, vault)


def _hints(holding: Holding, copies: Sequence[Copy], vault: Mapping[str, Store]) -> Mapping[str, Digest]:
    for copy in copies:
        try:
            content = bytearray()
            with vault[copy.store].read(holding.prefix + _PREMIS) as chunks:
                for chunk in chunks:
                    content += chunk
                    if len(content) > LARGEST_TAG_FILE:
                        return {}
            return declared_digests(bytes(content))
        except (StoreError, StoreRefusedError, ValueError):
            continue
    return {}


def recall(
    incoming: Incoming, declared: DeclaredFile, shelf: Shelf, *, verified_by: Digest, staging: Staging, clock: Clock
) -> tuple[Recalled | None, tuple[PassedOver, ...]]:
    """Write the declared bytes from the first held copy that proves to have them.

    The bytes are compared with SHA-256 and SHA-512 of the held version and with the source's digest of today. From where
    they came is kept in staging, so that an interrupted run does not forget it.

    Args:
        incoming: Where they go; empty again when no copy has them.
        declared: What the source says.
        shelf: What is held.
        verified_by: The source's digest, which ``incoming`` computes.
        staging: Keeps the record.
        clock: For a stop in between.

    Returns:
        From where, or None when the source must be asked; and the copies that were not what they should be.

    Raises:
        InterruptedRunError: Asked to stop.
    """
    file = shelf.holds(declared)
    passed: list[PassedOver] = []
    if file is None:
        return None, ()
    for copy in shelf.copies:
        taken = Recalled(copy.store, shelf.holding.version, file.path)
        _remember(taken, declared, shelf, staging)
        why = _taken(incoming, file, copy, shelf, clock)
        if why is None and verified_by in incoming.digests():
            return taken, tuple(passed)
        if why is None:
            break  # It is sound, and not what the source has today.
        passed.append(PassedOver(taken, *why))
    incoming.begin(validator="")
    _remember(None, declared, shelf, staging)
    return None, tuple(passed)


def recalled_before(item: ItemId, declared: DeclaredFile, staging: Staging) -> Recalled | None:
    """Return from where an earlier, interrupted run took a file that is whole in staging, or None when the source gave it."""
    try:
        store, version, path = json.loads(staging.kept(item, _record(declared)) or b"")
        return Recalled(str(store), int(version), str(path))
    except (ValueError, TypeError, RecursionError):
        return None


def _remember(taken: Recalled | None, declared: DeclaredFile, shelf: Shelf, staging: Staging) -> None:
    record = json.dumps([taken.store, taken.version, taken.path]).encode() if taken else b""
    staging.keep(shelf.holding.item, _record(declared), record)


def _record(declared: DeclaredFile) -> str:
    return f"recalled {declared.name}"


def _taken(incoming: Incoming, file: HeldFile, copy: Copy, shelf: Shelf, clock: Clock) -> tuple[str, bool] | None:
    """Write a held file from one copy; return why it cannot be had there, and whether the copy is damaged."""
    incoming.begin(validator="")
    try:
        with shelf.vault[copy.store].read(f"{copy.key}/{file.path}") as chunks:
            for chunk in chunks:
                if clock.stopping():
                    raise InterruptedRunError("stopped while bytes were copied")
                if incoming.offset + len(chunk) > file.size:
                    return f"expected {file.size} bytes, actual more", True
                incoming.write(chunk)
    except (StoreError, StoreRefusedError) as error:
        return error.message, isinstance(error, StoreError) and not error.transient
    found = {digest.algorithm: digest for digest in incoming.digests()}
    for expected in (file.sha256, file.sha512):
        if found[expected.algorithm] != expected:
            return f"expected {expected}, actual {found[expected.algorithm]} in {incoming.offset} bytes", True
    return None
