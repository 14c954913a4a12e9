"""The front door, used from outside: helps, exit statuses, machine output."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from archiver.cli.main import COMMANDS
from archiver.cli.status import EXIT_STATUSES, ended
from archiver.core.errors import (
    CatalogueLockedError,
    InterruptedRunError,
    SettingsError,
    SourceUnavailableError,
    UsageError,
)
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, ROOT, Archive, environment


def archiver(*arguments, cwd, stdin=""):
    return subprocess.run(
        [sys.executable, "-m", "archiver", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(),
        input=stdin,
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive with two items."""
    files = (DoubleFile("a.flac", b"a" * 1000, format="Flac"), DoubleFile("b.flac", b"b" * 500, format="Flac"))
    items = [
        DoubleItem("one", files, {"licenseurl": LICENCE, "title": "Evening \x1b[31m Song"}),
        DoubleItem("two", files[:1], {"licenseurl": LICENCE, "title": "Morning"}),
        DoubleItem("closed", files, {}),
    ]
    with ArchiveDouble(items) as double:
        made = Archive(tmp_path_factory.mktemp("cli") / "archive", double.url)
        made.harvested()
    return made


def test_the_help_names_every_command_and_every_exit_status(tmp_path):
    done = archiver("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name}\b", done.stdout, re.MULTILINE), name
    for status, meaning in EXIT_STATUSES.items():
        assert re.search(rf"^  {status} +{re.escape(meaning[:20])}", done.stdout, re.MULTILINE), status


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name, tmp_path):
    done = archiver(name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "Example:" in done.stdout or "Commands:" in done.stdout


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 2),
        (SettingsError("x"), 4),
        (CatalogueLockedError("x"), 4),
        (SourceUnavailableError("x"), 3),
        (InterruptedRunError("x"), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("a fault of ours"), 4),
    ],
)
def test_each_kind_of_failure_has_its_exit_status(error, status, capsys):
    def run():
        raise error

    assert ended(run) == status
    assert capsys.readouterr().err


def test_a_fault_of_the_program_is_said_to_be_one_and_never_looks_like_a_finding(caplog, capsys):
    assert ended(lambda: 1 // 0) == 4
    assert "fault of archiver" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "next: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("harvst",), "Did you mean 'harvest'"),
        (("harvest",), "Missing argument"),
        (("harvest", "all", "--limit", "0"), "--limit"),
        (("list", "--output", "xml"), "jsonl"),
    ],
)
def test_a_wrong_command_line_is_status_2(arguments, said, tmp_path):
    done = archiver(*arguments, cwd=tmp_path)
    assert (done.returncode, said in done.stderr) == (2, True)


def test_init_writes_what_is_needed_and_leaves_what_is_there(tmp_path):
    first = archiver("init", "my", cwd=tmp_path)
    assert first.returncode == 0
    assert {path.name for path in (tmp_path / "my").iterdir()} == {
        "archiver.toml",
        "manifests",
        "catalogue.sqlite",
        "store",
    }
    (tmp_path / "my" / "archiver.toml").write_text("# mine\n")
    nightly = archiver("schedule", "cron", cwd=tmp_path / "my").stdout
    assert (tmp_path / "my" / "manifests" / "examples" / "jamendo.toml").is_file()
    assert "manifests/netlabels.toml" in nightly
    assert "examples" not in nightly  # they would fail every night until somebody gave them a key
    again = archiver("init", "my", cwd=tmp_path)
    assert (again.returncode, (tmp_path / "my" / "archiver.toml").read_text()) == (0, "# mine\n")


def test_what_init_writes_asks_for_a_contact_before_anything_is_contacted(tmp_path):
    archiver("init", "my", cwd=tmp_path)
    done = archiver("harvest", "netlabels", "--limit", "1", cwd=tmp_path / "my")
    assert done.returncode == 4
    assert "contact is empty" in done.stderr
    assert "next: " in done.stderr


def test_list_says_where_each_copy_lies(archive):
    records = archive.run("list", "--output", "jsonl").records
    assert [record["item"] for record in records] == ["internet-archive/one", "internet-archive/two"]
    assert (records[0]["files"], records[0]["bytes"], records[0]["version"]) == (2, 1500, 1)
    assert records[0]["licence"] == "https://creativecommons.org/licenses/by/4.0/"
    (copy,) = records[0]["copies"]
    assert (copy["store"], copy["status"], copy["grade"]) == ("primary", "good", "read")
    assert (archive.store() / copy["key"] / "bagit.txt").is_file()


def test_search_finds_by_title_and_says_when_nothing_is_found(archive):
    found = archive.run("search", "MORNING", "--output", "jsonl")
    assert [record["item"] for record in found.records] == ["internet-archive/two"]
    assert archive.run("search", "nothing like it", "--output", "jsonl").out == ""


def test_show_tells_versions_files_and_events(archive):
    records = archive.run("show", "one", "--output", "jsonl").records
    kinds = [next(iter(record)) if len(record) == 1 else "version" for record in records]
    assert kinds.count("file") == 2
    assert {"fixity check", "ingestion"} <= {r["event"]["type"] for r in records if "event" in r}


