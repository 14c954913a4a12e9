"""What the listening room promises: an answer about every file, whatever is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.core.examinations import Examination


class Examiner(Protocol):
    """Listens to files. May be asked from several threads at once."""

    def examine(self, path: Path, *, name: str) -> Examination:
        """Decode every frame of a file and say what it is and how far it plays.

        Never raises for what is in the file: a decoder that dies or takes too long is a remark about that file.

        Args:
            path: Where the bytes are.
            name: What the file is called; its extension is compared with what the bytes are.
        """
        ...

    def close(self) -> None:
        """End the processes that decode."""
        ...
