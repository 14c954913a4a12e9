"""What is promised about a source's notebook: small things it wants to know again in its next run."""

from __future__ import annotations

from typing import Protocol


class Notebook(Protocol):
    """What one source has written down. A lost notebook costs questions, never anything that is kept."""

    def recall(self, name: str) -> bytes | None:
        """Return what was kept under a name, or None.

        Args:
            name: Letters, digits, ``.``, ``_`` and ``-``.
        """
        ...

    def keep(self, name: str, content: bytes) -> None:
        """Keep this under a name, in place of what was there; a reader finds the whole of the one or of the other."""
        ...
