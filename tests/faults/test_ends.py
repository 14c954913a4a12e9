"""How audits and what belongs to them end: exit status, words, the next command."""

from __future__ import annotations

import shutil

import pytest

from tests.damage import NAMES, audited, flip, overwrite, path_of


def unreadable(archive, name):
    path = path_of(archive, name, "data/a.wav")
    path.unlink()
    path.symlink_to("/dev/null")
    return path


def codes(result):
    return sorted(one["finding"]["code"] for one in result.records if "finding" in one)


def test_objects_that_cannot_be_read_are_named_and_leave_the_audit_incomplete(archive):
    victims = [unreadable(archive, name) for name in NAMES[:5]]

    done = audited(archive)

    assert done.status == 3
    named = {one["finding"]["where"] for one in done.records if "finding" in one}
    assert named == {str(path.relative_to(archive.store("mirror"))) for path in victims}
    assert codes(done) == ["OBJECT_UNREADABLE"] * 5
    assert archive.run("repair").status == 0
    assert audited(archive).status == 0


def test_damage_is_said_before_what_could_not_be_read(archive):
    unreadable(archive, NAMES[0])
    overwrite(path_of(archive, NAMES[1], "data/a.wav"), flip)

    assert audited(archive).status == 1


def test_damage_that_stays_is_said_before_a_store_that_does_not_answer(archive):
    for store in ("mirror", "primary"):
        overwrite(path_of(archive, NAMES[1], "data/a.wav", store), flip)
    audited(archive)
    shutil.move(archive.store("mirror"), archive.root / "unmounted")

    assert audited(archive).status == 1  # of the copy in the other store; the unmounted one gave no answer
    assert archive.run("repair").status == 1


def test_a_directory_of_a_bag_behind_a_link_is_said_and_repair_says_what_is_in_the_way(archive):
    data = path_of(archive, NAMES[0], "data")
    shutil.move(data, archive.root / "elsewhere")
    data.symlink_to(archive.root / "elsewhere")

    found = audited(archive)
    assert found.status != 0
    assert set(codes(found)) <= {"OBJECT_UNREADABLE", "OBJECT_MISSING"}
    done = archive.run("repair")
    assert done.status == 3
    assert "symbolic link" in done.out
    assert str(data) in done.out
    assert sorted(path.name for path in (archive.root / "elsewhere").iterdir()) == ["a.wav", "b.wav"]

    data.unlink()
    assert archive.run("repair").status == 0
    assert audited(archive).status == 0


def test_a_repair_publishes_the_log_of_what_it_did(archive, tmp_path):
    key = {"ARCHIVER_LOG__KEY": str(tmp_path / "log.key")}
    archive.run("log", "key", str(tmp_path / "log.key"))
    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    audited(archive)

    assert archive.run("repair", **key).status == 0

    heads = [one["head"] for one in archive.run("log", "show", "--output", "jsonl", **key).records]
    assert {one["store"] for one in heads} == {"primary", "mirror"}
    assert archive.run("log", "verify", "--output", "jsonl", **key).summary["unpublished"] == 0


def test_a_drill_with_nothing_to_restore_certifies_nothing_and_says_so(archive):
    archive.stores = {**archive.stores, "third": {"url": "third/"}}
    archive.write()

    done = archive.run("drill", "--store", "third")

    assert done.status == 3
    assert "nothing was certified" in done.err
    assert "next: archiver replicate --to third" in done.err


@pytest.mark.parametrize(
    ("arguments", "next_"),
    [
        (("audit", "--report", "x.pdf"), "archiver audit --report x.html"),
        (("audit", "--store", "nowhere"), "archiver audit --store primary"),
        (("report", "collection", "--report", "x"), "archiver report collection --report x.html"),
        (("replicate", "--to", "unknown"), "archiver replicate --to mirror"),
        (("drill", "--store", "nowhere"), "archiver drill --store primary"),
        (("schedule", "cron", "--replicate", "nowhere"), "archiver schedule cron --replicate mirror"),
    ],
)
def test_a_mistake_ends_with_what_to_type(archive, arguments, next_):
    done = archive.run(*arguments)

    assert done.status == 2
    assert done.err.rstrip().endswith(f"next: {next_}")


def test_a_snapshot_brings_a_store_up_to_date_that_was_away(archive):
    shutil.rmtree(archive.store("mirror") / "archive/catalogue")

    done = archive.run("snapshot", "--output", "jsonl")

    assert done.status == 0, done.err
    assert done.summary["written"]["mirror"] > 0
    assert archive.run("snapshot", "--output", "jsonl").summary == {
        "written": {"primary": 0, "mirror": 0},
        "behind": [],
    }
    shutil.rmtree(archive.store("mirror"))
    assert archive.run("snapshot").status == 3
