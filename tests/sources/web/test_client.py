"""The polite client against hostile answers: each ends in a clear error, in bounded time and memory."""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import json
import socket
import time
import tracemalloc
import zlib

import pytest

from archiver.clock import SystemClock
from archiver.core.errors import (
    FileRefusedError,
    SettingsError,
    SourceError,
    SourceProtocolError,
    SourceUnavailableError,
)
from archiver.core.patience import Patience
from archiver.sources.web.client import Client, Conduct, Secret
from archiver.sources.web.reach import Reach
from tests.servers.raw_http import raw_server, redirect, whole

ONCE = Patience(0.01, 1)


@pytest.fixture
def server():
    with raw_server() as served:
        yield served


@pytest.fixture
def client(server):
    made = client_of(server)
    yield made
    made.close()


def client_of(server, *, hosts=(), patience=ONCE, **conduct):
    reach = Reach(server.url, hosts, conduct.pop("private", ()))
    return Client(
        Conduct(
            "archiver/0",
            "mailto:a@example.org",
            reach,
            **{"requests_per_second": 0, "timeout": 10, **conduct},
            patience=patience,
        ),
        clock=SystemClock(),
    )


def test_an_answer_is_read_and_says_who_asks(server, client):
    server.answers["/a"] = whole(b'{"x": [1]}', "Content-Type: text/html; charset=latin-1")
    answer = client.get(f"{server.url}/a", params={"q": "ä b"})
    assert answer.json(what="x") == {"x": [1]}
    assert answer.kind == "json"
    assert "User-Agent: archiver/0 (+mailto:a@example.org)\r\n" in server.heads[0]
    assert server.heads[0].startswith("GET /a?q=%C3%A4+b HTTP/1.1\r\n")
    assert "ookie" not in server.heads[0]


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ("ü".encode(), "", "ü"),
        (b"\xfc", "", "ü"),
        (b"\xfc", "Content-Type: text/plain; charset=iso-8859-1", "ü"),
        ("ü".encode(), "Content-Type: text/plain; charset=iso-8859-1", "ü"),
        (b"\xef\xbb\xbf\xc3\xbc", "Content-Type: text/plain; charset=latin-1", "ü"),
        ("ü".encode("utf-16"), "", "ü"),
        (b"\xfc", "Content-Type: text/plain; charset=rot13", "ü"),
        (b"\xfc", "Content-Type: text/plain; charset=../../x", "ü"),
        ("日".encode("shift_jis"), "Content-Type: text/plain; charset=Shift_JIS", "日"),
    ],
)
def test_a_text_is_read_by_its_own_looks_where_the_header_is_wrong(server, client, body, field, text):
    server.answers["/a"] = whole(body, *([field] if field else []))
    assert client.get(f"{server.url}/a").text() == text


@pytest.mark.parametrize(
    ("body", "actual"),
    [(b"<!DOCTYPE html><p>Wait", "a web page"), (b"<rss/>", "XML"), (b" ", "nothing"), (b"no", "none")],
)
def test_what_is_no_json_is_named(server, client, body, actual):
    server.answers["/a"] = whole(body, "Content-Type: application/json")
    with pytest.raises(SourceProtocolError, match=f"expected JSON, actual {actual}"):
        client.get(f"{server.url}/a").json(what="the search")


def test_deep_json_is_an_error_and_no_crash(server, client):
    server.answers["/a"] = whole(b"[" * 200_000)
    with pytest.raises(SourceProtocolError, match="expected JSON"):
        client.get(f"{server.url}/a").json(what="x")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, lambda data: zlib.compress(data)[2:-4]])
def test_packed_answers_are_unpacked(server, client, pack):
    coding = "gzip" if pack is gzip.compress else "deflate"
    server.answers["/a"] = whole(pack(b"x" * 300_000 + b"end"), f"Content-Encoding: {coding}")
    assert client.get(f"{server.url}/a").body == b"x" * 300_000 + b"end"


