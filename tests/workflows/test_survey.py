"""Which success ends which incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from archiver.core.events import EventOutcome, EventType
from archiver.workflows.survey import incidents
from tests.reports.surveys import NOW, event

FAILED = event(1, EventOutcome.FAILURE, at=NOW)
LATER = replace(event(1, EventOutcome.SUCCESS, at=NOW + timedelta(days=1), detail="grade read, 14 objects"), path="")


class Log:
    """Events of one item."""

    def __init__(self, *events):
        self._events = events

    def events(self, _item):
        return iter(self._events)


def mended(*later, failed=FAILED):
    (found,) = incidents([failed], Log(failed, *later))
    return found.mended


@pytest.mark.parametrize(
    "proof",
    [
        LATER,
        replace(LATER, path=FAILED.path),
        replace(LATER, type=EventType.RECOVERY),
        replace(LATER, type=EventType.REPLICATION),
    ],
)
def test_a_later_proof_of_the_same_copy_ends_an_incident(proof):
    assert mended(proof) is proof


@pytest.mark.parametrize(
    "other",
    [
        replace(LATER, store="mirror"),
        replace(LATER, version=2),
        replace(LATER, path="data/other.flac"),
        replace(LATER, at=NOW - timedelta(days=1)),
        replace(LATER, outcome=EventOutcome.FAILURE),
        replace(LATER, detail="grade listed, 14 objects"),
        replace(LATER, detail="grade size, 14 objects"),
        replace(LATER, type=EventType.DISSEMINATION),
    ],
)
def test_nothing_less_ends_it(other):
    assert mended(other) is None


def test_a_check_that_names_files_is_not_counted_again_for_the_whole_copy():
    whole = replace(FAILED, path="")
    assert [one.event for one in incidents([FAILED, whole], Log())] == [FAILED]
    assert [one.event for one in incidents([whole], Log())] == [whole]
