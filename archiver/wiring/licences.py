"""The circuit of `archiver licence table`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver import wiring
from archiver.core.errors import CannotRunError

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.core.licences.rebuilding import Rebuilt


def provenance() -> str:
    """Return what the shipped table is and where it is from."""
    from archiver.shelf.licences import OFFICIAL_SHA256, PROVENANCE

    return f"{len(wiring.legal_tools().tools)} legal tools, SHA-256 {OFFICIAL_SHA256}\n{PROVENANCE}"


def rebuilt_table(source: Path) -> Rebuilt:
    """Make the table again from a file of Creative Commons.

    Raises:
        CannotRunError: The file cannot be read, or is no table of legal tools.
    """
    from archiver.core.licences.rebuilding import rebuild
    from archiver.shelf.licences import official_text

    try:
        return rebuild(source.read_text("utf-8-sig"), official_text())
    except OSError as error:
        raise CannotRunError(f"{source}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # also what is not UTF-8
        raise CannotRunError(f"{source}: not Creative Commons' table of legal tools: {error}") from error