def test_a_packed_answer_cut_short_or_damaged_is_an_error(server, client):
    packed = gzip.compress(bytes(range(256)) * 100)
    for body in (packed[:-30], packed[:40] + b"\0" * 40, b"no gzip"):
        server.answers["/a"] = whole(body, "Content-Encoding: gzip")
        with pytest.raises(SourceProtocolError, match="packed answer"):
            client.get(f"{server.url}/a")


@pytest.mark.parametrize("layers", [1, 2])
def test_a_gzip_bomb_costs_no_memory(server, client, layers):
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(engine.compress(b"\0" * (1 << 20)) for _ in range(512)) + engine.flush()
    body = gzip.compress(bomb) if layers == 2 else bomb
    server.answers["/a"] = whole(body, "Content-Encoding: " + ", ".join(["gzip"] * layers))
    tracemalloc.start()
    with pytest.raises(SourceProtocolError, match=r"longer than 1000000 bytes|nobody asked for"):
        client.get(f"{server.url}/a", limit=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, zstd", "x" * 500])
def test_a_coding_that_nobody_asked_for_is_refused(server, client, coding):
    server.answers["/a"] = whole(b"x", f"Content-Encoding: {coding}")
    with pytest.raises(SourceProtocolError, match="nobody asked for"):
        client.get(f"{server.url}/a")


def test_a_body_without_end_is_given_up_at_its_limit(server, client):
    server.answers["/a"] = lambda _head: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 65536))
    with pytest.raises(SourceProtocolError, match="longer than 1000000 bytes"):
        client.get(f"{server.url}/a", limit=1_000_000)


def test_a_file_of_undeclared_size_without_end_is_given_up(server):
    server.answers["/a"] = lambda _head: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 65536))
    client = client_of(server, largest_file=3 << 20)
    received = []
    with client.open(f"{server.url}/a") as delivery, pytest.raises(SourceProtocolError, match="does not end"):
        received.extend(len(chunk) for chunk in delivery.chunks)
    assert sum(received) <= 5 << 20


