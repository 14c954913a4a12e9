"""Budgets and samples of an audit, over stores and a ledger in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from archiver.core.audits import AuditPlan, Budget, CheckOutcome, Prices, Scope, largest_undetected_share
from archiver.core.bags.manifests import format_manifest
from archiver.core.events import Agent
from archiver.core.findings import FindingCode
from archiver.core.fixity import Algorithm, Grade, digest_of
from archiver.core.holdings import HeldFile
from archiver.core.items import ItemId
from archiver.engines.threads import ThreadEngine
from archiver.workflows.audit import Audit, Rounds
from tests.contracts.catalogue_contract import AT, copy, holding
from tests.fakes.memory_audits import MemoryAudits
from tests.fakes.memory_store import MemoryStore

STORES = {"primary": timedelta(days=90)}
PAYLOAD = b"payload " * 125


class StillClock:
    """Time goes on when it is told to."""

    def __init__(self):
        self.seconds = 0.0
        self.stops = False

    def now(self):
        return AT + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds

    def stopping(self):
        return self.stops


def bag(name):
    """Return the objects of a whole bag with one payload file of 1,000 bytes."""
    content = name.encode().ljust(8) + PAYLOAD[8:]
    tags = {"bagit.txt": b"BagIt-Version: 1.0\n", "bag-info.txt": b"Source-Organization: X\n"}
    for algorithm in (Algorithm.SHA256, Algorithm.SHA512):
        tags[f"manifest-{algorithm}.txt"] = format_manifest([("data/a.flac", digest_of(content, algorithm))])
    top = {
        f"tagmanifest-{algorithm}.txt": format_manifest((path, digest_of(tag, algorithm)) for path, tag in tags.items())
        for algorithm in (Algorithm.SHA256, Algorithm.SHA512)
    }
    return {**tags, **top, "data/a.flac": content}


@pytest.fixture
def rounds():
    """Twenty copies of 1,000 bytes each, the first one the longest unchecked; an own engine for copies and for files."""
    ledger, store = MemoryAudits(), MemoryStore("primary")
    for number in range(20):
        name = f"i{number:02}"
        objects = bag(name)
        root = digest_of(objects["tagmanifest-sha512.txt"], Algorithm.SHA512)
        held = holding(
            name, files=1, bytes=1000, tag_manifest=root,
            copies=(copy("primary", checked_at=AT - timedelta(days=200 - number)),),
        )  # fmt: skip
        content = objects["data/a.flac"]
        file = HeldFile("data/a.flac", len(content), digest_of(content), digest_of(content, Algorithm.SHA512))
        ledger.ingested(held, [file], [], decision="{}")
        store.objects |= {held.prefix + path: one for path, one in objects.items()}
    copies, files = ThreadEngine(1, name="copy"), ThreadEngine(1, name="file")
    prices = {"primary": Prices(request=0.01, gigabyte=1e6)}
    yield Rounds({"primary": store}, ledger, ledger, copies, files, StillClock(), Agent("archiver"), prices)
    copies.close()
    files.close()


def run(rounds, *, seed=7, sample=None, scope=Scope.ALL, **budget):
    audit = Audit(AuditPlan(scope, STORES, Grade.READ, Budget(**budget), (), sample, seed), rounds)
    return [one.item.name for one in audit], audit.summary()


def test_everything_is_checked_without_a_budget(rounds):
    checked, summary = run(rounds)

    assert checked == [f"i{number:02}" for number in range(20)]
    assert (summary.good, summary.left, summary.budget_ended) == (20, 0, "")


@pytest.mark.parametrize(
    ("budget", "ended_by", "most"),
    [
        ({"requests": 40}, "max-requests", lambda summary: summary.requests),
        ({"bytes": 5000}, "max-bytes", lambda summary: summary.bytes),
        ({"cost": 6.0}, "max-cost", lambda summary: summary.cost),
    ],
)
def test_a_budget_ends_the_run_before_the_check_that_would_go_beyond_and_the_next_run_goes_on(
    rounds, budget, ended_by, most
):
    seen, runs = [], 0
    while len(seen) < 20:
        checked, summary = run(rounds, scope=Scope.DUE, **budget)
        assert checked, "a run that checks nothing never ends"
        assert most(summary) <= next(iter(budget.values()))
        seen += checked
        runs += 1
        if len(seen) < 20:
            assert summary.budget_ended == ended_by
            assert summary.left == 20 - len(seen)

    assert seen == [f"i{number:02}" for number in range(20)]
    assert runs > 2


def test_the_first_check_is_made_however_small_the_budget_is(rounds):
    checked, summary = run(rounds, requests=1)

    assert checked == ["i00"]
    assert summary.left == 19


def test_the_cost_is_counted_by_the_prices_of_the_store(rounds):
    _, summary = run(rounds, requests=1)

    assert summary.cost == pytest.approx(summary.requests * 0.01 + summary.bytes / 1e9 * 1e6)
    assert summary.bytes > 1000


def test_a_clean_sample_says_how_many_copies_may_be_damaged_unseen(rounds):
    checked, summary = run(rounds, sample=0.5)

    assert 3 < len(checked) < 17
    assert summary.sampled_from == 20
    assert summary.confidence == largest_undetected_share(len(checked), 20)
    assert checked != run(rounds, sample=0.5, seed=8)[0]


def test_a_sample_that_found_damage_states_no_confidence(rounds):
    store = rounds.vault["primary"]
    for key in [key for key in store.objects if key.endswith("a.flac")]:
        store.damage(key)

    _, summary = run(rounds, sample=0.5)

    assert summary.damaged > 0
    assert summary.confidence is None


def test_the_confidence_holds_what_it_states(rounds):
    """Of samples from an archive with just so much damage as is stated, at most one in twenty sees none of it."""
    from random import Random

    share = largest_undetected_share(300, 10_000)
    damaged = set(range(int(10_000 * share) + 1))
    draw = Random(1)
    missed = Counter(damaged.isdisjoint(draw.sample(range(10_000), 300)) for _ in range(400))[True]

    assert 0.009 < share < 0.0101
    assert missed / 400 <= 0.08  # 5 percent, and the chance of 400 draws


def test_a_store_that_does_not_answer_leaves_its_copies_for_the_next_run(rounds):
    store = rounds.vault["primary"]
    key = next(key for key in store.objects if "i03" in key and key.endswith("a.flac"))
    store.breaks_off_after[key] = 10

    run(rounds)
    outcomes = {one.item.name: one.outcome for one in rounds.ledger.results}
    assert outcomes.pop("i03") is CheckOutcome.UNANSWERED
    assert set(outcomes.values()) == {CheckOutcome.GOOD}
    store.breaks_off_after.clear()
    assert run(rounds, scope=Scope.DUE)[0] == ["i03"]


def codes_of(rounds, name):
    (result,) = [one for one in rounds.ledger.results if one.item.name == name]
    place = f"{result.key}/"
    return {(one.where.removeprefix(place), one.code) for one in result.findings}


def test_a_bag_convicts_the_catalogue_that_was_changed(rounds):
    (file,) = rounds.ledger.file_lists[ItemId("internet-archive", "i00"), 1]
    changed = replace(file, sha256=digest_of(b"other"))
    rounds.ledger.file_lists[ItemId("internet-archive", "i00"), 1] = [changed]

    run(rounds)

    assert codes_of(rounds, "i00") == {("data/a.flac", FindingCode.CATALOGUE_ALTERED)}
    assert sum(bool(one.findings) for one in rounds.ledger.results) == 1


def test_the_catalogue_convicts_a_bag_that_was_rewritten_to_agree_with_itself(rounds):
    store = rounds.vault["primary"]
    prefix = holding("i00").prefix
    store.objects |= {prefix + path: content for path, content in bag("forged").items()}

    run(rounds)

    assert codes_of(rounds, "i00") == {
        ("data/a.flac", FindingCode.OBJECT_CHANGED),
        *((f"manifest-{one}.txt", FindingCode.MANIFEST_ALTERED) for one in ("sha256", "sha512")),
        *((f"tagmanifest-{one}.txt", FindingCode.MANIFEST_ALTERED) for one in ("sha256", "sha512")),
    }


def test_a_catalogue_whose_root_was_changed_leaves_the_payload_alone(rounds):
    """The bag agrees with itself and the files of the catalogue: the one digest that differs is named."""
    key = (ItemId("internet-archive", "i00"), 1)
    rounds.ledger.aips[key] = replace(rounds.ledger.aips[key], tag_manifest=digest_of(b"other", Algorithm.SHA512))

    run(rounds)

    assert codes_of(rounds, "i00") == {("tagmanifest-sha512.txt", FindingCode.MANIFEST_ALTERED)}
