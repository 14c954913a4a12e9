"""What is promised about enrichment: identifiers in files, a database that knows recordings, and where its answers stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.enrichments import Knowledge
    from archiver.core.identifiers import Identifier
    from archiver.core.items import ItemId


class IdentifierReader(Protocol):
    """Reads identifiers in tags."""

    def identifiers(self, head: bytes, *, where: str) -> tuple[Identifier, ...]:
        """Return those in the tags at the beginning of a file; none where there are no tags, or they are damaged.

        Args:
            head: The first bytes, up to `LONGEST_HEAD` of its maker.
            where: The file in the bag.
        """
        ...


class Encyclopedia(Protocol):
    """Knows recordings."""

    def ask(self, identifier: Identifier) -> Knowledge:
        """Return what it knows, which may be nothing.

        Raises:
            SourceUnavailableError: No answer in the end.
            SourceProtocolError: An answer that makes no sense.
        """
        ...


class Enrichments(Protocol):
    """Keeps what encyclopedias answered. May raise `CatalogueError`."""

    def known(self, provider: str, key: str) -> Knowledge | None:
        """Return the last answer about an identifier, or None."""
        ...

    def keep(self, provider: str, knowledge: Knowledge) -> None:
        """Keep an answer, in place of an earlier one about the same identifier."""
        ...

    def attach(self, item: ItemId, identifiers: Iterable[Identifier]) -> None:
        """Take down which identifiers an item has, and where each stands, in place of what was taken down before."""
        ...

    def attached(self, item: ItemId) -> tuple[Identifier, ...]:
        """Return the identifiers that were taken down for an item."""
        ...
