"""Who is told how a run went: Prometheus, a watcher, people, and machines that read the log."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from archiver.core.runs import LastRun, format_run, recognise_run
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.sample_audio import demo_collection
from tests.archive import Archive

pytest.importorskip("prometheus_client")


class Watcher(HTTPServer):
    """Takes down what it is asked and sent; answers 200, or 500 below ``/broken``."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body))
        self.send_response(500 if self.path.startswith("/broken") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *arguments):
        pass


@pytest.fixture
def watcher():
    with Watcher() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def double():
    with ArchiveDouble(demo_collection()) as running:
        yield running


@pytest.fixture
def archive(tmp_path, double):
    made = Archive(tmp_path / "archive", double.url)
    made.select("broken", items=["no-such-item"])
    return made


def settings(archive: Archive, text: str) -> None:
    file = archive.root / "archiver.toml"
    file.write_text(file.read_text() + text)


def samples(archive: Archive) -> dict[str, float]:
    lines = (archive.root / "archiver.prom").read_text().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_the_watcher_hears_of_start_and_success_and_prometheus_finds_the_file(archive, watcher):
    settings(archive, f'[monitoring]\nping = "{watcher.url}/uuid"\ntextfile = "archiver.prom"\n')
    assert archive.run("harvest", "all", "broken").status == 3
    assert [path for _, path, _ in watcher.asked] == ["/uuid/start", "/uuid/fail"]
    found = samples(archive)
    assert found["archiver_items"] == 3
    assert found['archiver_last_run_exit_status{command="harvest"}'] == 3
    assert 'archiver_last_success_timestamp_seconds{command="harvest"}' not in found
    assert archive.run("audit").status == 0
    assert [path for _, path, _ in watcher.asked[2:]] == ["/uuid/start", "/uuid"]
    found = samples(archive)
    assert found['archiver_overdue_copies{store="primary"}'] == 0
    assert found['archiver_last_success_timestamp_seconds{command="audit"}'] > 1.7e9
    assert found['archiver_last_run_exit_status{command="harvest"}'] == 3
    assert not list(archive.root.glob("**/*.part"))
    status = archive.run("status")
    assert "audit: began" in status.out
    assert "overdue checks: none" in status.out


def test_help_and_dry_runs_and_lists_ring_no_bell(archive, watcher):
    settings(archive, f'[monitoring]\nping = "{watcher.url}/uuid"\n')
    for command in (("harvest", "--help"), ("harvest", "all", "--dry-run"), ("list",), ("status",)):
        archive.run(*command)
    assert watcher.asked == []


def test_a_watcher_that_fails_changes_no_exit_status_and_its_address_is_not_shown(archive, watcher):
    settings(archive, f'[monitoring]\nping = "{watcher.url}/broken/secret-uuid"\n')
    assert archive.run("init", str(archive.root)).status == 0
    done = archive.run("audit")
    assert done.status == 0
    assert "warning: monitoring.ping: status 500" in done.err
    assert "secret-uuid" not in done.err + done.out


def test_people_are_told_of_the_chosen_statuses_only(archive, watcher):
    pytest.importorskip("apprise")
    settings(archive, '[monitoring]\nnotify = ["OPS_ADDRESS"]\nnotify_on = [3]\n')
    address = watcher.url.replace("http://", "json://user:hidden@") + "/hook"
    assert archive.run("harvest", "broken", OPS_ADDRESS=address).status == 3
    ((method, path, body),) = watcher.asked
    assert (method, path) == ("POST", "/hook")
    assert "status 3" in json.loads(body)["title"]
    assert archive.run("audit", OPS_ADDRESS=address).status == 0
    assert len(watcher.asked) == 1
    wrong = archive.run("harvest", "broken", OPS_ADDRESS="json://user:hidden@127.0.0.1:9/hook")
    assert "monitoring.notify" in wrong.err
    assert "hidden" not in wrong.err
    assert "OPS_ADDRESS" in archive.run("harvest", "broken").err


def test_an_address_in_the_settings_is_refused(archive):
    settings(archive, '[monitoring]\nnotify = ["mailto://user:hidden@example.org"]\n')
    done = archive.run("status")
    assert done.status == 4
    assert "environment variables" in done.err
    assert "hidden" not in done.err


@pytest.mark.parametrize("how", ["option", "settings"])
def test_a_json_log_is_one_object_a_line_problems_included(archive, how):
    options = ("--log-format", "json") if how == "option" else ()
    if how == "settings":
        settings(archive, '[logging]\nformat = "json"\n')
    done = archive.run("-v", *options, "harvest", "broken", "--output", "jsonl")
    assert done.status == 3
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert lines
    assert {"message", "level", "logger", "at"} <= lines[0].keys()
    assert any(line["level"] == "ERROR" for line in lines)


def test_a_run_that_was_killed_is_not_taken_for_one_that_ended(archive):
    archive.run("audit")
    file = archive.root / "last-runs" / "audit.json"
    file.write_text(format_run(LastRun("audit", 1.7e9)))
    assert "works, or was killed" in archive.run("status").out
    file.write_text('{"command": "audit", "started_at')
    assert archive.run("status").status == 0


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"command": 1}', "[" * 100_000, '{"command":"a","started_at":"x"}']
)
def test_a_damaged_record_of_a_run_is_no_record(text):
    assert recognise_run(text) is None


def test_metric_labels_of_any_store_name_are_escaped():
    from archiver.reports.metrics import metrics

    text = metrics(None, (), {'a"b\n\\': LastRun('a"b\n\\', 1.0)})
    assert 'command="a\\"b\\n\\\\"' in text
