"""What is printed for cron and systemd runs as printed, from anywhere, also where names are odd."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from archiver.core.errors import UsageError
from archiver.core.schedules import DAILY, Installation, Job, cron_lines, minute_of, plain_name, unit_files
from tests.archive import Archive, environment

ODD = "odd 100% $HOME 'q' \"d\" ; é"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    made = Archive(tmp_path_factory.mktemp("place") / ODD, "http://127.0.0.1:9")
    made.select("a second, 50%")
    return made


def jobs_of(lines: str) -> list[str]:
    return [line for line in lines.splitlines() if line[:1].isdigit()]


def test_each_selection_and_the_audit_get_a_line(archive):
    done = archive.run("schedule", "cron", "--max-bytes", "500GB")
    assert done.status == 0, done.err
    lines = jobs_of(done.out)
    assert sum(" harvest " in line for line in lines) == 2
    assert sum("audit --due --max-duration 4h --max-bytes 500GB" in line for line in lines) == 1


def test_a_crontab_line_does_what_it_says_from_anywhere(archive, tmp_path):
    for line in jobs_of(archive.run("schedule", "cron").out):
        assert re.match(r"[0-5]?\d [1-6] [*1] \* [*0] ", line)
        command = line.split(" ", 5)[5]
        assert not re.search(r"(?<!\\)%", command)
        # What cron does (crontab(5)): \% becomes %, and /bin/sh gets the rest. The source does not answer: status 3.
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("\\%", "%")],
            capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
            env=environment(ARCHIVER_SOURCES__INTERNET_ARCHIVE__TRIES="1"),
        )  # fmt: skip
        assert done.returncode == (3 if " harvest " in line else 0), (command, done.stderr)


def test_every_chore_has_a_line_and_each_its_own_days(archive):
    done = archive.run("schedule", "cron", "--replicate", "primary")
    days = {line.split(" archiver.toml' ")[-1]: line.split(" ")[2:5] for line in jobs_of(done.out)}
    found = {command.rpartition(" -q ")[2]: when for command, when in days.items()}
    assert found["licence recheck"] == ["*", "*", "0"]
    assert found["store doctor"] == ["1", "*", "*"]
    assert found["snapshot"] == found["replicate --to primary"] == ["*", "*", "*"]
    monthly = archive.run("schedule", "systemd").out.partition("-store-doctor.timer")[2]
    assert "OnCalendar=*-*-01 04:" in monthly


def test_the_log_is_published_where_there_is_a_key_to_sign_it(archive, tmp_path):
    assert " log publish" not in archive.run("schedule", "cron").out
    assert " log publish" in archive.run("schedule", "cron", ARCHIVER_LOG__KEY=str(tmp_path / "log.key")).out


def test_systemd_accepts_the_unit_files(archive, tmp_path):
    done = archive.run("schedule", "systemd", "--write", str(tmp_path))
    assert done.status == 0, done.err
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 6
    for timer in tmp_path.glob("*.timer"):
        assert "Persistent=true" in timer.read_text()
        assert timer.with_suffix(".service").exists()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not there")
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, files)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    said = [line for line in checked.stderr.splitlines() if str(tmp_path) in line or "archiver-" in line]
    assert not said, said


def test_words_are_quoted_so_that_systemd_expands_nothing():
    place = Installation(("/opt/a b/archiver",), ("--config", '/srv/100% $X "q"\\/archiver.toml'), "/srv/100%", "me")
    text = unit_files(place, (Job("audit", ("audit",), DAILY, 3, "check"),))["archiver-100-a8b3a5-audit.service".replace(
        "100-a8b3a5", plain_name("100%"))]  # fmt: skip
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert start == 'ExecStart="/opt/a b/archiver" --config "/srv/100%% $$X \\"q\\"\\\\/archiver.toml" -q audit'
    assert "WorkingDirectory=/srv/100%%\n" in text


def test_minutes_are_spread_over_archives_and_stay_for_one():
    job = Job("audit", ("audit",), DAILY, 3, "check")
    places = [Installation(("a",), (), f"/srv/{number}", "me") for number in range(200)]
    minutes = [minute_of(place, job) for place in places]
    assert len(set(minutes)) > 40
    assert minutes == [minute_of(place, job) for place in places]


@pytest.mark.parametrize("make", [cron_lines, unit_files])
def test_a_line_end_in_a_path_is_refused(make):
    place = Installation(("a",), ("--config", "/srv/x\n* * * * * evil"), "/srv", "me")
    with pytest.raises(UsageError, match="line end"):
        make(place, (Job("audit", ("audit",), DAILY, 3, "check"),))


def test_different_selections_never_share_a_unit():
    assert len({plain_name(name) for name in ("a b", "a-b", "A b", "é", "ü", "", "a_b")}) == 7
