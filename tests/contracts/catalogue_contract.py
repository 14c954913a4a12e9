"""What every catalogue promises (`archiver.ports.catalogue`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from archiver.core.coverage import Spread
from archiver.core.crawls import CrawlTally, Stage, Window
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.examinations import Verdict as Playing
from archiver.core.fixity import Algorithm, Grade, digest_of
from archiver.core.holdings import Copy, CopyStatus, HeldFile, Holding
from archiver.core.items import ItemId
from archiver.core.loudness import Loudness
from archiver.core.outcomes import ItemOutcome, Outcome
from archiver.core.reviews import Case, Verdict
from archiver.core.sounds import Sound
from archiver.core.suspicions import Measured

AT = datetime(2026, 11, 24, 12, 0, 0, 123456, UTC)
AGENT = Agent("archiver 0.1.0")


def copy(store, **changed):
    return replace(Copy(store, "bags/x/v1", CopyStatus.GOOD, Grade.READ, AT), **changed)


def holding(name="x", version=1, **changed):
    values = {
        "item": ItemId("internet-archive", name),
        "version": version,
        "prefix": f"bags/internet-archive/ab/cd/{name}/v{version}/",
        "title": "A title",
        "licence": "https://creativecommons.org/licenses/by/4.0/",
        "state": digest_of(b"state"),
        "updated": "1575322399",
        "files": 2,
        "bytes": 30,
        "tag_manifest": digest_of(b"tags", Algorithm.SHA512),
        "ingested_at": AT,
        "copies": (copy("mirror"), copy("primary", grade=Grade.PROVIDER)),
    }
    return Holding(**{**values, **changed})


def files(number=2):
    return [
        HeldFile(f"data/{n:05}.flac", n, digest_of(b"%d" % n), digest_of(b"%d" % n, Algorithm.SHA512))
        for n in range(number)
    ]


def event(name="x", **changed):
    item = ItemId("internet-archive", name)
    values = {"version": 1, "store": "primary", "path": "", **changed}
    return Event(EventType.INGESTION, AT, EventOutcome.SUCCESS, "détail", AGENT, item, **values)


def case(name="x", **changed):
    values = {
        "item": ItemId("internet-archive", name),
        "title": "A title",
        "collections": ("netlabels", "audio"),
        "item_set": "a1",
        "whole_set": "",
        "batch_set": "b1",
        "reasons": ("CONFLICT_TOOLS",),
        "decision": "{}",
        "opened_at": AT,
        "state": "",
    }
    return Case(**{**values, **changed})


def same(one, other):
    return replace(one, id=0) == replace(other, id=0)


class CatalogueContract:
    def test_what_is_not_held_is_none(self, catalogue):
        assert catalogue.latest(ItemId("internet-archive", "x")) is None
        assert catalogue.versions(ItemId("internet-archive", "x")) == ()
        assert list(catalogue.holdings()) == []
        assert list(catalogue.events(ItemId("internet-archive", "x"))) == []

    def test_what_was_ingested_comes_back_as_it_was(self, catalogue):
        catalogue.ingested(holding(), files(), [event()], decision="{}")

        assert catalogue.latest(holding().item) == holding()
        assert list(catalogue.files(holding().item, 1)) == files()
        assert list(catalogue.events(holding().item)) == [event()]

    def test_the_newest_version_is_the_latest_and_the_old_one_stays(self, catalogue):
        for version in (1, 2):
            catalogue.ingested(holding(version=version), files(), [], decision="{}")

        assert catalogue.latest(holding().item).version == 2
        assert [held.version for held in catalogue.versions(holding().item)] == [1, 2]
        assert [held.version for held in catalogue.holdings()] == [2]

    def test_taking_down_the_same_aip_again_replaces_its_copies_and_adds_nothing(self, catalogue):
        catalogue.ingested(holding(), files(), [event()], decision="{}")
        again = holding(copies=(copy("other"),), title="ignored")
        catalogue.ingested(again, files(1), [event()], decision="{}")

        assert catalogue.latest(holding().item) == holding(copies=(copy("other"),))
        assert len(list(catalogue.files(holding().item, 1))) == 2
        assert len(list(catalogue.events(holding().item))) == 1

    def test_holdings_come_in_the_order_of_identifiers_over_many_pages(self, catalogue):
        names = [f"item{n:04}" for n in range(1203)]
        for name in reversed(names):
            catalogue.ingested(holding(name), [], [], decision="{}")

        assert [held.item.name for held in catalogue.holdings()] == names

    def test_many_files_come_in_the_order_of_their_paths(self, catalogue):
        catalogue.ingested(holding(), files(2500), [], decision="{}")

        assert list(catalogue.files(holding().item, 1)) == files(2500)

    def test_holdings_are_found_by_identifier_title_and_licence_without_regard_to_case(self, catalogue):
        catalogue.ingested(holding("a", title="100% Ünder_score"), [], [], decision="{}")
        catalogue.ingested(holding("b", title="1000 under score", licence="https://x/zero/"), [], [], decision="{}")

        def found(text):
            return [held.item.name for held in catalogue.holdings(text=text)]

        assert found("100% üNDER") == ["a"]
        assert found("r_s") == ["a"]
        assert found("ZERO") == ["b"]
        assert found("nothing") == []

    def test_totals_count_what_is_held_and_how_items_ended(self, catalogue):
        run = catalogue.begin(selection="netlabels", selection_digest="ab" * 32, at=AT)
        catalogue.ingested(holding("a"), files(), [], decision="{}")
        damaged = copy("mirror", status=CopyStatus.DAMAGED, checked_at=AT - timedelta(days=1))
        catalogue.ingested(holding("b", copies=(damaged,)), files(), [], decision="{}")
        for name, outcome in (
            ("a", Outcome.STORED),
            ("b", Outcome.FAILED),
            ("c", Outcome.QUARANTINED),
            ("d", Outcome.REFUSED),
        ):
            catalogue.answered(run, ItemOutcome(ItemId("internet-archive", name), outcome, ("R",)), at=AT)
        catalogue.answered(run, ItemOutcome(ItemId("internet-archive", "b"), Outcome.UNCHANGED), at=AT)
        catalogue.end(run, at=AT, complete=True, counts={Outcome.STORED: 1, Outcome.REFUSED: 1})
        totals = catalogue.totals()

        assert (totals.items, totals.versions, totals.files, totals.bytes) == (2, 2, 4, 60)
        assert (totals.undecided, totals.failed, totals.refused) == (1, 0, 1)
        assert [(s.store, s.copies, s.good, s.bytes) for s in totals.stores] == [
            ("mirror", 2, 1, 60),
            ("primary", 1, 1, 30),
        ]
        assert totals.stores[0].oldest_check == AT - timedelta(days=1)
        (last,) = totals.last_runs
        assert (last.selection, last.complete, last.ended_at) == ("netlabels", True, AT)
        assert dict(last.counts) == {Outcome.STORED: 1, Outcome.REFUSED: 1}

    def test_versions_are_counted_and_named_by_the_stores_that_hold_them(self, catalogue):
        bad = copy("mirror", status=CopyStatus.DAMAGED)
        for number in range(1205):
            catalogue.ingested(
                holding(f"i{number:04}", copies=(copy("mirror"), copy("primary"))), [], [], decision="{}"
            )
        catalogue.ingested(holding("x"), files(), [], decision="{}")
        catalogue.ingested(holding("x", 2, copies=(copy("primary"),)), files(), [], decision="{}")
        catalogue.ingested(holding("y", copies=(bad, copy("primary"))), files(), [], decision="{}")
        catalogue.ingested(holding("z", copies=()), files(), [], decision="{}")

        both, one = Spread(frozenset(["mirror", "primary"])), Spread(frozenset(["primary"]))
        half, none = Spread(frozenset(["primary"]), frozenset(["mirror"])), Spread(frozenset())
        assert catalogue.spreads() == {both: 1206, one: 1, half: 1, none: 1}
        assert [(item.name, version) for item, version in catalogue.spread_as(one)] == [("x", 2)]
        assert [(item.name, version) for item, version in catalogue.spread_as(half)] == [("y", 1)]
        assert [(item.name, version) for item, version in catalogue.spread_as(none)] == [("z", 1)]
        assert [item.name for item, _ in catalogue.spread_as(both)] == [*(f"i{n:04}" for n in range(1205)), "x"]
        assert list(catalogue.spread_as(Spread(frozenset(["mirror"])))) == []

    def test_a_run_that_was_killed_stays_open(self, catalogue):
        catalogue.begin(selection="netlabels", selection_digest="", at=AT)

        (run,) = catalogue.totals().last_runs
        assert run.ended_at is None
        assert not run.complete

    def test_events_are_appended_in_order(self, catalogue):
        catalogue.ingested(holding(), [], [event(path="data/1")], decision="{}")
        catalogue.appended([event(path="data/2"), event(path="data/3")])

        assert [one.path for one in catalogue.events(holding().item)] == ["data/1", "data/2", "data/3"]

    def test_hostile_text_does_not_break_it(self, catalogue):
        title = "nul\0 surrogate\ud800 '; DROP TABLE item; --"
        catalogue.ingested(holding("x", title=title), files(), [event()], decision="\0")

        assert catalogue.latest(holding().item).title == "nul\ufffd surrogate\ufffd\ufffd\ufffd '; DROP TABLE item; --"

    def test_a_case_is_opened_once_for_each_set_of_declarations(self, catalogue):
        for opened in (case(), case(title="ignored"), case(whole_set="w1", state="sha256:00"), case("y")):
            catalogue.opened(opened)

        first, second = catalogue.cases(case().item)
        assert same(first, case())
        assert same(second, case(whole_set="w1", state="sha256:00"))
        assert catalogue.cases(ItemId("internet-archive", "z")) == ()
        assert [same(one, two) for one, two in zip(catalogue.every_case(), (second, case("y")), strict=True)] == [
            True
        ] * 2

    def test_verdicts_are_added_to_their_case_in_order(self, catalogue):
        catalogue.opened(case())
        catalogue.opened(case("y"))
        words = [
            Verdict(is_acceptance=True, reviewer="Ada", reason="a reason", licence="https://x/", at=AT),
            Verdict(is_acceptance=False, reviewer="Bob", reason="another", licence="", at=AT),
        ]
        for word in words:
            catalogue.judged(catalogue.cases(case().item)[0], word)

        assert catalogue.cases(case().item)[0].verdicts == tuple(words)
        assert catalogue.cases(case("y").item)[0].verdicts == ()

    def test_every_case_comes_in_the_order_of_identifiers_over_many_pages(self, catalogue):
        names = [f"item{n:04}" for n in range(450)]
        for name in reversed(names):
            catalogue.opened(case(name))

        assert [one.item.name for one in catalogue.every_case()] == names

    def test_bytes_are_found_in_the_newest_version_of_each_item(self, catalogue):
        catalogue.ingested(holding("a"), files(2), [], decision="{}")
        catalogue.ingested(holding("a", version=2), files(1), [], decision="{}")
        catalogue.ingested(holding("b", licence="https://x/zero/"), files(2), [], decision="{}")

        def found(digest):
            return [(one.item.name, one.licence, one.path, one.withdrawn) for one in catalogue.seen([digest])]

        both, one_only = (file.sha256 for file in files(2))
        assert found(both) == [
            ("a", holding().licence, "data/00000.flac", False),
            ("b", "https://x/zero/", "data/00000.flac", False),
        ]
        assert found(one_only) == [("b", "https://x/zero/", "data/00001.flac", False)]
        assert found(digest_of(b"never seen")) == []
        assert catalogue.seen([]) == ()

    def test_items_are_found_by_the_preferences_of_their_newest_version_and_by_selection(self, catalogue):
        catalogue.ingested(holding("a", preferences=(("train-ai", "n"), ("search", "y"))), [], [], decision="{}")
        catalogue.ingested(holding("b", preferences=(("train-ai", "n"),)), [], [], decision="{}")
        catalogue.ingested(holding("b", version=2), [], [], decision="{}")
        run = catalogue.begin(selection="netlabels", selection_digest="", at=AT)
        for name, outcome in (("a", Outcome.STORED), ("b", Outcome.REFUSED)):
            catalogue.answered(run, ItemOutcome(ItemId("internet-archive", name), outcome), at=AT)

        assert catalogue.stating("train-ai", "n") == {ItemId("internet-archive", "a")}
        assert catalogue.stating("train-ai", "y") == frozenset()
        assert catalogue.stored_by("netlabels") == {ItemId("internet-archive", "a")}
        assert catalogue.stored_by("other") == frozenset()

    def test_what_was_measured_is_kept_for_the_newest_version_and_replaced_when_it_is_measured_again(self, catalogue):
        item, loud = ItemId("internet-archive", "x"), Loudness(2.5, -23.04, None, -1.5, (-3.0, None), 7, 0.25, 0.1)
        catalogue.ingested(holding(), files(), [event()], decision="{}")
        catalogue.measured(item, 1, [Measured("data/b", None, "NO_AUDIO"), Measured("data/\u00fc", loud)])
        catalogue.measured(ItemId("internet-archive", "nobody"), 1, [Measured("data/b", loud)])
        (found,) = catalogue.recordings()
        assert [(one.item, one.version, one.measured) for one in found] == [
            (item, 1, Measured("data/b", None, "NO_AUDIO")),
            (item, 1, Measured("data/\u00fc", loud)),
        ]
        catalogue.measured(item, 1, [Measured("data/c", loud)])
        assert [[one.path for one in group] for group in catalogue.recordings()] == [["data/c"]]
        sound = Sound("data/c", Playing.DAMAGED, ("AUDIO_TRUNCATED",), "flac", 2.5, 44100, 2, "", "")
        catalogue.ingested(holding(version=2, sounds=(sound,)), files(), [event()], decision="{}")
        ((heard,),) = catalogue.recordings()
        assert (heard.version, heard.path, heard.codes, heard.seconds) == (2, "data/c", ("AUDIO_TRUNCATED",), 2.5)
        assert heard.measured is None
        catalogue.measured(item, 2, [Measured("data/c", loud)])
        ((both,),) = catalogue.recordings()
        assert both == replace(heard, measured=Measured("data/c", loud))

    def test_recordings_that_are_the_same_are_found_in_the_newest_versions_once_each(self, catalogue):
        def held(name, *sounds, version=1):
            catalogue.ingested(holding(name, version, sounds=sounds), [], [], decision="{}")

        def sound(path, packets, pcm="", rate=44100, fingerprint=""):
            digests = (packets * 64, pcm * 32, fingerprint)
            return Sound(f"data/{path}", Playing.VALID, (), "flac", 2.5, rate, 2, *digests)

        held("a", sound("a.flac", "1", "e"), sound("b.mp3", "4"))
        held("b", sound("a.wav", "2", "e"), sound("z.mp3", "4"))
        held("c", sound("slow.wav", "2", "e", rate=22050), sound("alone.mp3", "5"), sound("same.flac", "6", "f"))
        held("d", sound("same.flac", "6", "f", fingerprint="00ff00ff"))
        held("e", sound("old.mp3", "7"))
        held("f", sound("old.mp3", "7"))
        held("f", sound("new.mp3", "8"), version=2)
        found = [
            (group.sameness.value, group.key[:1], [f"{one.item.name}/{one.sound.path}" for one in group.members])
            for group in catalogue.same_sounds()
        ]

        assert found == [
            ("samples", "e", ["a/data/a.flac", "b/data/a.wav"]),
            ("packets", "6", ["c/data/same.flac", "d/data/same.flac"]),
            ("packets", "4", ["a/data/b.mp3", "b/data/z.mp3"]),
        ]
        assert [one.sound.fingerprint for one in catalogue.fingerprinted()] == ["00ff00ff"]
        assert catalogue.sound_counts() == (10, 1)
        held("g")
        assert catalogue.examined_items() == 6

    def test_how_items_ended_is_remembered_with_what_is_held_of_them(self, catalogue):
        run = catalogue.begin(selection="s", selection_digest="d", at=AT)
        catalogue.ingested(holding("x"), files(), [], decision="{}")
        x, y, z = (ItemId("internet-archive", name) for name in "xyz")
        ended = [
            ItemOutcome(x, Outcome.STORED, mark="m1", stage=Stage.ADMITTED),
            ItemOutcome(y, Outcome.REFUSED, ("NO_DECLARATION",), "dé\0tail", mark="m2", stage=Stage.DESCRIBED),
            ItemOutcome(z, Outcome.FAILED, ("SOURCE_UNAVAILABLE",), mark="m3"),
        ]
        catalogue.met(run, ended, at=AT)
        known = catalogue.sighted("s", [x, y, z, ItemId("internet-archive", "never")])
        assert known.keys() == {x, y, z}
        assert (known[x].mark, known[x].aip, known[x].files) == ("m1", "bags/internet-archive/ab/cd/x/v1", 2)
        assert (known[x].stores, known[x].damaged) == (frozenset({"mirror", "primary"}), ())
        assert (known[y].outcome, known[y].reasons, known[y].described_at) == (Outcome.REFUSED, ("NO_DECLARATION",), AT)
        assert known[z].mark == ""
        assert all(one.is_settled for one in known.values())
        assert catalogue.sighted("another", [x, y, z]) == {}

    def test_who_takes_down_how_an_item_ended_remembers_it_in_the_same_call(self, catalogue):
        x = ItemId("internet-archive", "x")
        for day, ended in enumerate((Outcome.FAILED, Outcome.STORED)):
            at = AT + timedelta(days=day)
            run = catalogue.begin(selection="s", selection_digest="d", at=at)
            catalogue.answered(run, ItemOutcome(x, ended, ("R",), mark="m", stage=Stage.ADMITTED), at=at)
            known = catalogue.sighted("s", [x])[x]
            assert (known.outcome, known.reasons, known.described_at) == (ended, ("R",), at)
        assert known.mark == "m"

    def test_what_a_later_run_does_not_meet_is_named_until_it_is_forgotten(self, catalogue):
        x, y = (ItemId("internet-archive", name) for name in "xy")
        first = catalogue.begin(selection="s", selection_digest="d", at=AT)
        for name in "xy":
            catalogue.ingested(holding(name), files(), [], decision="{}")
        catalogue.met(
            first, [ItemOutcome(one, Outcome.STORED, mark="m", stage=Stage.ADMITTED) for one in (x, y)], at=AT
        )
        later = AT + timedelta(days=1)
        second = catalogue.begin(selection="s", selection_digest="d", at=later)
        catalogue.met(second, [ItemOutcome(x, Outcome.UNCHANGED, stage=Stage.RECOGNISED)], at=later)
        assert list(catalogue.unmet(second)) == [y]
        assert catalogue.sighted("s", [x])[x].described_at == AT
        assert catalogue.sighted("s", [x])[x].mark == "m"
        catalogue.forget(second, [y])
        assert list(catalogue.unmet(second)) == []
        assert catalogue.sighted("s", [y]) == {}

    def test_a_verdict_unsettles_what_was_remembered(self, catalogue):
        item = ItemId("internet-archive", "x")
        run = catalogue.begin(selection="s", selection_digest="d", at=AT)
        catalogue.opened(case())
        catalogue.met(run, [ItemOutcome(item, Outcome.QUARANTINED, ("A",), mark="m", stage=Stage.DESCRIBED)], at=AT)
        assert catalogue.sighted("s", [item])[item].is_settled
        (opened,) = catalogue.cases(item)
        verdict = Verdict(is_acceptance=True, reviewer="A", reason="r", licence="", at=AT + timedelta(hours=1))
        catalogue.judged(opened, verdict)
        assert not catalogue.sighted("s", [item])[item].is_settled

    def test_a_window_and_the_table_of_a_run_come_back(self, catalogue):
        assert catalogue.window("s") is None
        for days in (1, 2):
            window = Window("d", AT + timedelta(days=days), AT)
            catalogue.moved("s", window)
            assert catalogue.window("s") == window
        run = catalogue.begin(selection="s", selection_digest="d", at=AT)
        tally = CrawlTally(announced=2, is_whole=True)
        tally.take(ItemOutcome(ItemId("a", "b"), Outcome.REFUSED, ("NO_DECLARATION",), stage=Stage.DESCRIBED))
        catalogue.end(run, at=AT, complete=True, counts={Outcome.REFUSED: 1}, crawl=tally.crawl())
        catalogue.begin(selection="t", selection_digest="d", at=AT)
        found = list(catalogue.runs(limit=5))
        assert [one.crawl for one in found] == [None, tally.crawl()]
        assert [one.selection for one in catalogue.runs(selection="s", limit=5)] == ["s"]
