"""The licence gate: the only door from what a source describes to what may be read from it.

`AdmittedItem` is a receipt. `Source.read` takes nothing else, and nothing but `appraise` makes one: its constructor asks
for a seal that only this module holds, so that a type checker sees a bypass and a running program stops at it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from archiver.core.bags.paths import parse_payload_path, refuse_collisions
from archiver.core.embedded import worth_weighing
from archiver.core.errors import BagError, UnsafeNameError
from archiver.core.licences.decisions import Decision, LicenceClass, Outcome, Signals, decide
from archiver.core.licences.evidence import ReasonCode
from archiver.core.reviews import UNREVIEWED, adds_nothing, batch_digest, set_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.bags.paths import PayloadPath
    from archiver.core.embedded import EmbeddedTags
    from archiver.core.items import DeclaredFile, SourceItem
    from archiver.core.licences.evidence import Declaration
    from archiver.core.licences.policies import Policy
    from archiver.core.licences.table import LicenceTable
    from archiver.core.reviews import Case, Reviewed
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
        review: The case that people have accepted, where the gate alone would not have let the item in.
    """

    item: SourceItem
    decision: Decision
    files: tuple[tuple[DeclaredFile, PayloadPath], ...]
    _seal: _Seal
    review: Case | None = None

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
        embedded: What its files declare, where they were read.
    """

    item: SourceItem
    decision: Decision
    quarantined: bool
    reasons: tuple[str, ...]
    detail: str
    embedded: tuple[Declaration, ...] | None = None

    @property
    def item_set(self) -> str:
        """Digest of what the source declares of the item."""
        return set_digest(self.item)

    @property
    def whole_set(self) -> str:
        """Digest of that and of what its files declare; empty when they were not read."""
        return set_digest(self.item, self.embedded) if self.embedded is not None else ""

    @property
    def batch_set(self) -> str:
        """Digest of what the declarations prove."""
        return batch_digest(self.item, self.decision.evidence)


def appraise(
    item: SourceItem, selection: Selection, *, table: LicenceTable, reviewed: Reviewed = UNREVIEWED
) -> AdmittedItem | TurnedAway:
    """Decide whether an item may be captured, before any audio byte is read.

    The licence is judged first: what a musician did not allow is refused whatever else is true of the item. From
    quarantine only people lead on, and only for exactly the declarations they saw.

    Args:
        item: As the source describes it now.
        selection: Under which policy, which files.
        table: The legal tools.
        reviewed: What people have said about the item.
    """
    reviewed = reviewed.about_licence
    decision = judge_item(item, selection.policy, table=table)
    if reviewed.rejected is not None:
        return _rejected(item, decision, reviewed)
    case = None
    if decision.outcome is Outcome.QUARANTINE:
        own = set_digest(item)
        case = next((case for case in reviewed.accepted if case.item_set == own), None)
        accepted = _accepted(decision, case, selection, table=table) if case is not None else None
        if accepted is None:
            return _turned_away(item, decision, is_expired=any(case.item_set == own for case in reviewed.expired))
        decision = accepted
    if decision.outcome is not Outcome.ADMIT:
        return _turned_away(item, decision)
    chosen = [file for file in item.files if selection.chooses(file)]
    if not chosen:
        return TurnedAway(item, decision, False, ("NO_FILES",), f"none of {len(item.files)} files is chosen")  # noqa: FBT003
    try:
        files = tuple((file, parse_payload_path(file.name)) for file in chosen)
        refuse_collisions(path for _, path in files)
    except (BagError, UnsafeNameError, ValueError) as error:
        return TurnedAway(item, decision, False, ("UNSAFE_NAME",), str(error))  # noqa: FBT003
    return AdmittedItem(item, decision, files, _SEAL, case)


def appraise_files(
    admitted: AdmittedItem,
    tags: Iterable[EmbeddedTags],
    selection: Selection,
    *,
    table: LicenceTable,
    reviewed: Reviewed = UNREVIEWED,
) -> AdmittedItem | TurnedAway:
    """Decide once more with what the captured files declare, before anything is bagged.

    What files declare can only take an admission away: a reservation or another tool leads to quarantine, never to a
    silent choice.

    Args:
        admitted: What was let in by its metadata.
        tags: What was read out of each captured file.
        selection: As in `appraise`.
        table: The legal tools.
        reviewed: What people have said about the item.
    """
    item, reviewed = admitted.item, reviewed.about_licence
    embedded = worth_weighing(tags, table=table)
    decision = judge_item(replace(item, declarations=(*item.declarations, *embedded)), selection.policy, table=table)
    if decision.outcome is Outcome.ADMIT and admitted.review is None:
        return replace(admitted, decision=decision)
    whole = set_digest(item, embedded)
    case = next((case for case in reviewed.accepted if case.whole_set == whole), None)
    if case is None and admitted.review is not None and admitted.decision.tool is not None:
        is_unmoved = not admitted.review.whole_set and adds_nothing(decision, embedded, admitted.decision.tool)
        case = admitted.review if is_unmoved else None
    accepted = _accepted(decision, case, selection, table=table) if case is not None else None
    if accepted is not None:
        return replace(admitted, decision=accepted, review=case)
    is_expired = any(case.whole_set == whole for case in reviewed.expired)
    away = _turned_away(item, decision, is_expired=is_expired)
    # What a file says against its item is a contradiction, whatever it would be alone: people decide.
    codes, detail = _seen_before(embedded)
    return replace(
        away,
        quarantined=not is_expired,
        reasons=(*away.reasons, *codes),
        detail="; ".join((away.detail, *detail)),
        embedded=embedded,
    )


def _seen_before(embedded: Iterable[Declaration]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the codes of what the archive itself knows of the bytes, and both items in words."""
    found = [(_SEEN[one.field], one) for one in embedded if one.field in _SEEN]
    codes = tuple(dict.fromkeys(code for code, _ in found))
    words = tuple(f"{one.subject}, {'held under ' * (one.raw != 'withdrawn')}{one.raw}" for _, one in found)
    return codes, words


