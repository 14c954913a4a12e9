"""The circuit of `verify --fetch`: a bag in a directory is completed in its place."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import wiring
from archiver.core.errors import UsageError
from archiver.core.items import ItemId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.clock import SystemClock
    from archiver.core.bags.completing import Completion, Fetched
    from archiver.settings.reading import Settings
    from archiver.workflows.complete import Fetching

BEGUN = "fetching"
"""In the archive's home: what came of files that are not whole yet."""


@contextmanager
def opened_fetching(settings: Settings, *, clock: SystemClock) -> Iterator[Fetching]:
    """Open what a completion goes through. The caller holds the archive's lock."""
    from archiver.core.patience import Patience
    from archiver.staging.disk import DiskStaging
    from archiver.wiring import network
    from archiver.workflows.complete import Fetching
    from archiver.workflows.fetch_again import Silence

    client, engine = network.client(settings, clock=clock), wiring.threads(2, "fetch")
    try:
        yield Fetching(
            addresses=client,
            staging=DiskStaging(settings.home / BEGUN),
            transfers=engine,
            clock=clock,
            progress=Silence(),
            patience=Patience(first_wait=1.0, tries=3),
        )
    finally:
        engine.close()
        client.close()


def completed(path: str, fetching: Fetching) -> Iterator[tuple[Completion, Iterator[Fetched]]]:
    """Yield for each bag below a directory what it lacks, and what becomes of each file.

    Raises:
        UsageError: The path is no directory.
    """
    from archiver.stores.directory import INCOMING, DirectoryStore
    from archiver.workflows.complete import complete, completion_at
    from archiver.workflows.verify import bags_in

    root = Path(path)
    if not root.is_dir():
        raise UsageError(
            f"{path}: only a bag in a directory is completed in its place",
            next_command=f"archiver add --fetch {path} --licence URL   # completes it on its way into the archive",
        )
    for prefix in bags_in(DirectoryStore("", root)):
        place = (root / prefix).resolve()
        bag, item = DirectoryStore("", place), ItemId("fetch", str(place))
        completion = completion_at(bag)
        try:
            yield completion, complete(completion, bag, "", item=item, fetching=fetching)
            if not completion_at(bag).wanted:
                fetching.staging.discard(item)
        finally:
            with suppress(OSError):  # of the store's own; the bag is somebody else's
                (place / INCOMING).rmdir()
