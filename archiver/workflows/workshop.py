"""The doorways of a derivation, opened once for many items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.core.derivatives import DerivativeRules
    from archiver.core.events import Agent
    from archiver.core.licences.table import LicenceTable
    from archiver.core.reviews import ReviewRules
    from archiver.ports.catalogue import Holdings, Ledger
    from archiver.ports.clock import Clock
    from archiver.ports.derivers import Bench, Deriver
    from archiver.ports.engines import Engine
    from archiver.ports.measurements import Measurements
    from archiver.ports.progress import Progress
    from archiver.ports.reviews import Reviews
    from archiver.ports.stores import Store
    from archiver.ports.withdrawals import Withdrawals


@dataclass(frozen=True, slots=True)
class Workshop:
    """The doorways of a derivation.

    Attributes:
        vault: Every store, by name: where the originals are.
        shelf: The store that derivatives are kept in.
        files: Engine that works on several files of an item at once.
        agent: Who is named in the events.
        rules: What may be made at all.
        review_rules: How cases of the quarantine stand.
    """

    vault: Mapping[str, Store]
    shelf: Store
    holdings: Holdings
    withdrawals: Withdrawals
    reviews: Reviews
    ledger: Ledger
    measurements: Measurements
    deriver: Deriver
    bench: Bench
    files: Engine
    clock: Clock
    progress: Progress
    agent: Agent
    table: LicenceTable
    rules: DerivativeRules
    review_rules: ReviewRules
