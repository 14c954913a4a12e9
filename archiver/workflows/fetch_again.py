"""Fetch again: one file of an item from its source, for a repair; only bytes that hash to what we keep are accepted."""

from __future__ import annotations

from glob import escape
from typing import TYPE_CHECKING

from archiver.core.errors import DigestMismatchError, FileRefusedError
from archiver.core.gate import TurnedAway, appraise
from archiver.core.licences.policies import policy_named
from archiver.core.selections import Selection
from archiver.workflows.capture import capture

if TYPE_CHECKING:
    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.licences.table import LicenceTable
    from archiver.core.objects import StagedFile
    from archiver.core.patience import Patience
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.sources import Source
    from archiver.ports.staging import Staging


def fetch_again(
    item: ItemId,
    path: str,
    *,
    sha256: Digest,
    state: Digest,
    source: Source,
    staging: Staging,
    transfers: Engine,
    clock: Clock,
    patience: Patience,
    table: LicenceTable,
) -> StagedFile:
    """Return the file, whole and proven, in staging.

    The licence gate stands in this door as well: what its maker no longer allows is not captured again.

    Raises:
        SourceError: The source does not have it, or may not give it any more.
        CaptureError: The source has other bytes by now; they were dropped.
    """
    name = path.removeprefix("data/")
    # Whoever marked or reviewed it, it was admitted once; only bytes that are in the archive already are taken.
    policy = policy_named("all-cc", public_domain_mark="accept")
    selection = Selection("repair", "repair", item.source, "", (item.name,), policy, (escape(name),), ())
    verdict = appraise(source.describe(item), selection, table=table)
    if isinstance(verdict, TurnedAway):
        raise FileRefusedError(f"{item}: {name} may not be captured again: {', '.join(verdict.reasons)}")
    sip = capture(
        verdict,
        state=state,
        source=source,
        staging=staging,
        transfers=transfers,
        clock=clock,
        progress=Silence(),
        patience=patience,
    )
    staged = sip.files[0].staged
    if staged.sha256 != sha256:
        staging.discard(item)
        raise DigestMismatchError(
            "the source has other bytes by now",
            where=f"{item}: {name}",
            expected=str(sha256),
            actual=str(staged.sha256),
        )
    return staged


class Silence:
    """Tells nobody; see `archiver.ports.progress.Progress`."""

    def announced(self, items: int) -> None:
        """See the port."""

    def began(self, item: ItemId) -> None:
        """See the port."""

    def expects(self, item: ItemId, *, files: int, bytes_: int) -> None:
        """See the port."""

    def received(self, item: ItemId, *, bytes_: int) -> None:
        """See the port."""

    def waits(self, item: ItemId, *, seconds: float, why: str) -> None:
        """See the port."""

    def ended(self, item: ItemId, *, outcome: str) -> None:
        """See the port."""
