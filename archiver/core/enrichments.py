"""What others know of a recording that is held. It stands beside what the source said, and never in its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.core.identifiers import Identifier

PROVIDER = "musicbrainz"


class Told(StrEnum):
    """What became of an identifier. The words are promises of the machine output."""

    FOUND = "found"
    UNKNOWN = "unknown"
    """The database has nothing under it."""
    INVALID = "invalid"
    """It is no identifier of its kind; nobody was asked."""
    UNASKED = "unasked"
    """Nobody was asked, because nobody was to be."""
    FAILED = "failed"
    """The database did not answer."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a database answered about one identifier.

    Attributes:
        key: Kind and value, as `archiver.core.identifiers.Identifier.key`.
        record: Its answer, reduced to what describes the recording; empty where it knows none.
        url: Where it was read.
        at: When.
    """

    key: str
    record: Mapping[str, Any]
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Enriched:
    """One identifier of an item, and what is known of it.

    Attributes:
        identifier: As it was found.
        told: What became of it.
        knowledge: The answer, also where it knows nothing; None where nobody answered.
        is_cached: Whether the answer was here already.
        detail: Why there is no answer.
    """

    identifier: Identifier
    told: Told
    knowledge: Knowledge | None = None
    is_cached: bool = False
    detail: str = ""