def test_a_title_cannot_steer_the_terminal(archive):
    for command in (("list",), ("show", "one"), ("search", "Evening")):
        assert "\x1b" not in archive.run(*command).out


def test_what_is_not_held_is_said_with_status_1(archive):
    done = archive.run("show", "nobody")
    assert (done.status, "next: archiver list" in done.err) == (1, True)


def test_status_counts_what_is_held_and_speaks_to_prometheus(archive):
    totals = archive.run("status", "--output", "jsonl").records[-1]
    assert totals["refused"] == 1
    lines = archive.run("status", "--output", "prometheus").out.splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert samples
    assert all(
        re.fullmatch(r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? [0-9.e+]+', line) for line in samples
    )


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path):
    item = DoubleItem("one", (DoubleFile("a.flac", b"a" * 100, format="Flac"),), {"licenseurl": LICENCE})
    with ArchiveDouble([item]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        result = archive.harvested("--dry-run")
        assert result.outcomes["one"][0] == "stored"
        assert double.asked_for_bytes() == []
    assert archive.bags() == {}


def test_verify_of_a_place_in_a_store_where_nothing_is_says_so(archive):
    (key,) = {
        str(path.parent.relative_to(archive.store())) for path in archive.store().glob("bags/*/*/*/two/v1/bagit.txt")
    }
    assert archive.run("verify", f"primary:{key}").status == 0
    for absent in (f"{key[:-2]}v9", "bags/nowhere", f"{key}/bagit.txt"):
        done = archive.run("verify", f"primary:{absent}")
        assert done.status == 4
        assert "there is no bag" in done.err
        assert "archiver list" in done.err


def test_verify_shows_a_bar_on_a_terminal_and_nowhere_else(archive):
    command = [sys.executable, "-m", "archiver", "verify", str(archive.store() / "bags")]
    assert archive.run("verify", str(archive.store() / "bags")).err == ""
    here, there = pty.openpty()
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=there, check=False, cwd=ROOT, env=environment(TERM="xterm")
        )
        os.close(there)
        shown = os.read(here, 1 << 16).decode()
    finally:
        os.close(here)
    assert done.returncode == 0
    assert re.search(r"bytes|[kKMG]B", shown), shown


def test_verify_finds_a_changed_byte_with_status_1(archive, tmp_path):
    import shutil

    store = shutil.copytree(archive.store(), tmp_path / "copy")
    assert archive.run("verify", str(store / "bags")).status == 0
    (victim,) = store.glob("bags/*/*/*/two/v1/data/a.flac")
    victim.write_bytes(b"b" * 1000)
    done = archive.run("verify", str(store / "bags"), "--output", "jsonl")
    assert done.status == 1
    findings = [record["finding"] for record in done.records if "finding" in record]
    assert {finding["where"].rpartition("/")[2] for finding in findings} == {"a.flac"}
    bags = {record["bag"]: (record["valid"], record["complete"]) for record in done.records if "bag" in record}
    assert sorted(bags.values()) == [(False, True), (True, True)]
    assert done.summary["bags"] == 2


def test_licence_check_reads_json_lines(tmp_path):
    lines = [
        {"declaration": LICENCE, "context": "ia.licenseurl"},
        {"declaration": ["x", LICENCE], "context": "ia.licenseurl[]"},
        {"declaration": "All rights reserved", "context": "ia.rights"},
    ]
    done = archiver("licence", "check", "-", "--output", "jsonl", cwd=tmp_path, stdin="\n".join(map(json.dumps, lines)))
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes == ["admit", "quarantine", "refuse"]


def test_what_only_looks_like_json_is_itself_the_declaration(tmp_path):
    lines = [
        f'{{"declaration": [NaN, "{LICENCE}"]}}',
        '{"declaration": 1e999, "context": "ia.licenseurl"}',
        '{"declaration": -Infinity}',
    ]
    done = archiver("licence", "check", "-", "--output", "jsonl", cwd=tmp_path, stdin="\n".join(lines))
    answers = [json.loads(line, parse_constant=pytest.fail) for line in done.stdout.splitlines()]
    assert [answer["declaration"] for answer in answers] == lines
    assert "admit" not in {answer["outcome"] for answer in answers}


def test_quiet_says_nothing_when_nothing_is_wrong(archive):
    done = archive.run("-q", "list")
    assert done.err == ""


def test_the_demo_shows_the_whole_journey(tmp_path):
    done = archiver("demo", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OBJECT_CHANGED" in done.stdout
    assert "repaired" in done.stdout
    assert (tmp_path / "demo" / "audit.html").is_file()
    assert "archiver init my-archive" in done.stdout
    bags = list((tmp_path / "demo" / "store" / "bags").glob("*/*/*/*/v1/tagmanifest-sha512.txt"))
    assert len(bags) == 3
    assert archiver("verify", "demo/mirror/bags", cwd=tmp_path).returncode == 0
    assert archiver("demo", "demo", cwd=tmp_path).returncode == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    refused = archiver("demo", "other", cwd=tmp_path)
    assert (refused.returncode, (tmp_path / "other" / "mine.txt").read_text()) == (4, "mine")