def test_the_body_of_a_redirect_is_not_read(server, client):
    server.answers["/b"] = whole(b"here")
    server.answers["/a"] = lambda _head: itertools.chain(
        [b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n"], itertools.repeat(b"x" * 65536)
    )
    assert client.get(f"{server.url}/a").body == b"here"


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
DRIPS = {
    "status line": lambda: itertools.chain([b"HTTP/1.1 200 "], _drip(b"O")),
    "header": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nX: "], _drip(b"x")),
    "body": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"], _drip(b"x")),
    "chunk size": lambda: itertools.chain([HEAD], _drip(b"0")),
    "chunks": lambda: itertools.chain([HEAD], _drip(b"1\r\nx\r\n")),
    "trailer": lambda: itertools.chain([HEAD + b"1\r\nx\r\n0\r\n"], _drip(b"X: y\r\n")),
}


def _drip(piece):
    while True:
        yield piece
        yield 0.1


@pytest.mark.parametrize("where", DRIPS)
def test_an_answer_that_drips_is_given_up(server, where):
    client = client_of(server, timeout=0.3)
    server.answers["/a"] = lambda _head: DRIPS[where]()
    began = time.monotonic()
    with pytest.raises(SourceUnavailableError, match=r"only \d+ bytes|broke off"):
        client.get(f"{server.url}/a")
    assert time.monotonic() - began < 15
    began = time.monotonic()
    with (
        pytest.raises(SourceUnavailableError, match=r"only \d+ bytes|broke off"),
        client.open(f"{server.url}/a") as delivery,
    ):
        list(delivery.chunks)
    assert time.monotonic() - began < 20


FLOODS = {
    "many fields": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], (b"X%d: y\r\n" % n for n in itertools.count())),
    "one field without end": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nX: "], itertools.repeat(b"x" * 65536)),
    "status line without end": lambda: itertools.chain([b"HTTP/1.1 200 "], itertools.repeat(b"x" * 65536)),
    "continue without end": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "chunk size without end": lambda: itertools.chain([HEAD], itertools.repeat(b"0" * 65536)),
    "trailer without end": lambda: itertools.chain([HEAD + b"1\r\nx\r\n0\r\n"], itertools.repeat(b"X: y\r\n" * 1000)),
    "no HTTP": lambda: itertools.repeat(b"SSH-2.0-OpenSSH_9.2p1\r\n" * 100),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_header_lines_costs_neither_time_nor_memory(server, client, kind):
    server.answers["/a"] = lambda _head: FLOODS[kind]()
    began = time.monotonic()
    tracemalloc.start()
    with pytest.raises(SourceError):
        client.get(f"{server.url}/a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert time.monotonic() - began < 20


def test_one_very_long_field_is_no_fault(server, client):
    server.answers["/a"] = whole(b"[1]", "X-JSON: " + "x" * 300_000, "X-Last: y")
    answer = client.get(f"{server.url}/a")
    assert (answer.json(what="x"), answer.headers["X-Last"]) == ([1], "y")


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "private|not on this machine"),
        ("http://10.0.0.1/", "not on this machine"),
        ("http://[fd00::1]/", "not on this machine"),
        ("http://example.org/", "not on this machine"),
        ("http://u:p@127.0.0.1/", "user name"),
        ("file:///etc/passwd", "not an http"),
        ("gopher://127.0.0.1/", "not an http"),
        ("http://[broken", "no address"),
        ("", "no address"),
        ("http://127.0.0.1:0/", "not an http"),
        ("http://127.0.0.1:99999999/", "cannot be read"),
        ("http://127.0.0.1/" + "x" * 9000, "not an http"),
    ],
)
def test_a_redirect_leads_nowhere_it_may_not(server, client, location, why):
    server.answers["/a"] = redirect(location)
    with pytest.raises(SourceProtocolError, match=why):
        client.get(f"{server.url}/a")
    with pytest.raises(SourceProtocolError, match=why), client.open(f"{server.url}/a"):
        pass


def test_redirects_end(server, client):
    server.answers["/a"] = redirect("/a")
    with pytest.raises(SourceProtocolError, match="more than 5 redirects"):
        client.get(f"{server.url}/a")
    assert len(server.heads) == 6


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "224.0.0.1", "::1", "::", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "192.0.0.1", "198.18.0.1", "240.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_public_name_leads_to_a_private_address(address):
    reach = Reach("https://api.example.org", ("api.example.org", "files.example.org"))
    assert "private address" in reach.refusal_of("files.example.org", ipaddress.ip_address(address))
    assert "private address" in Reach().refusal_of("a.example.org", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_may_be_asked(address):
    assert Reach().refusal_of("a.example.org", ipaddress.ip_address(address)) == ""


def test_what_the_settings_name_may_be_private():
    reach = Reach("", (), ("media.lan", "10.0.0.0/8"))
    assert reach.refusal_of("media.lan", ipaddress.ip_address("192.168.0.1")) == ""
    assert reach.refusal_of("other.lan", ipaddress.ip_address("10.9.9.9")) == ""
    assert reach.refusal_of("other.lan", ipaddress.ip_address("192.168.0.1"))
    assert Reach("http://media.lan/").refusal_of("media.lan", ipaddress.ip_address("192.168.0.1")) == ""


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://a.example.org/x", True),
        ("https://x.a.example.org/x", True),
        ("https://example.org/x", False),
        ("https://evilexample.org/x", False),
        ("https://A.EXAMPLE.ORG./x", True),
        ("https://a.example.org.evil.net/x", False),
    ],
)
def test_only_the_hosts_of_a_source_are_asked(url, is_allowed):
    reach = Reach("", ("*.example.org",))
    if is_allowed:
        assert reach.checked(url) == url
    else:
        with pytest.raises(SourceProtocolError, match="does not ask"):
            reach.checked(url)


