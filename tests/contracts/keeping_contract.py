"""What every catalogue promises about takedowns, its log, reports, and being made again (the newer ports)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from archiver.catalogue.writing import append_events
from archiver.core.events import EventOutcome, EventType
from archiver.core.items import ItemId
from archiver.core.snapshots import parse_shard
from archiver.core.withdrawals import Withdrawal
from tests.contracts.catalogue_contract import AT, event, files, holding

X = ItemId("internet-archive", "x")
DAY = timedelta(days=1)


def takedown(**changed):
    return Withdrawal(**{"item": X, "at": AT, "reason": "request", "approver": "A. Archivist", **changed})


def keep(ledger, name="x", version=1):
    ledger.ingested(holding(name, version), files(), [event(name, version=version)], decision="{}")


class KeepingContract:
    def test_a_withdrawn_item_is_dark_until_it_is_restored_and_its_versions_stay_known(self, ledger):
        keep(ledger)
        ledger.withdraw(takedown(), [event(path="withdrawn")])

        assert ledger.latest(X) is None
        assert list(ledger.holdings()) == []
        assert ledger.spreads() == {}
        assert ledger.withdrawn(X) == takedown()
        assert len(ledger.versions(X)) == 1
        ledger.restore(X, at=AT + DAY, by="B. Archivist", events=[event(path="restored")])
        assert ledger.withdrawn(X) is None
        assert ledger.latest(X).version == 1
        assert [one.path for one in ledger.events(X)] == ["", "withdrawn", "restored"]

    def test_bytes_may_be_deleted_from_the_day_on_that_the_takedown_names_and_once(self, ledger):
        keep(ledger)
        ledger.withdraw(takedown(delete_after=AT + 30 * DAY), [])

        assert list(ledger.to_delete(at=AT + 29 * DAY)) == []
        assert [one.item for one in ledger.to_delete(at=AT + 30 * DAY)] == [X]
        ledger.deleted(X, at=AT + 31 * DAY, events=[event(path="deleted")])
        assert list(ledger.to_delete(at=AT + 40 * DAY)) == []
        assert ledger.withdrawn(X).deleted_at == AT + 31 * DAY
        assert [one.copies for one in ledger.versions(X)] == [()]
        assert list(ledger.copies(X)) == []

    def test_the_chain_of_events_is_whole_and_goes_on_behind_any_number(self, ledger):
        keep(ledger)
        ledger.appended([event(path=f"p{number}") for number in range(2500)])

        assert ledger.event_count() == 2501
        chained = list(ledger.chained_events())
        assert all(one.is_chained for one in chained)
        assert len({one.chain for one in chained}) == 2501
        assert [one.event.path for one in ledger.chained_events(skip=2499)] == ["p2498", "p2499"]
        assert list(ledger.chained_events(skip=2501)) == []
        bags = ledger.sealed_bags([(X, 1), (X, 2)])
        assert [(one.item, one.version) for one in bags.values()] == [(str(X), 1)]

    def test_a_write_that_failed_leaves_no_gap_in_the_numbers_of_events(self, ledger):
        keep(ledger)

        def killed():
            with ledger._writes() as connection:
                append_events(connection, [event(path="never")])
                raise RuntimeError("killed ahead of the commit")

        with pytest.raises(RuntimeError):
            killed()
        ledger.appended([event(path="next")])

        (shard,) = ledger.shards(after=0)
        assert (shard.first, shard.last, len(shard.events)) == (1, 2, 2)
        assert parse_shard(shard.key, shard.lines()) == shard

    def test_events_are_counted_for_reports_by_day_and_kind(self, ledger):
        keep(ledger)
        keep(ledger, "y")
        failed = replace(event("y", path="data/1"), type=EventType.FIXITY_CHECK, outcome=EventOutcome.FAILURE)
        whole = replace(failed, path="", at=AT + DAY)
        ledger.appended([failed, whole])

        activity = [(one.day, one.type, one.outcome, one.number) for one in ledger.activity()]
        assert activity == [
            (AT.date(), EventType.INGESTION, EventOutcome.SUCCESS, 2),
            ((AT + DAY).date(), EventType.FIXITY_CHECK, EventOutcome.FAILURE, 1),
        ]
        assert [one.path for one in ledger.failures(limit=1)] == [""]
        assert [one.path for one in ledger.failures(limit=9)] == ["", "data/1"]
        assert ledger.items_with() == {EventType.INGESTION: 2}
        assert ledger.agents() == {"software: archiver 0.1.0": 4}
        assert ledger.extensions() == {"flac": (4, 2)}
        assert len(list(ledger.happened(since=AT + DAY))) == 1

    def test_what_is_recalled_from_its_shards_is_what_was_there(self, ledger, other):
        keep(ledger)
        keep(ledger, version=2)
        keep(ledger, "y")
        ledger.withdraw(takedown(), [event(path="withdrawn")])

        assert other.is_empty()
        for shard in ledger.shards(after=0):
            other.recalled(parse_shard(shard.key, shard.lines()))
        for name, version in (("x", 1), ("x", 2), ("y", 1)):
            other.found(holding(name, version), files(), decision="{}")

        assert not other.is_empty()
        assert list(other.holdings()) == list(ledger.holdings())
        assert other.versions(X) == ledger.versions(X)
        assert other.withdrawn(X) == takedown()
        assert list(other.chained_events()) == list(ledger.chained_events())
        assert list(ledger.shards(after=4)) == []
