"""Reappraise: the second phase of the licence gate, with what the captured files say of themselves and what is known of their bytes."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archiver.core.embedded import EmbeddedTags
from archiver.core.gate import SEEN_BEFORE, TurnedAway, appraise_files
from archiver.core.holdings import SeenBytes
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.preferences import Stated, embedded_preferences, written_preferences
from archiver.core.reviews import Case, Reviewed, ReviewRules, Standing, reviewed, set_digest
from archiver.core.selections import AUDIO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.items import ItemId
    from archiver.core.licences.decisions import Decision
    from archiver.core.licences.table import LicenceTable
    from archiver.core.packages import CapturedFile, Sip
    from archiver.core.selections import Selection
    from archiver.ports.claims import BytesInHand
    from archiver.ports.clock import Clock
    from archiver.ports.embedded import TagReader
    from archiver.ports.preferences import PreferenceSource
    from archiver.ports.reviews import Reviews, SeenDigests


class BytesHere:
    """Recordings of items that are being walked by this process; see `archiver.ports.claims.BytesInHand`. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[Digest, SeenBytes] = {}

    def claim(self, digests: Iterable[Digest], item: ItemId, licence: str) -> tuple[SeenBytes, ...]:
        """Claim bytes for an item; see the port."""
        with self._lock:
            claims = [
                self._claims.setdefault(digest, SeenBytes(digest, item, licence)) for digest in dict.fromkeys(digests)
            ]
        return tuple(one for one in claims if one.item != item)

    def release(self, item: ItemId) -> None:
        """Let go of an item's claims; see the port."""
        with self._lock:
            self._claims = {digest: one for digest, one in self._claims.items() if one.item != item}


@dataclass(frozen=True, slots=True)
class Gatehouse:
    """What stands beside the gate.

    Attributes:
        tags: Reads what files say of themselves.
        seen: Knows the bytes that are held, and those that were taken down.
        reviews: The quarantine.
        rules: What the settings ask of reviews.
        in_hand: Bytes of the items that are walked right now, here or on another machine.
    """

    tags: TagReader
    seen: SeenDigests
    reviews: Reviews
    rules: ReviewRules
    in_hand: BytesInHand = field(default_factory=BytesHere)


def asked(item: ItemId, gatehouse: Gatehouse, *, clock: Clock) -> Reviewed:
    """Return what people have said about an item until now."""
    return reviewed(gatehouse.reviews.cases(item), rules=gatehouse.rules, now=clock.now())


def reappraise(
    sip: Sip, selection: Selection, *, table: LicenceTable, gatehouse: Gatehouse, clock: Clock
) -> Sip | TurnedAway:
    """Judge an item again with every captured file's own declarations, before anything is bagged.

    Args:
        sip: Captured; the bytes are in staging, which the caller lets go of when the item is turned away.
        selection: Under which policy.
        table: The legal tools.
        gatehouse: What stands beside the gate.
        clock: For the age of cases.

    Returns:
        The SIP with the decision over everything declared, or why it is turned away.
    """
    tags = tuple(gatehouse.tags.read(file.staged, name=file.declared.name) for file in sip.files)
    known = _same_bytes(sip, gatehouse)
    people = asked(sip.admitted.item.id, gatehouse, clock=clock)
    verdict = appraise_files(sip.admitted, (*tags, known), selection, table=table, reviewed=people)
    return verdict if isinstance(verdict, TurnedAway) else replace(sip, admitted=verdict, tags=tags)


def with_preferences(sip: Sip, source: PreferenceSource, *, clock: Clock) -> Sip:
    """Return the SIP with every preference signal: the host's, those in files' metadata, those in plain words.

    They are kept beside the licence and never weighed with it.
    """
    now, item = clock.now(), sip.admitted.item
    of_host = source.stated(item.id)
    stated = [*of_host.preferences]
    for file, tags in zip(sip.files, sip.tags, strict=False):
        stated += embedded_preferences(tags.preferences, subject=file.declared.name, at=file.captured_at)
        stated += written_preferences(tags.declarations, url="", at=file.captured_at)
    read_at = item.answers[0].retrieved_at if item.answers else now
    stated += written_preferences(item.declarations, url=item.url, at=read_at)
    return replace(sip, stated=Stated(tuple(stated), of_host.unread))


