"""The circuit of the report on duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.core.sounds import DuplicateReport
    from archiver.settings.reading import Settings


def duplicate_report(settings: Settings, *, is_exact: bool) -> DuplicateReport:
    """Return what is held more than once; ``is_exact`` leaves out what only sounds alike."""
    from archiver.core.fingerprints import alike
    from archiver.core.sounds import DuplicateReport
    from archiver.wiring.reporting import opened_catalogue

    with opened_catalogue(settings) as catalogue:
        recordings, fingerprints = catalogue.sound_counts()
        groups = list(catalogue.same_sounds())
        if not is_exact and fingerprints:
            groups += alike(catalogue.fingerprinted())
        return DuplicateReport(tuple(groups), recordings, fingerprints)
