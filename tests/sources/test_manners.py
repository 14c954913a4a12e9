"""How a source is spoken to: with a name, slowly enough, and never with a secret for somebody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archiver.core.errors import FileRefusedError, SettingsError, SourceProtocolError, SourceUnavailableError
from archiver.core.patience import Patience
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.faults import Fault, Kind
from archiver.sources.http_answers import content_range, error_for, retry_after, shown
from archiver.sources.ia_wire import Manners
from archiver.sources.internet_archive import InternetArchive
from tests.archive import LICENCE, Archive

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """A clock whose waiting takes no time."""

    def __init__(self):
        self.at = 0.0
        self.waits = []

    def now(self):
        return NOW

    def monotonic(self):
        return self.at

    def wait(self, seconds):
        self.waits.append(seconds)
        self.at += seconds

    def stopping(self):
        return False


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_retry_after_is_understood_in_both_forms(value, seconds):
    assert retry_after({"Retry-After": value}, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "kind", "whole_host"),
    [
        (403, FileRefusedError, None),
        (404, FileRefusedError, None),
        (429, SourceUnavailableError, True),
        (503, SourceUnavailableError, False),
        (418, SourceProtocolError, None),
    ],
)
def test_a_status_is_final_or_worth_another_try(status, kind, whole_host):
    error = error_for(status, {"Retry-After": "7"}, what="x", now=NOW)
    assert type(error) is kind
    if whole_host is not None:
        assert (error.retry_after, error.whole_host) == (7.0, whole_host)


@pytest.mark.parametrize(
    ("header", "place"),
    [("bytes 5-9/10", (5, 10)), ("bytes 5-9/*", (5, None)), ("bytes 9-5/10", None), ("items 1-2/3", None), ("", None)],
)
def test_a_content_range_is_read_strictly(header, place):
    assert content_range({"Content-Range": header}) == place


@pytest.mark.parametrize(
    ("location", "endpoint", "why"),
    [
        ("http://ia600000.us.archive.org/x", "https://archive.org", "from https to http"),
        ("https://127.0.0.1/x", "https://archive.org", "does not ask"),
        ("https://ia600000.example.org/x", "https://archive.org", "does not ask"),
        ("https://127.0.0.1/x", "https://mirror.example.org", "private"),
        ("https://10.0.0.1/x", "https://mirror.example.org", "private"),
        ("https://169.254.169.254/x", "https://mirror.example.org", "private"),
        ("https://[::1]/x", "https://mirror.example.org", "private"),
        ("https://u:p@ia1.us.archive.org/x", "https://archive.org", "user name"),
        ("file:///etc/passwd", "https://archive.org", "not an http"),
        ("http://192.0.2.1/x", "http://127.0.0.1:8000", "this machine"),
        ("https://[broken/x", "https://archive.org", "no address"),
    ],
)
def test_a_redirect_leads_nowhere_it_may_not(location, endpoint, why):
    reach = Manners(endpoint, "archiver/0", "").conduct().reach
    with pytest.raises(SourceProtocolError, match=why):
        reach.redirected(f"{endpoint}/download/a/b", location)


def test_a_redirect_to_a_data_node_is_followed():
    reach = Manners("https://archive.org", "archiver/0", "").conduct().reach
    target = reach.redirected("https://archive.org/download/a/b", "https://ia600000.us.archive.org/1/b")
    assert target == "https://ia600000.us.archive.org/1/b"


def test_an_address_is_shown_without_what_may_be_secret():
    assert shown("https://user:key@host:8/path?token=1#x") == "https://host:8/path"


def test_a_public_host_is_not_contacted_without_a_contact():
    manners = Manners("https://archive.org", "archiver/0", "")
    with pytest.raises(SettingsError, match="contact is empty"):
        InternetArchive("internet-archive", manners, patience=Patience(1.0, 1), clock=FakeClock())


def test_every_request_says_who_asks_and_keys_stay_with_the_endpoint(tmp_path):
    (tmp_path / "ia.ini").write_text("[s3]\naccess = THE-KEY\nsecret = THE-SECRET\n")
    item = DoubleItem("one", (DoubleFile("a.flac", b"x" * 1000, format="Flac"),), {"licenseurl": LICENCE})
    with ArchiveDouble([item]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        archive.source["config_file"] = f'"{tmp_path / "ia.ini"}"'
        archive.write()
        result = archive.run("-v", "-v", "harvest", "all", "--output", "jsonl")
        assert result.outcomes["one"][0] == "stored"
        for request in double.requests:
            assert "ops@example.org" in request.headers["User-Agent"]
            assert "Authorization" not in request.headers
    kept = [path.read_bytes() for path in archive.root.rglob("*") if path.is_file()]
    for secret in ("THE-KEY", "THE-SECRET"):
        assert secret not in result.out + result.err
        assert not any(secret.encode() in content for content in kept)


def test_a_cut_body_goes_on_with_range_and_if_range(tmp_path):
    item = DoubleItem("one", (DoubleFile("a.flac", b"x" * 3_000_000, format="Flac"),), {"licenseurl": LICENCE})
    with ArchiveDouble([item]) as double:
        double.fail("node/one/a.flac", Fault(Kind.CUT, 1, 1_200_000))
        archive = Archive(tmp_path / "archive", double.url)
        assert archive.harvested().outcomes["one"][0] == "stored"
        asked = [request for request in double.requests if request.is_node]
    assert asked[-1].headers["Range"].startswith("bytes=1")
    assert asked[-1].headers["If-Range"] == item.files[0].etag


def test_other_files_go_on_while_one_waits(tmp_path):
    files = tuple(DoubleFile(f"{n}.flac", bytes([n]) * 1000, format="Flac") for n in range(6))
    item = DoubleItem("one", files, {"licenseurl": LICENCE})
    with ArchiveDouble([item]) as double:
        double.fail("node/one/0.flac", Fault(Kind.STATUS, 1, 503, "2"))
        archive = Archive(tmp_path / "archive", double.url)
        assert archive.harvested().outcomes["one"][0] == "stored"
        order = [path.rsplit("/", 1)[1] for path in double.asked_for_bytes()]
    first, second = (number for number, name in enumerate(order) if name == "0.flac")
    # All of them on a machine that is not busy; on a busy one two seconds may be over sooner.
    assert second - first > 2, order
