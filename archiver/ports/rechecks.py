"""What the ledger promises to rechecks of licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.core.rechecks import HeldLicence


class HeldLicences(Protocol):
    """Names held items whose licence should be asked for again."""

    def longest_unasked(self, source: str, *, until: datetime) -> Iterator[HeldLicence]:
        """Yield the items of a source that were last asked for no later than ``until``, the oldest first, page by page.

        An item whose recheck is taken down meanwhile does not come again. May raise `CatalogueError`.
        """
        ...