def test_the_address_that_counts_is_the_one_connected_to(monkeypatch, server):
    """DNS rebinding: a name that is public at the first look and private at the second."""
    answers = iter([["93.184.216.34", "127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]])
    port = int(server.netloc.rpartition(":")[2])

    def resolve(host, *_arguments, **_named):
        assert host == "rebound.example.org"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)]

    client = Client(Conduct("archiver/0", "mailto:a@example.org", Reach(), 0, patience=ONCE), clock=SystemClock())
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(2):
        with pytest.raises(SourceProtocolError, match=r"127\.0\.0\.1 is a private address"):
            client.get(f"http://rebound.example.org:{port}/a")
    assert server.heads == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"]
)
def test_a_client_without_an_endpoint_does_not_ask_this_machine_however_it_is_written(server, host):
    client = Client(Conduct("archiver/0", "mailto:a@example.org", Reach(), 0, patience=ONCE), clock=SystemClock())
    with pytest.raises(SourceError, match=r"private address|cannot be asked|no connection"):
        client.get(f"http://{host}:{server.netloc.rpartition(':')[2]}/a")
    assert server.heads == []


def test_a_public_host_is_not_asked_without_a_contact():
    client = Client(Conduct("archiver/0", ""), clock=SystemClock())
    with pytest.raises(SettingsError, match="contact is empty"):
        client.get("https://example.org/")


def test_a_secret_stays_with_its_origin_and_shows_nowhere(server):
    with raw_server() as other:
        secret = Secret(server.url, {"Authorization": "Bearer TOKEN-1"}, {"client_id": "ID-7"})
        server.answers["/a"] = redirect(f"{other.url}/b?client_id=ID-7&from=ID-7")
        other.answers["/b"] = whole(b"[]", "Set-Cookie: s=1")
        client = client_of(server)
        answer = client.get(
            f"{server.url}/a", headers={"Cookie": "c=COOKIE", "X-Key": "KEY", "Referer": "http://r/"}, secret=secret
        )
        assert "Bearer TOKEN-1" in server.heads[0]
        assert "client_id=ID-7" in server.heads[0]
        for word in ("TOKEN-1", "ID-7", "COOKIE", "KEY"):
            assert word not in other.heads[0]
            assert word not in answer.url + repr(secret) + repr(client.conduct)
        assert "Referer: http://r/" in other.heads[0]
        client.get(f"{other.url}/b")
        assert "Cookie" not in other.heads[1]
        server.answers["/a"] = whole(b"", status="500 No")
        with pytest.raises(SourceUnavailableError) as caught:
            client.get(f"{server.url}/a", secret=secret)
        assert "ID-7" not in str(caught.value)


def test_a_secret_is_never_sent_in_the_clear():
    client = Client(Conduct("archiver/0", "mailto:a@example.org"), clock=SystemClock())
    with pytest.raises(SettingsError, match="over https alone"):
        client.get("http://api.example.org/", secret=Secret("http://api.example.org", {"Authorization": "x"}))


def test_faults_are_tried_again_and_other_statuses_are_not(server):
    client = client_of(server, patience=Patience(0.01, 3))
    times = iter(range(10))
    server.answers["/a"] = lambda _head: whole(b"ok") if next(times) == 2 else whole(b"", status="500 No")
    assert client.get(f"{server.url}/a").body == b"ok"
    with pytest.raises(FileRefusedError):
        client.get(f"{server.url}/missing")
    assert len(server.heads) == 4
    assert client.get(f"{server.url}/missing", also=(404,)).status == 404


