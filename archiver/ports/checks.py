"""What a check tells whoever watches it."""

from __future__ import annotations

from typing import Protocol


class CheckProgress(Protocol):
    """Told from several threads at once; must be quick and must never raise."""

    def began(self, what: str, *, files: int, bytes_: int) -> None:
        """A bag or a copy of so many files and bytes will now be read."""
        ...

    def read(self, bytes_: int) -> None:
        """So many more bytes were read."""
        ...

    def ended(self) -> None:
        """The bag or copy was read, as far as it can be."""
        ...
