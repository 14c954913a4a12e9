"""The circuit of derivatives: the shelf they are kept in, the bench they are made on, the processes that make them."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.items import ItemId
    from archiver.ports.clock import Clock
    from archiver.ports.derivers import Meter
    from archiver.ports.progress import Progress
    from archiver.ports.stores import Store
    from archiver.settings.reading import Settings
    from archiver.workflows.workshop import Workshop

MOST_PROCESSES = 2
"""Unless the settings ask for more: encoding is all computing."""


def shelf_of(settings: Settings) -> Store:
    """Return the store that derivatives are kept in."""
    if settings.derivatives.directory:
        root = Path(settings.derivatives.directory)
        root.mkdir(
            parents=True, exist_ok=True
        )  # where a disk is not mounted nothing is lost: all of it can be made again
        return wiring.directory_store("derivatives", root)
    name = settings.derivatives.store or next(iter(settings.stores))
    # Derivatives can be made again and must be removable at once: no object of theirs is locked for years.
    table = settings.stores[name].replace(object_lock="")
    return wiring.open_store(name, table, home=settings.home)


def removed_derivatives(settings: Settings, item: ItemId) -> int:
    """Remove everything that was made of an item; return how many objects that were."""
    from contextlib import closing

    from archiver.workflows.derivative_shelf import remove_derivatives

    with closing(wiring.open_catalogue(settings)) as catalogue:
        versions = catalogue.versions(item)
    return remove_derivatives(versions[-1], shelf_of(settings)) if versions else 0


def meter(workers: int, *, seconds: int = 900) -> Meter:
    """Return what measures loudness; its processes begin when the first file is asked about."""
    from archiver.audio.derive_pool import DerivePool

    return DerivePool(workers, seconds=seconds)


@contextmanager
def opened_workshop(settings: Settings, *, clock: Clock, progress: Progress) -> Iterator[Workshop]:
    """Open everything that a derivation goes through, and close it at the end."""
    from archiver.audio.derive_pool import DerivePool
    from archiver.core.derivatives import DerivativeRules
    from archiver.core.events import Agent
    from archiver.core.licences.policies import policy_named
    from archiver.staging.bench import DiskBench
    from archiver.workflows.workshop import Workshop

    jobs = settings.derivatives.jobs or max(1, min(MOST_PROCESSES, (os.cpu_count() or 1) - 1))
    with ExitStack() as stack:
        catalogue = wiring.open_catalogue(settings)
        stack.callback(catalogue.close)
        deriver = DerivePool(jobs)
        stack.callback(deriver.close)
        files = wiring.threads(jobs, "derive")
        stack.callback(files.close)
        policy = policy_named(settings.derivatives.policy, public_domain_mark="accept", extension_registry="accept")
        yield Workshop(
            vault=wiring.open_stores(settings, tuple(settings.stores)),
            shelf=shelf_of(settings),
            holdings=catalogue,
            withdrawals=catalogue,
            reviews=catalogue,
            ledger=catalogue,
            measurements=catalogue,
            deriver=deriver,
            bench=DiskBench(settings.staging / "bench"),
            files=files,
            clock=clock,
            progress=progress,
            agent=Agent(wiring.AGENT),
            table=wiring.legal_tools(),
            rules=DerivativeRules(policy, shifts_formats=settings.derivatives.no_derivatives == "other-format"),
            review_rules=settings.review,
        )
