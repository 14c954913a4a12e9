"""How an item ends, in the words of its outcome."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archiver.core.holdings import CopyStatus, Holding
from archiver.core.outcomes import ItemOutcome, Outcome
from archiver.core.reviews import Standing

if TYPE_CHECKING:
    from archiver.core.errors import ArchiverError
    from archiver.core.gate import TurnedAway
    from archiver.core.items import ItemId
    from archiver.core.reviews import Case


def failure(item: ItemId, error: ArchiverError) -> ItemOutcome:
    """Say what went wrong with an item, and whether the next run may fare better."""
    reason = getattr(error, "reason", "INTERNAL_ERROR")
    return ItemOutcome(item, Outcome.FAILED, (reason,), str(error), transient=error.transient)


def unchanged(held: Holding) -> ItemOutcome:
    """Say that an item is held in the state in which its source has it, and which copies of it are not sound."""
    return ItemOutcome(
        held.item,
        Outcome.UNCHANGED,
        tuple(f"COPY_DAMAGED:{copy.store}" for copy in held.copies if copy.status is not CopyStatus.GOOD),
        aip=held.prefix.rstrip("/"),
        licence=held.licence,
        files=held.files,
    )


def replicated(held: Holding, missing: tuple[str, ...]) -> ItemOutcome:
    """Say that a held item has got copies in stores that had none."""
    return ItemOutcome(
        held.item,
        Outcome.STORED,
        tuple(f"REPLICATED:{name}" for name in missing),
        aip=held.prefix.rstrip("/"),
        licence=held.licence,
        files=held.files,
    )


def undecided(case: Case, standing: Standing) -> ItemOutcome:
    """Say that people have not decided about these very files: not a byte of them is asked for again."""
    since = f"waits for a person since {case.opened_at.date()}"
    if standing is Standing.EXPIRED:
        reasons = (*case.reasons, "REVIEW_EXPIRED")
        return ItemOutcome(case.item, Outcome.REFUSED, reasons, "nobody decided in time", decision=case.decision)
    return ItemOutcome(case.item, Outcome.QUARANTINED, case.reasons, since, decision=case.decision)


def turned_away(verdict: TurnedAway) -> ItemOutcome:
    """Say what the gate decided against an item, and why."""
    return ItemOutcome(
        verdict.item.id,
        Outcome.QUARANTINED if verdict.quarantined else Outcome.REFUSED,
        verdict.reasons,
        verdict.detail,
        decision=json.dumps(verdict.decision.to_json(), sort_keys=True),
    )
