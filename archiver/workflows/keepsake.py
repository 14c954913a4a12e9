"""Keepsake: write what the catalogue has learned into every store, so that it can be made again from any of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from archiver.core.errors import CannotRunError, StoreError
from archiver.core.fixity import digest_of
from archiver.core.snapshots import PLACE, last_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.ports.snapshots import SnapshotLedger
    from archiver.ports.stores import Store

log = logging.getLogger(__name__)


def write_keepsakes(ledger: SnapshotLedger, vault: Mapping[str, Store]) -> dict[str, int]:
    """Bring every store up to the last event and return how many shards each got.

    Each store goes on behind what it has, so one that did not answer is made good by the next run. Never raises for what
    a store does: the bags are safe, and the catalogue still has everything.
    """
    written: dict[str, int] = {}
    for name, store in vault.items():
        try:
            written[name] = _written(ledger, store)
        except (StoreError, CannotRunError, ValueError) as error:
            log.warning("store %s: the catalogue was not written beside the bags: %s", name, error)
    return written


def _written(ledger: SnapshotLedger, store: Store) -> int:
    number = 0
    for shard in ledger.shards(after=last_of(facts.key for facts in store.list(PLACE))):
        content = shard.lines()
        store.put(shard.key, content, sha256=digest_of(content))
        number += 1
    return number