_SEEN = {"archive.same-bytes": "SAME_BYTES_OTHER_LICENCE", "archive.withdrawn": "BYTES_WITHDRAWN"}
SEEN_BEFORE = frozenset(_SEEN.values())
"""Reasons that rest on what the archive knows, and not on the item alone."""


def _rejected(item: SourceItem, decision: Decision, reviewed: Reviewed) -> TurnedAway:
    verdict = reviewed.rejected
    detail = f"rejected by {verdict.reviewer}: {verdict.reason}" if verdict else ""
    return TurnedAway(item, decision, False, ("HUMAN_REJECT",), detail)  # noqa: FBT003


def _turned_away(item: SourceItem, decision: Decision, *, is_expired: bool = False) -> TurnedAway:
    quarantined = decision.outcome is Outcome.QUARANTINE
    codes = tuple(str(reason) for reason in decision.reasons)
    if is_expired:
        return TurnedAway(item, decision, False, (*codes, "REVIEW_EXPIRED"), "quarantined, and nobody decided in time")  # noqa: FBT003
    return TurnedAway(item, decision, quarantined, codes, f"licence: {', '.join(codes)}")


def _accepted(decision: Decision, case: Case, selection: Selection, *, table: LicenceTable) -> Decision | None:
    """Return the decision under the licence that people named, or None where the policy does not admit it."""
    licences = {verdict.licence for verdict in case.verdicts}
    others = table.extension.tools if table.extension and selection.policy.extension_registry == "accept" else ()
    tool = next((tool for tool in (*table.tools, *others) if {tool.url} == licences), None)
    if tool is None or not selection.policy.admits(tool):
        return None
    reasons = (*decision.reasons, ReasonCode.HUMAN_ACCEPT)
    return replace(decision, outcome=Outcome.ADMIT, licence_class=LicenceClass.OPEN, reasons=reasons, tool=tool)


def judge_item(item: SourceItem, policy: Policy, *, table: LicenceTable) -> Decision:
    """Combine every declaration of an item into one licence decision."""
    signals = Signals(
        access_restricted=item.access_restricted,
        stream_only=item.stream_only,
        uploader=item.uploader,
        collections=item.collections,
    )
    return decide(item.declarations, table=table, policy=policy, signals=signals)
