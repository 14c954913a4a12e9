"""What every ledger of audits promises (`archiver.ports.audits`)."""

from __future__ import annotations

from datetime import timedelta

from archiver.core.audits import CheckedCopy, CheckOutcome
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Grade
from archiver.core.holdings import CopyStatus
from archiver.core.items import ItemId
from tests.contracts.catalogue_contract import AT, copy, event, files, holding

DAY = timedelta(days=1)


def item(name):
    return ItemId("internet-archive", name)


def keep(ledger, name, *, days_ago=0, **changed):
    at = AT - days_ago * DAY
    held = holding(name, copies=(copy("mirror", checked_at=at), copy("primary", checked_at=at)), **changed)
    ledger.ingested(held, files(), [], decision="{}")


def result(of, *codes, grade=Grade.READ, outcome=None, objects=9, at=AT):
    found = tuple(Finding(code, f"{of.prefix}data/00000.flac", "expected", "actual") for code in codes)
    outcome = outcome or (CheckOutcome.DAMAGED if found else CheckOutcome.GOOD)
    return CheckedCopy(
        of.item, of.version, of.store, of.prefix.rstrip("/"), grade, outcome, at, at, objects, 30, 12, found
    )


def names(copies):
    return [one.item.name for one in copies]


class AuditContract:
    def test_copies_of_a_store_come_the_longest_unchecked_first_and_none_after_the_bound(self, ledger):
        for name, days_ago in (("new", 1), ("old", 400), ("older", 4000), ("edge", 90)):
            keep(ledger, name, days_ago=days_ago)

        due = list(ledger.due("primary", grade=Grade.READ, until=AT - 90 * DAY))

        assert names(due) == ["older", "old", "edge"]
        assert {one.store for one in due} == {"primary"}
        assert due[0].checked_at == AT - 4000 * DAY

    def test_more_copies_than_a_page_come_once_each_also_when_they_are_checked_meanwhile(self, ledger):
        for number in range(1007):
            keep(ledger, f"i{number:04}", days_ago=2000 - number % 7)

        seen = []
        for one in ledger.due("primary", grade=Grade.READ, until=AT - DAY):
            seen.append(one)
            if len(seen) % 250 == 0:
                ledger.checked(one, result(one), [])

        assert len({one.item for one in seen}) == len(seen) == 1007
        assert [one.checked_at for one in seen] == sorted(one.checked_at for one in seen)

    def test_new_copies_come_the_newest_first_until_they_were_audited(self, ledger):
        for name, days_ago in (("a", 3), ("b", 2), ("c", 1)):
            keep(ledger, name, days_ago=days_ago)
        (newest,) = [one for one in ledger.copies(item("c")) if one.store == "primary"]
        fresh = {"since": AT - 3 * DAY, "until": AT}

        assert names(ledger.fresh("primary", **fresh)) == ["c", "b"]
        ledger.checked(newest, result(newest), [])
        assert names(ledger.fresh("primary", **fresh)) == ["b"]
        assert names(ledger.fresh("mirror", **fresh)) == ["c", "b"]

    def test_a_check_is_taken_down_with_its_grade_and_its_events(self, ledger):
        keep(ledger, "x", days_ago=100)
        mirror, primary = ledger.copies(item("x"))

        ledger.checked(primary, result(primary, grade=Grade.DECODE), [event()])
        ledger.checked(mirror, result(mirror, FindingCode.OBJECT_CHANGED), [])

        copies = {one.store: one for one in ledger.latest(item("x")).copies}
        assert (copies["primary"].grade, copies["primary"].status) == (Grade.DECODE, CopyStatus.GOOD)
        assert (copies["mirror"].checked_at, copies["mirror"].status) == (AT, CopyStatus.DAMAGED)
        assert [(one.item.name, one.store) for one in ledger.damaged()] == [("x", "mirror")]
        assert [one.type for one in ledger.events(item("x"))] == [event().type]

    def test_right_bytes_that_do_not_play_are_proven_by_reading_and_no_more(self, ledger):
        keep(ledger, "x", days_ago=100)
        one, _ = ledger.copies(item("x"))

        heard = result(one, FindingCode.OBJECT_UNDECODABLE, grade=Grade.DECODE, outcome=CheckOutcome.GOOD)
        ledger.checked(one, heard, [])

        (kept, _) = ledger.latest(item("x")).copies
        assert (kept.grade, kept.status) == (Grade.READ, CopyStatus.GOOD)

    def test_a_check_without_an_answer_changes_no_standing_and_no_turn(self, ledger):
        keep(ledger, "x", days_ago=100)
        one, _ = ledger.copies(item("x"))

        ledger.checked(one, result(one, outcome=CheckOutcome.UNANSWERED), [])

        (kept, _) = ledger.latest(item("x")).copies
        assert (kept.checked_at, kept.status) == (AT - 100 * DAY, CopyStatus.GOOD)
        assert names(ledger.due("mirror", grade=Grade.READ, until=AT - 90 * DAY)) == ["x"]

    def test_a_light_check_clears_no_damage_and_puts_off_no_thorough_one(self, ledger):
        keep(ledger, "x", days_ago=100)
        one, _ = ledger.copies(item("x"))
        ledger.checked(one, result(one, FindingCode.OBJECT_CHANGED, at=AT - 95 * DAY), [])

        ledger.checked(one, result(one, grade=Grade.SIZE), [])

        assert names(ledger.damaged()) == ["x"]
        assert names(ledger.due("mirror", grade=Grade.READ, until=AT - 90 * DAY)) == ["x"]
        assert names(ledger.due("mirror", grade=Grade.SIZE, until=AT - 90 * DAY)) == []
        ledger.checked(one, result(one), [])
        assert names(ledger.damaged()) == []

    def test_a_copy_of_which_nothing_is_there_is_missing(self, ledger):
        keep(ledger, "x")
        one, _ = ledger.copies(item("x"))

        ledger.checked(one, result(one, FindingCode.OBJECT_MISSING, objects=0), [])

        assert ledger.latest(item("x")).copies[0].status is CopyStatus.MISSING

    def test_a_backlog_counts_what_is_held_and_overdue(self, ledger):
        for name, days_ago in (("a", 1), ("b", 90), ("c", 400)):
            keep(ledger, name, days_ago=days_ago)

        found = ledger.backlog("primary", interval=90 * DAY, grade=Grade.READ, now=AT)

        assert (found.copies, found.bytes, found.overdue, found.overdue_bytes) == (3, 90, 2, 60)
        assert found.oldest_check == AT - 400 * DAY
        empty = ledger.backlog("nowhere", interval=DAY, grade=Grade.READ, now=AT)
        assert (empty.copies, empty.overdue, empty.oldest_check) == (0, 0, None)
