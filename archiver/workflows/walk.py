"""What one harvest walks through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.core.licences.table import LicenceTable
    from archiver.core.patience import Patience
    from archiver.ports.catalogue import Holdings, Ledger
    from archiver.ports.claims import Claims
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.preferences import PreferenceSource
    from archiver.ports.progress import Progress
    from archiver.ports.sightings import Sightings
    from archiver.ports.sources import Source
    from archiver.ports.stages import Stages
    from archiver.ports.staging import Staging
    from archiver.ports.stores import Store, SweptStore
    from archiver.ports.withdrawals import Withdrawals
    from archiver.workflows.examine import Examining
    from archiver.workflows.pack import Imprint
    from archiver.workflows.reappraise import Gatehouse


@dataclass(frozen=True, slots=True)
class Walk:
    """The doorways one harvest walks through, and what its bags are signed with.

    Attributes:
        stores: Those of the selection, by name.
        vault: Every store of the archive, by name; what an earlier run sealed for others goes there.
        items: Engine that walks several items at once.
        transfers: Engine that captures several files at once; must not share its threads with ``items``.
        patience: How a file that could not be had is tried again.
        imprint: What every bag says of who made it.
        gatehouse: Tags, bytes seen before, and the quarantine.
        preferences: Knows what the source's host states about machines.
        stages: Bounds of what the items in hand do at once.
        puts: For each store an engine that puts several large objects of a bag at once: what waits for one store is in nobody's
            way at another. Must not share their threads with ``items``.
        share: Items of one host in hand while there are others, for a source whose files lie on many hosts.
        claims: Keep an item in one hand at a time, where several processes walk.
        examining: Listens to what was captured; None where the settings say not to.
        sightings: What earlier crawls met.
        since: Where set: what was stored since then was stored by an earlier try of this same run, whose answer was lost.
        forgets: Whether what the source names no more may be there all the same.
        by_window: Whether the source can be asked for what is new since a time, and does not tell it by marks.
    """

    source: Source
    staging: Staging
    stores: Mapping[str, SweptStore]
    vault: Mapping[str, Store]
    holdings: Holdings
    ledger: Ledger
    withdrawals: Withdrawals
    items: Engine
    transfers: Engine
    clock: Clock
    progress: Progress
    table: LicenceTable
    patience: Patience
    imprint: Imprint
    gatehouse: Gatehouse
    preferences: PreferenceSource
    sightings: Sightings
    claims: Claims
    stages: Stages
    examining: Examining | None = None
    puts: Mapping[str, Engine] = field(default_factory=dict)
    share: int = 2
    since: datetime | None = None
    by_window: bool = False
    forgets: bool = False
