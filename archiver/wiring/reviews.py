"""The circuit of the quarantine: what stands beside the licence gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.catalogue.opening import Catalogue
    from archiver.settings.reading import Settings
    from archiver.wiring.sharing import Sharing
    from archiver.workflows.reappraise import Gatehouse


def gatehouse(settings: Settings, catalogue: Catalogue, sharing: Sharing) -> Gatehouse:
    """Return what stands beside the gate: tags, bytes seen before, and the quarantine."""
    from archiver.audio.declarations import EmbeddedTagReader
    from archiver.workflows.reappraise import BytesHere, Gatehouse

    return Gatehouse(
        tags=EmbeddedTagReader(),
        seen=catalogue,
        reviews=catalogue,
        rules=settings.review,
        in_hand=catalogue.bytes_in_hand(sharing.shared) if sharing.shared else BytesHere(),
    )
