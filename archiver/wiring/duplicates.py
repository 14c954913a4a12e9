"""The circuit of the report on duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.core.sounds import DuplicateReport
    from archiver.core.surveys import Survey
    from archiver.settings.reading import Settings


def duplicate_report(settings: Settings, *, is_exact: bool, is_surveyed: bool) -> tuple[DuplicateReport, Survey | None]:
    """Return what is held more than once, and the survey that a page says it was made from."""
    from archiver.core.fingerprints import alike
    from archiver.core.sounds import DuplicateReport
    from archiver.wiring.reporting import opened_catalogue, taken_survey

    with opened_catalogue(settings) as catalogue:
        recordings, fingerprints = catalogue.sound_counts()
        groups = list(catalogue.same_sounds())
        if not is_exact and fingerprints:
            groups += alike(catalogue.fingerprinted())
        report = DuplicateReport(tuple(groups), recordings, fingerprints)
        return report, taken_survey(settings, catalogue) if is_surveyed else None
