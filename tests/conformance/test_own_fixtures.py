"""Every rule has a bag that breaks it, found under its own code and no other."""

from __future__ import annotations

import pytest

from archiver.engines.threads import ThreadEngine
from archiver.stores.directory import DirectoryStore
from archiver.workflows.verify import Demand, verify
from tests.conformance.fixtures import CASES


def judged(root, **demand):
    engine = ThreadEngine(2, name="own")
    store = DirectoryStore("", root)
    try:
        return verify(store, "", files=engine, strangers=store.strangers(""), demand=Demand(**demand))
    finally:
        engine.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_bag_is_judged_by_the_rule_it_breaks_and_by_no_other(case, tmp_path):
    case.build(tmp_path)
    verdict = judged(tmp_path)
    assert {finding.code for finding in verdict.findings} == case.codes, verdict.findings
    assert (verdict.is_valid, verdict.is_complete) == (case.valid, case.complete)


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
