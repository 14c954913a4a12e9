"""What a store was seen to do, as values (docs/stores.md)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

FRESH = timedelta(days=40)
"""So long a diagnosis is believed: a month, at whose end the next one is made, and some days in which that may fail."""


class Answer(StrEnum):
    """How a question was answered. The words are promises of the machine output."""

    PROVEN = "proven"
    ABSENT = "absent"
    """Seen not to hold."""
    UNKNOWN = "unknown"
    """It could not be tried."""


NEEDED = frozenset(
    ["read-back", "listing", "odd-keys", "zero-byte-object", "no-framing", "multipart", "atomic-create", "rename"]
)
"""What no store may lack."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One question and its answer.

    Attributes:
        name: Which question.
        answer: What was seen.
        detail: For people, one line.
    """

    name: str
    answer: Answer
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was seen of one store.

    Attributes:
        store: Its name in the settings.
        place: Its URL, endpoint and what else decides whom one talks to; a diagnosis holds for this place alone.
        server: What the service says of itself, or the file system's kind.
        at: When.
        symptoms: In the order of asking.
    """

    store: str
    place: str
    server: str
    at: datetime
    symptoms: tuple[Symptom, ...]

    def has(self, name: str) -> bool:
        """Tell whether something was proven."""
        return any(one.name == name and one.answer is Answer.PROVEN for one in self.symptoms)

    def detail(self, name: str) -> str:
        """Return what was said of something, or nothing."""
        return next((one.detail for one in self.symptoms if one.name == name), "")

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the store lacks and no store may lack."""
        return tuple(one.name for one in self.symptoms if one.answer is not Answer.PROVEN and one.name in NEEDED)

    def is_fresh(self, place: str, now: datetime) -> bool:
        """Tell whether it still holds for a place."""
        return self.place == place and timedelta(0) <= now - self.at < FRESH

    def record(self) -> str:
        """Return it as JSON."""
        return json.dumps({**asdict(self), "at": self.at.isoformat()}, indent=1, ensure_ascii=True) + "\n"


def recognise_diagnosis(text: str) -> Diagnosis | None:
    """Read a saved diagnosis, or return None where it is none: then the store is asked anew."""
    try:
        record = json.loads(text)
        symptoms = tuple(
            Symptom(str(one["name"]), Answer(one["answer"]), str(one["detail"])) for one in record["symptoms"]
        )
        at = datetime.fromisoformat(record["at"]).astimezone(UTC)
        return Diagnosis(str(record["store"]), str(record["place"]), str(record["server"]), at, symptoms)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
