"""What is kept of damage, of the log and of time: settings that an operator writes, and what then lies in the stores."""

from __future__ import annotations

import shutil

from tests.damage import NAMES, audited, flip, overwrite, path_of
from tests.servers.timestamp_authority import run_authority


def test_damaged_bytes_are_kept_for_inspection_where_the_settings_ask_for_it(archive):
    victim = path_of(archive, NAMES[0], "data/a.wav")
    overwrite(victim, flip)
    damaged = victim.read_bytes()
    audited(archive)

    assert archive.run("repair", ARCHIVER_AUDIT__KEEP_DAMAGED="true").status == 0

    key = victim.relative_to(archive.store("mirror"))
    (kept,) = (archive.store("mirror") / "archive/damaged").glob(f"*/{key}")
    assert kept.read_bytes() == damaged
    assert victim.read_bytes() != damaged
    events = [one["event"] for one in archive.run("show", NAMES[0], "--output", "jsonl").records if "event" in one]
    assert any(str(kept.relative_to(archive.store("mirror"))) in one["detail"] for one in events)
    assert audited(archive).status == 0


def test_nothing_damaged_is_kept_unless_they_do(archive):
    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    audited(archive)

    assert archive.run("repair").status == 0
    assert not list((archive.store("mirror") / "archive").glob("damaged/*/*"))


def test_a_catalogue_that_was_put_back_to_an_older_state_is_found_by_the_log(archive, tmp_path):
    key = {"ARCHIVER_LOG__KEY": str(tmp_path / "log.key")}
    archive.run("log", "key", str(tmp_path / "log.key"))
    shutil.copy(archive.root / "catalogue.sqlite", tmp_path / "older")
    assert archive.run("audit", "--all", **key).status == 0
    assert archive.run("log", "verify", **key).status == 0

    for left in archive.root.glob("catalogue.sqlite*"):
        left.unlink()
    shutil.copy(tmp_path / "older", archive.root / "catalogue.sqlite")
    found = archive.run("log", "verify", "--output", "jsonl", **key)

    assert found.status == 1
    assert {one["finding"]["code"] for one in found.records if "finding" in one} == {"CATALOGUE_ROLLED_BACK"}


def test_a_time_stamp_authority_in_the_settings_stamps_each_head_and_verify_holds_it_against_its_root(
    archive, tmp_path
):
    with run_authority(tmp_path / "tsa") as (url, roots), run_authority(tmp_path / "other") as (_, others):
        settings = {"ARCHIVER_LOG__KEY": str(tmp_path / "log.key"), "ARCHIVER_LOG__TIMESTAMP_URL": url}
        archive.run("log", "key", str(tmp_path / "log.key"))
        assert archive.run("audit", "--item", NAMES[0], **settings).status == 0
    heads = [one["head"] for one in archive.run("log", "show", "--output", "jsonl", **settings).records]

    assert {one["timestamped"] for one in heads} == {True}
    assert archive.run("log", "verify", **settings).status == 0
    assert archive.run("log", "verify", ARCHIVER_LOG__TIMESTAMP_ROOTS=str(roots), **settings).status == 0
    foreign = archive.run("log", "verify", "--output", "jsonl", ARCHIVER_LOG__TIMESTAMP_ROOTS=str(others), **settings)
    assert foreign.status == 1
    assert {one["finding"]["code"] for one in foreign.records if "finding" in one} == {"LOG_TIMESTAMP_WRONG"}
    gone = archive.run("log", "publish", **settings)  # the authority is not there any more
    assert gone.status in {0, 4}
