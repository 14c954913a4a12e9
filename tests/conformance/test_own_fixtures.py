"""Every rule has a bag that breaks it, found under its own code and no other."""

from __future__ import annotations

from functools import partial

import pytest

from archiver.engines.threads import ThreadEngine
from archiver.staging.scratch import DiskScratch
from archiver.stores.directory import DirectoryStore
from archiver.workflows.judge_bag import Demand, Room
from archiver.workflows.verify import verify_tree
from tests.conformance.fixtures import CASES


def judged(root, **demand):
    engine = ThreadEngine(2, name="own")
    store = DirectoryStore("", root)
    try:
        (verdict,) = verify_tree(store, files=engine, demand=Demand(**demand))
        return verdict
    finally:
        engine.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_bag_is_judged_by_the_rule_it_breaks_and_by_no_other(case, tmp_path):
    case.build(tmp_path)
    verdict = judged(tmp_path)
    assert {finding.code for finding in verdict.findings} == case.codes, verdict.findings
    assert (verdict.is_valid, verdict.is_complete) == (case.valid, case.complete)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bag_that_does_not_fit_into_memory_is_judged_alike(case, tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "scratch").mkdir()
    case.build(tmp_path / "bag")
    engine = ThreadEngine(2, name="own")
    room = Room(partial(DiskScratch, tmp_path / "scratch", rows=2), together=3)
    try:
        verdicts = list(verify_tree(DirectoryStore("", tmp_path / "bag"), files=engine, room=room))
    finally:
        engine.close()
    assert verdicts == [judged(tmp_path / "bag")]


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "name", ["manifests that list one half each", "an oxum that is there twice", "names that differ by case"]
)
def test_lenient_names_what_it_tolerates(name, tmp_path):
    (case,) = (case for case in CASES if case.name == name)
    case.build(tmp_path)
    verdict = judged(tmp_path, is_lenient=True)
    assert verdict.is_valid
    assert {finding.code for finding in verdict.findings} == case.codes


@pytest.mark.parametrize("name", ["a payload file that was changed", "an entry that leaves the bag"])
def test_lenient_tolerates_nothing_that_touches_the_payload(name, tmp_path):
    (case,) = (case for case in CASES if case.name == name)
    case.build(tmp_path)
    assert not judged(tmp_path, is_lenient=True).is_valid
