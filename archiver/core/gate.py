"""The licence gate: the only door from what a source describes to what may be read from it.

`AdmittedItem` is a receipt. `Source.read` takes nothing else, and nothing but `appraise` makes one: its constructor asks
for a seal that only this module holds, so that a type checker sees a bypass and a running program stops at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from archiver.core.bags.paths import parse_payload_path, refuse_collisions
from archiver.core.errors import BagError, UnsafeNameError
from archiver.core.licences.decisions import Decision, Outcome, Signals, decide

if TYPE_CHECKING:
    from archiver.core.bags.paths import PayloadPath
    from archiver.core.licences.policies import Policy
    from archiver.core.licences.tools import LicenceTable
    from archiver.core.packages import DeclaredFile, SourceItem
    from archiver.core.selections import Selection


class _Seal:
    """Held by this module alone."""


_SEAL: Final = _Seal()


@final
@dataclass(frozen=True, slots=True)
class AdmittedItem:
    """An item whose licence lets it be kept under the selection's policy.

    Attributes:
        item: As the source described it.
        decision: Why it was admitted: evidence, policy and table.
        files: The files to capture, with the path each gets in the payload, in the source's order.
    """

    item: SourceItem
    decision: Decision
    files: tuple[tuple[DeclaredFile, PayloadPath], ...]
    _seal: _Seal

    def __post_init__(self) -> None:
        if self._seal is not _SEAL:
            raise TypeError("only the licence gate makes an AdmittedItem")

    @property
    def licence_url(self) -> str:
        """Canonical URL of the licence."""
        return self.decision.licence


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """An item that is not admitted; not a byte of it may be read.

    Attributes:
        item: As the source described it.
        decision: The licence decision, also when something else turned the item away.
        quarantined: A named person may decide otherwise; refused when false.
        reasons: Stable codes, at least one.
        detail: For people.
    """

    item: SourceItem
    decision: Decision
    quarantined: bool
    reasons: tuple[str, ...]
    detail: str


def appraise(item: SourceItem, selection: Selection, *, table: LicenceTable) -> AdmittedItem | TurnedAway:
    """Decide whether an item may be captured, before any audio byte is read.

    The licence is judged first: what a musician did not allow is refused whatever else is true of the item.
    """
    decision = judge_item(item, selection.policy, table=table)
    if decision.outcome is not Outcome.ADMIT:
        quarantined = decision.outcome is Outcome.QUARANTINE
        codes = tuple(str(reason) for reason in decision.reasons)
        return TurnedAway(item, decision, quarantined, codes, f"licence: {', '.join(codes)}")
    chosen = [file for file in item.files if selection.chooses(file)]
    if not chosen:
        return TurnedAway(item, decision, False, ("NO_FILES",), f"none of {len(item.files)} files is chosen")  # noqa: FBT003
    try:
        files = tuple((file, parse_payload_path(file.name)) for file in chosen)
        refuse_collisions(path for _, path in files)
    except (BagError, UnsafeNameError, ValueError) as error:
        return TurnedAway(item, decision, False, ("UNSAFE_NAME",), str(error))  # noqa: FBT003
    return AdmittedItem(item, decision, files, _SEAL)


def judge_item(item: SourceItem, policy: Policy, *, table: LicenceTable) -> Decision:
    """Combine every declaration of an item into one licence decision."""
    signals = Signals(access_restricted=item.access_restricted, stream_only=item.stream_only)
    return decide(item.declarations, table=table, policy=policy, signals=signals)
