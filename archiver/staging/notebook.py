"""Notebooks of sources, as files below ``sources/NAME/`` in the archive's home."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

LONGEST = 64 << 20
"""Bytes of one entry."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,150}")


class FileNotebook:
    """See `archiver.ports.notebooks.Notebook`. What cannot be read or written is as if it had never been kept.

    Args:
        root: The source's directory; made when something is kept.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def recall(self, name: str) -> bytes | None:
        """Return what was kept; see the port."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                content = file.read(LONGEST + 1)
        except OSError:
            return None
        return content if len(content) <= LONGEST else None

    def keep(self, name: str, content: bytes) -> None:
        """Keep it; see the port."""
        path = self._path(name)
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self._root)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except BaseException:
                with suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            log.warning("%s: could not be kept, and is asked for again: %s", path, error.strerror)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name for an entry of a notebook: {name[:100]!r}")
        return self._root / name
