"""When hosts may be asked: for all threads, all processes and the next run."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from archiver.clock import SystemClock
from archiver.core.errors import SourceUnavailableError
from archiver.sources.pacing import MemoryHostTimes
from archiver.staging.host_times import FileHostTimes


class FakeClock:
    def __init__(self):
        self.at = datetime(2026, 11, 25, tzinfo=UTC)

    def now(self):
        return self.at

    def monotonic(self):
        return self.at.timestamp()

    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)

    def stopping(self):
        return False


@pytest.fixture(params=["file", "memory"])
def times(request, tmp_path):
    clock = FakeClock()
    made = FileHostTimes(tmp_path / "hosts.json", clock) if request.param == "file" else MemoryHostTimes(clock)
    return made, clock


def test_requests_to_one_host_come_one_after_the_other(times):
    made, clock = times
    began = clock.monotonic()
    for _ in range(4):
        made.take("a", interval=10)
    made.take("b", interval=10)
    assert clock.monotonic() - began == pytest.approx(30)


def test_a_hold_is_kept_and_a_shorter_one_does_not_end_it(times):
    made, clock = times
    began = clock.monotonic()
    made.hold("a", seconds=100)
    made.hold("a", seconds=5)
    made.take("a", interval=0)
    assert clock.monotonic() - began == pytest.approx(100)


def test_nobody_waits_for_longer_than_a_run_has(times):
    made, _ = times
    made.hold("a", seconds=3600)
    with pytest.raises(SourceUnavailableError, match="left alone for 3600 seconds") as caught:
        made.take("a", interval=0)
    assert caught.value.whole_host
    assert caught.value.retry_after == pytest.approx(3600)


def test_the_next_run_knows_what_a_host_asked_for(tmp_path):
    clock = FakeClock()
    FileHostTimes(tmp_path / "hosts.json", clock).hold("a", seconds=600)
    clock.wait(100)
    began = clock.monotonic()
    FileHostTimes(tmp_path / "hosts.json", clock).take("a", interval=0)
    assert clock.monotonic() - began == pytest.approx(500)


def test_a_hold_made_elsewhere_meanwhile_is_seen(tmp_path):
    clock = FakeClock()
    one, other = FileHostTimes(tmp_path / "hosts.json", clock), FileHostTimes(tmp_path / "hosts.json", clock)
    one.take("a", interval=0)
    other.hold("a", seconds=60)
    began = clock.monotonic()
    one.take("a", interval=0)
    assert clock.monotonic() - began == pytest.approx(60)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a": "x", "b": null}', b"\xff\xfe", b"[" * 100_000, b'{"a": 1e400}']
)
def test_a_damaged_file_stops_nobody_for_longer_than_a_day(tmp_path, content):
    path = tmp_path / "hosts.json"
    path.write_bytes(content)
    clock = FakeClock()
    made = FileHostTimes(path, clock)
    with suppress(SourceUnavailableError):
        made.take("a", interval=1)
    clock.wait(86_400)
    made.take("a", interval=1)
    made.take("c", interval=1)
    assert json.loads(path.read_bytes())["c"] == clock.now().timestamp() + 1


def test_a_home_that_cannot_be_written_still_paces_its_threads(tmp_path):
    (tmp_path / "file").write_text("x")
    clock = FakeClock()
    made = FileHostTimes(tmp_path / "file" / "hosts.json", clock)
    began = clock.monotonic()
    for _ in range(3):
        made.take("a", interval=10)
    made.hold("a", seconds=50)
    made.take("a", interval=0)
    assert clock.monotonic() - began == pytest.approx(70)


def test_the_pace_is_one_for_threads_and_processes(tmp_path):
    path = tmp_path / "hosts.json"
    script = (
        "import sys, pathlib\nfrom archiver.clock import SystemClock\n"
        "from archiver.staging.host_times import FileHostTimes\n"
        "made = FileHostTimes(pathlib.Path(sys.argv[1]), SystemClock())\n"
        "for _ in range(4):\n    made.take('a', interval=0.1)\n    print(SystemClock().now().timestamp(), flush=True)\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE) for _ in range(2)]
    made, taken = FileHostTimes(path, SystemClock()), []

    def ask():
        for _ in range(2):
            made.take("a", interval=0.1)
            taken.append(time.time())

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        taken += [float(line) for line in other.communicate()[0].split()]
    assert len(taken) == 12
    assert max(taken) - min(taken) >= 11 * 0.1 - 0.05
