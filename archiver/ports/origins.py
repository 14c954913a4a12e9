"""What a repair may ask of the place an item once came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.objects import StagedFile


class Origins(Protocol):
    """The last place to look for bytes that no store has any more."""

    def bring(self, item: ItemId, path: str, *, sha256: Digest, state: Digest) -> StagedFile:
        """Capture one payload file again, into staging.

        Args:
            item: Whose file.
            path: Inside the bag, beginning with ``data/``.
            sha256: What its bytes must be.
            state: Names the place in staging.

        Raises:
            SourceError: The source does not have it, or may not give it any more.
            CaptureError: The source has other bytes by now; they were dropped.
        """
        ...
