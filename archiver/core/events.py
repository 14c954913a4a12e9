"""PREMIS events and agents: what was done to which object, when, by what, with which outcome.

Terms are those of the Library of Congress event type vocabulary, as PREMIS 3 recommends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.core.items import ItemId


class EventType(StrEnum):
    """PREMIS event types."""

    APPRAISAL = "appraisal"
    CAPTURE = "capture"
    MESSAGE_DIGEST_CALCULATION = "message digest calculation"
    FIXITY_CHECK = "fixity check"
    INGESTION = "ingestion"
    REPLICATION = "replication"
    VALIDATION = "validation"
    FORMAT_IDENTIFICATION = "format identification"
    DISSEMINATION = "dissemination"
    DELETION = "deletion"
    RECOVERY = "recovery"
    DEACCESSION = "deaccession"
    ACCESSION = "accession"
    CREATION = "creation"


class EventOutcome(StrEnum):
    """How an event ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Agent:
    """Who or what acted.

    Attributes:
        name: For example ``archiver 0.1.0``.
        kind: ``software``, ``organization`` or ``person``, as PREMIS spells them.
    """

    name: str
    kind: str = "software"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an object. Events are appended, never changed.

    Attributes:
        type: What happened.
        at: When, in UTC.
        outcome: How it ended.
        detail: For people, one line; also for failures.
        agent: Who acted.
        item: The item it is about.
        version: The AIP version, or 0 before there is one.
        store: Name of the store, or empty.
        path: Path inside the bag, or empty for the whole item.
    """

    type: EventType
    at: datetime
    outcome: EventOutcome
    detail: str
    agent: Agent
    item: ItemId
    version: int = 0
    store: str = ""
    path: str = ""
