"""A source in a package of its own works without a change here."""

import shutil

import bagit
import pytest

from archiver.settings.registered import OURS
from tests.archive import ROOT, Archive


@pytest.fixture
def installed(tmp_path):
    """The example package as an installer leaves it: its modules, and its metadata beside them."""
    site = tmp_path / "site"
    shutil.copytree(
        ROOT / "docs/example-source/example_source",
        site / "example_source",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    info = site / "example_source-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example-source\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[archiver.sources]\nexample-radio = example_source:OFFER\n")
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    archive.extra_environment["PYTHONPATH"] = f"{ROOT}:{site}"
    return archive


def test_a_source_of_another_package_is_listed_with_what_it_can_do(installed):
    listed = {record["source"]: record for record in installed.run("source", "list", "--output", "jsonl").records}
    assert listed["example-radio"]["package"] == "example-source"
    assert listed["example-radio"]["digests"] == ["sha256"]
    assert listed["internet-archive"]["digests"] == ["sha1", "md5"]


def test_a_source_of_another_package_is_harvested_into_bags_through_the_same_gate(installed):
    installed.select("radio", source="example-radio", query="everything")
    first = installed.harvested(selection="radio")
    assert first.status == 0, first.err
    assert {name: outcome for name, (outcome, _) in first.outcomes.items()} == {"bells": "stored", "jingle": "refused"}
    (bag,) = installed.bags().values()
    bagit.Bag(str(bag)).validate(processes=1)
    assert "example-radio/bells" in (bag / "bag-info.txt").read_text()
    assert "creativecommons.org/licenses/by/4.0" in (bag / "ATTRIBUTION.txt").read_text()
    assert installed.harvested(selection="radio").outcomes["bells"][0] == "unchanged"


def test_a_package_that_cannot_be_loaded_is_named_and_stops_only_itself(installed, tmp_path):
    (tmp_path / "site/example_source/__init__.py").write_text("raise RuntimeError('broken')\n")
    listed = installed.run("source", "list", "--output", "jsonl")
    assert listed.status == 1
    assert "example-radio" in listed.err
    assert "broken" in listed.err
    assert [record["source"] for record in listed.records] == list(OURS)


def test_an_unknown_source_is_refused_with_the_known_ones(tmp_path):
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    archive.select("radio", source="example-radoi", query="everything")
    refused = archive.harvested(selection="radio")
    assert refused.status == 4
    assert "example-radoi" in refused.err
    assert "internet-archive" in refused.err


def test_a_source_can_be_checked_without_being_asked(installed):
    assert "can be opened" in installed.run("source", "check", "example-radio").out
    assert installed.run("source", "check", "nothing").status == 2