def test_a_file_is_gone_on_with_and_begun_anew_where_it_changed(server, client):
    def answer(head):
        if 'If-Range: "1"' in head and "Range: bytes=3-" in head:
            return whole(b"defg", 'ETag: "1"', "Content-Range: bytes 3-6/7", status="206 Partial Content")
        return whole(b"abcdefg", 'ETag: "1"', "Content-Type: audio/flac; x=y")

    server.answers["/a"] = answer
    with client.open(f"{server.url}/a", size=7) as delivery:
        assert (delivery.offset, delivery.validator, delivery.length, delivery.content_type) == (
            0,
            '"1"',
            7,
            "audio/flac",
        )
        assert b"".join(delivery.chunks) == b"abcdefg"
    with client.open(f"{server.url}/a", offset=3, validator='"1"', size=7) as delivery:
        assert (delivery.offset, b"".join(delivery.chunks)) == (3, b"defg")
    with client.open(f"{server.url}/a", offset=3, validator='"2"', size=7) as delivery:
        assert (delivery.offset, b"".join(delivery.chunks)) == (0, b"abcdefg")
    with client.open(f"{server.url}/a", offset=3, validator='"1"', size=9) as delivery:
        assert (delivery.offset, delivery.length) == (0, 7)


def test_a_body_cut_short_is_said(server, client):
    server.answers["/a"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"
    with client.open(f"{server.url}/a") as delivery, pytest.raises(SourceUnavailableError):
        list(delivery.chunks)
    with pytest.raises(SourceUnavailableError):
        client.get(f"{server.url}/a")


def test_a_packed_file_is_not_taken_for_the_file(server, client):
    server.answers["/a"] = whole(gzip.compress(b"x"), "Content-Encoding: gzip")
    with pytest.raises(SourceProtocolError, match="nobody asked for"), client.open(f"{server.url}/a"):
        pass


@pytest.mark.parametrize(
    ("robots", "is_read"),
    [
        (whole(b"User-agent: *\nDisallow: /private/\n"), True),
        (whole(b"User-agent: *\nDisallow: /\n"), False),
        (whole(b"User-agent: archiver\nDisallow: /page\n\nUser-agent: *\nAllow: /\n"), False),
        (whole(b"\xff\xfe\0garbage" * 1000), True),
        (whole(b"", status="404 Not Found"), True),
        (whole(b"", status="403 Forbidden"), True),
        (whole(b"", status="500 No"), False),
    ],
)
def test_pages_are_read_as_robots_txt_allows(server, client, robots, is_read):
    server.answers |= {"/robots.txt": robots, "/page": whole(b"hello")}
    if is_read:
        assert client.get(f"{server.url}/page", obeys_robots=True).body == b"hello"
    else:
        with pytest.raises(SourceError, match=r"robots\.txt"):
            client.get(f"{server.url}/page", obeys_robots=True)
        assert "/page" not in server.paths()


@pytest.mark.parametrize(
    "url", ["", "no address", "http://", "http://a b/", "http://" + "a" * 300 + ".org/", "http://a\r\nX: y/"]
)
def test_what_is_no_address_is_an_error(url):
    client = Client(Conduct("archiver/0", "mailto:a@example.org", patience=ONCE), clock=SystemClock())
    with pytest.raises(SourceError):
        client.get(url)


def test_nothing_is_asked_of_a_host_that_asked_for_time(server):
    server.answers["/a"] = whole(b"", "Retry-After: 7200", status="429 Slow Down")
    server.answers["/b"] = whole(b"")
    client = client_of(server)
    with pytest.raises(SourceUnavailableError, match="slow down"):
        client.get(f"{server.url}/a")
    with pytest.raises(SourceUnavailableError, match="left alone for 7"):
        client.get(f"{server.url}/b")
    assert len(server.heads) == 1


def test_json_keeps_what_it_cannot_write_again_as_text(server, client):
    server.answers["/a"] = whole(b'{"a": 1e999, "b": NaN}')
    assert json.dumps(client.get(f"{server.url}/a").json(what="x")) == '{"a": "1e999", "b": "NaN"}'
