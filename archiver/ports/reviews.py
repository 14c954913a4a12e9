"""What the ledger promises of the quarantine, and of bytes it has seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.fixity import Digest
    from archiver.core.holdings import SeenBytes
    from archiver.core.items import ItemId
    from archiver.core.reviews import Case, Verdict


class Reviews(Protocol):
    """The quarantine. Cases and verdicts are added, never changed. Every method may raise `CatalogueError`."""

    def opened(self, case: Case) -> None:
        """Take a case down; one of the same item and the same declarations is there already and stays as it is."""
        ...

    def cases(self, item: ItemId) -> tuple[Case, ...]:
        """Return every case of an item, oldest first."""
        ...

    def every_case(self) -> Iterator[Case]:
        """Yield the newest case of each item, in the order of identifiers; memory does not grow with their number."""
        ...

    def judged(self, case: Case, verdict: Verdict) -> None:
        """Add a verdict to a case, durable when this returns."""
        ...


class SeenDigests(Protocol):
    """Bytes that the archive holds, or that were taken down."""

    def seen(self, digests: Iterable[Digest]) -> tuple[SeenBytes, ...]:
        """Return where bytes of these SHA-256 digests are held, the newest version of each item, and where withdrawn."""
        ...