def waiting(
    admitted: AdmittedItem, gatehouse: Gatehouse, *, state: Digest, clock: Clock
) -> tuple[Case, Standing] | None:
    """Return the case in which people have not yet decided about exactly these files, so that they need not be captured again.

    A case about bytes that the archive knows is none: what the archive knows can change without the item.
    """
    own, decision = set_digest(admitted.item), admitted.decision
    for case in gatehouse.reviews.cases(admitted.item.id):
        is_same = case.whole_set and case.item_set == own and case.state == str(state)
        standing = case.standing(gatehouse.rules, clock.now())
        is_undecided = standing in {Standing.OPEN, Standing.HALF, Standing.EXPIRED}
        if is_same and is_undecided and not set(case.reasons) & SEEN_BEFORE and _is_same_gate(case, decision):
            return case, standing
    return None


def _is_same_gate(case: Case, decision: Decision) -> bool:
    """Tell whether a case was judged by the rules of today."""
    try:
        earlier = json.loads(case.decision)
    except ValueError:
        return False
    now = json.loads(json.dumps(decision.to_json()))  # as it was written down: lists, no tuples
    return all(earlier.get(key) == now.get(key) for key in _RULES)


_RULES = ("gate_version", "policy", "table_sha256", "extension_sha256")


def quarantine(away: TurnedAway, reviews: Reviews, *, state: Digest | None, clock: Clock) -> None:
    """Open a case for people to decide; one with the same declarations that is there already stays as it is.

    Args:
        away: The item and what it declares.
        reviews: Where.
        state: The state of the files that were captured and let go of, or None where none was.
        clock: For the date.
    """
    reviews.opened(
        Case(
            item=away.item.id,
            title=away.item.title,
            collections=away.item.collections,
            item_set=away.item_set,
            whole_set=away.whole_set,
            batch_set=away.batch_set,
            reasons=away.reasons,
            decision=json.dumps(away.decision.to_json(), sort_keys=True),
            opened_at=clock.now(),
            state=str(state) if state else "",
        )
    )


def _same_bytes(sip: Sip, gatehouse: Gatehouse) -> EmbeddedTags:
    """Return what the archive itself has to say of these bytes: the sign of a work that travels under a false licence."""
    by_digest = {file.staged.sha256: file for file in sip.files if file.staged.size}
    # First those in hand, then the catalogue: an item lets go of its bytes only when the catalogue has them.
    in_hand = gatehouse.in_hand.claim(by_digest, sip.admitted.item.id, sip.admitted.licence_url)
    declarations = [
        _declared(by_digest[one.sha256], one)
        for one in (*in_hand, *gatehouse.seen.seen(by_digest))
        if one.withdrawn or _is_suspicious(by_digest[one.sha256], one, sip)
    ]
    return EmbeddedTags(tuple(dict.fromkeys(declarations)))


def _is_suspicious(file: CapturedFile, one: SeenBytes, sip: Sip) -> bool:
    """Tell whether a recording is held under another tool; the same picture may well be in many albums."""
    name = file.declared.name
    is_audio = name[name.rfind(".") :].lower() in AUDIO_SUFFIXES
    return is_audio and one.item != sip.admitted.item.id and one.licence != sip.admitted.licence_url


def _declared(file: CapturedFile, one: SeenBytes) -> Declaration:
    subject = f"{file.declared.name} has the bytes of {one.item}"
    if one.withdrawn:
        return Declaration("archive.withdrawn", Scope.FILE, "withdrawn", subject)
    return Declaration("archive.same-bytes", Scope.FILE, one.licence, subject)
