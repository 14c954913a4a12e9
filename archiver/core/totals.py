"""The archive as a whole: sums over what it holds, and how its harvests went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.core.crawls import Crawl
    from archiver.core.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Run:
    """One harvest, as the catalogue keeps it.

    Attributes:
        id: Given by the catalogue, counted from 1.
        selection: Name of the selection.
        selection_digest: SHA-256 of the selection file, hexadecimal.
        started_at: In UTC.
        ended_at: In UTC, or None while it works or when it was killed.
        complete: Whether every candidate was answered or refused.
        counts: How many items ended how.
        crawl: The whole table, or None where the run was killed or is older than the table.
    """

    id: int
    selection: str
    selection_digest: str
    started_at: datetime
    ended_at: datetime | None
    complete: bool
    counts: tuple[tuple[Outcome, int], ...]
    crawl: Crawl | None = None


@dataclass(frozen=True, slots=True)
class StoreTotals:
    """What one store holds, as last checked."""

    store: str
    copies: int
    bytes: int
    good: int
    oldest_check: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the archive holds.

    Attributes:
        items: Distinct items with at least one version.
        versions: AIPs.
        files: Payload files over all versions.
        bytes: Payload bytes over all versions, one copy counted.
        stores: One entry for each store that holds something, ordered by name.
        undecided: Items whose latest outcome is quarantine.
        failed: Items whose latest outcome is failure.
        refused: Items whose latest outcome is refusal.
        last_runs: The latest runs, newest first, ten at most.
    """

    items: int
    versions: int
    files: int
    bytes: int
    stores: tuple[StoreTotals, ...]
    undecided: int
    failed: int
    refused: int
    last_runs: tuple[Run, ...]
