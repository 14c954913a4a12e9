"""Outcomes: how one item of a harvest ended, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.core.items import ItemId


class Outcome(StrEnum):
    """How one item of a harvest ended. The words are promises of the machine output."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    QUARANTINED = "quarantined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """How one item of a harvest ended, and why.

    Attributes:
        item: Identifier.
        outcome: Which of the five.
        reasons: Stable codes, at least one unless it was stored or is unchanged.
        detail: For people; names what, where, expected and actual of a failure. One paragraph, may end with the next
            command to type.
        aip: The bag's place in every store without a final ``/``, or empty.
        licence: Canonical URL, or empty.
        files: Payload files now held of it.
        bytes: Payload bytes captured in this run.
        transient: Whether the same command may do better later.
        decision: The gate's decision as JSON text (``metadata/licence.json``'s form), or empty where none was reached.
        stage: How far it came (`archiver.core.crawls.Stage`).
        mark: What its state at the source and its judgement rest on (`archiver.core.crawls.mark_of`), or empty.
        recalled: Those of ``bytes`` that were taken from a held copy, without asking the source.
        audio: How many of its recordings play how far, by verdict; empty where none was examined.
    """

    item: ItemId
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    detail: str = ""
    aip: str = ""
    licence: str = ""
    files: int = 0
    bytes: int = 0
    transient: bool = False
    decision: str = ""
    recalled: int = 0
    stage: int = 0
    mark: str = ""
    audio: tuple[tuple[str, int], ...] = ()
