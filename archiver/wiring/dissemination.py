"""The circuit of a dissemination: an outbox on the local disk."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.core.dips import DipForm
    from archiver.core.holdings import Holding
    from archiver.ports.outboxes import Outbox


@contextmanager
def outbox(directory: Path, form: DipForm, holding: Holding) -> Iterator[Outbox]:
    """Open the place where a DIP is written, and clear what was not finished at the end."""
    from archiver.core.dips import DipForm
    from archiver.staging.outbox import DirectoryOutbox, TarOutbox

    if form is not DipForm.TAR:
        yield DirectoryOutbox(directory)
        return
    item, version = holding.prefix.rstrip("/").split("/")[-2:]
    tar = TarOutbox(directory / f"{item}-{version}.tar", f"{item}-{version}")
    try:
        yield tar
    finally:
        tar.close()
