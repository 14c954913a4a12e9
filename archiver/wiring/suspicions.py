"""The circuit of the report on suspicious recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.core.suspicions import Suspicion, SuspicionReport
    from archiver.settings.reading import Settings


def suspicion_report(settings: Settings) -> SuspicionReport:
    """Return what is suspicious of the recordings that the catalogue knows."""
    from archiver.core.suspicions import SuspicionReport, suspicions_of
    from archiver.wiring.reporting import opened_catalogue

    suspicions: list[Suspicion] = []
    recordings = measured = examined = 0
    with opened_catalogue(settings) as catalogue:
        for group in catalogue.recordings():
            suspicions += suspicions_of(group)
            recordings += len(group)
            measured += sum(1 for one in group if one.measured is not None)
            examined += sum(1 for one in group if one.is_examined)
    return SuspicionReport(tuple(suspicions), recordings, measured, examined)
