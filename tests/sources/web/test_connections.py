"""Connections are kept, trust who the operator trusts, go by the operator's proxy, and send nothing that was not meant."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from archiver.clock import SystemClock
from archiver.core.errors import SourceError, SourceProtocolError, SourceUnavailableError
from archiver.core.patience import Patience
from archiver.sources.web.client import Client, Conduct
from archiver.sources.web.reach import Reach
from tests.servers.certificates import make_certificates
from tests.servers.raw_http import raw_server, whole

AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture
def client_of():
    made = []

    def client(reach, timeout=10):
        conduct = Conduct("archiver/0", "mailto:a@example.org", reach, 0, timeout=timeout, patience=Patience(0.01, 1))
        made.append(Client(conduct, clock=SystemClock()))
        return made[-1]

    yield client
    for one in made:
        one.close()


class KeepingServer:
    """Answers by path on connections that it keeps open, and counts them."""

    def __init__(self, answers, context=None):
        self.answers = answers
        self.connections = 0
        self._context = context
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.netloc = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self):
        with suppress(OSError):
            while True:
                peer, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with suppress(OSError), self._context.wrap_socket(peer, server_side=True) if self._context else peer as spoken:
            while asked := spoken.recv(65536):
                for piece in self.answers[asked.split(b" ", 2)[1].decode()]:
                    spoken.sendall(piece)


@contextmanager
def keeping(answers, context=None):
    server = KeepingServer(answers, context)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()


def kept(body, *fields, status="200 OK"):
    return [whole(body, *fields, status=status).replace(b"Connection: close\r\n", b"")]


CHUNKED = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n"]


def test_one_connection_serves_many_requests_redirects_and_refusals_too(client_of):
    answers = {
        "/a": kept(b"abc"),
        "/chunked": CHUNKED,
        "/gone": kept(b"<p>Gone", status="410 Gone"),
        "/empty": kept(b""),
        "/moved": kept(b"<p>Moved", "Location: /a", status="302 Found"),
    }
    with keeping(answers) as server:
        client = client_of(Reach(f"http://{server.netloc}"))
        for _ in range(3):
            assert client.get(f"http://{server.netloc}/moved").body == b"abc"
            assert client.get(f"http://{server.netloc}/chunked").body == b"abcde"
            assert client.get(f"http://{server.netloc}/empty").body == b""
            with client.open(f"http://{server.netloc}/moved") as delivery:
                assert b"".join(delivery.chunks) == b"abc"
            with pytest.raises(SourceError):
                client.get(f"http://{server.netloc}/gone")
        assert server.connections == 1


def test_a_body_that_is_left_unread_gives_its_connection_up(client_of):
    with keeping({"/long": kept(b"x" * 1_000_000), "/a": kept(b"abc")}) as server:
        client = client_of(Reach(f"http://{server.netloc}"))
        with client.open(f"http://{server.netloc}/long"):
            pass
        assert client.get(f"http://{server.netloc}/a").body == b"abc"
        assert server.connections == 2


@pytest.mark.parametrize("framed", [True, False])
def test_a_slow_body_comes_in_chunks_worth_their_handling_and_none_is_lost_where_it_stalls(client_of, framed):
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000\r\n\r\n" if framed else b"\r\n")
    pieces = [piece for _ in range(50) for piece in (b"x" * 1000, 0.002)]
    with raw_server() as server:
        server.answers["/a"] = [head, *pieces, 3]
        client = client_of(Reach(server.url), timeout=0.5)
        received = []
        with client.open(f"{server.url}/a") as delivery, pytest.raises(SourceUnavailableError, match="broke off"):
            received.extend(delivery.chunks)
        assert sum(map(len, received)) == 50_000
        assert len(received) < 10


def test_as_many_connections_are_kept_as_threads_ask_at_once(client_of):
    gate = threading.Barrier(12)
    with keeping({"/a": kept(b"abc")}) as server:
        client = client_of(Reach(f"http://{server.netloc}"))

        def asked():
            for _ in range(3):
                gate.wait(10)
                client.get(f"http://{server.netloc}/a")

        threads = [threading.Thread(target=asked) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.connections <= 12


def test_an_authority_that_the_environment_names_is_trusted_and_no_other(client_of, tmp_path, monkeypatch):
    for name in AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    context, authority = make_certificates(tmp_path)
    body = b"x" * 3_000_000
    with keeping({"/a": kept(b"abc"), "/long": kept(body)}, context) as server:
        url = f"https://{server.netloc}"
        with pytest.raises(SourceUnavailableError, match="certificate"):
            client_of(Reach(url)).get(f"{url}/a")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        client = client_of(Reach(url))
        before = server.connections
        assert client.get(f"{url}/a").body == b"abc"
        with client.open(f"{url}/long") as delivery:
            chunks = list(delivery.chunks)
        assert b"".join(chunks) == body
        assert len(chunks) < 20, "records of TLS are gathered"
        assert client.get(f"{url}/a").body == b"abc"
        assert server.connections == before + 1


def test_what_is_named_for_openssl_is_trusted_as_long_as_nothing_is_named_for_requests(
    client_of, tmp_path, monkeypatch
):
    context, authority = make_certificates(tmp_path)
    for name in AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with keeping({"/a": kept(b"abc")}, context) as server:
        url = f"https://{server.netloc}"
        assert client_of(Reach(url)).get(f"{url}/a").body == b"abc"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", DEFAULT_CA_BUNDLE_PATH)
        with pytest.raises(SourceUnavailableError, match="certificate"):
            client_of(Reach(url)).get(f"{url}/a")


def test_a_proxy_of_the_environment_is_asked_in_place_of_the_host(client_of, monkeypatch):
    with raw_server() as proxy:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://us%40er:pw@{proxy.netloc}")
        proxy.answers["http://example.org:8080/a%20b"] = whole(b"by proxy")
        client = client_of(Reach())
        assert client.get("http://example.org:8080/a b", params={"q": "1"}).body == b"by proxy"
        assert proxy.heads[0].startswith("GET http://example.org:8080/a%20b?q=1 HTTP/1.1\r\nHost: example.org:8080\r\n")
        assert "Proxy-Authorization: Basic dXNAZXI6cHc=\r\n" in proxy.heads[0]
        with pytest.raises(SourceUnavailableError, match="404"):
            client.get("https://example.org/secret")
        assert proxy.heads[1].startswith("CONNECT example.org:443 ")
        assert "Basic dXNAZXI6cHc=" in proxy.heads[1]
        with pytest.raises(SourceProtocolError, match="private"):
            client.get("http://10.0.0.1/")
        monkeypatch.setenv("no_proxy", "example.org,127.0.0.0/8")
        with raw_server() as server:
            server.answers["/a"] = whole(b"direct")
            assert client_of(Reach("", (), ("127.0.0.1",))).get(f"{server.url}/a").body == b"direct"
        assert len(proxy.heads) == 2


def test_nothing_on_this_machine_is_asked_by_proxy(client_of, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with raw_server() as server:
        server.answers["/a"] = whole(b"direct")
        assert client_of(Reach(server.url)).get(f"{server.url}/a").body == b"direct"


@pytest.mark.parametrize("value", ["x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\0", "日"])
def test_a_field_that_would_end_its_line_is_not_sent(client_of, value):
    with raw_server() as server:
        with pytest.raises(SourceProtocolError, match="cannot be asked for"):
            client_of(Reach(server.url)).get(f"{server.url}/a", headers={"If-None-Match": value})
        assert server.heads == []


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/a%20b%2F?c=%C3%A4", "/a%20b%2F?c=%C3%A4"),
        ("/a b|ä?x=ü y", "/a%20b%7C%C3%A4?x=%C3%BC%20y"),
        ("/100%", "/100%25"),
        ("/a/../b/./c", "/b/c"),
        ("?q=1#part", "/?q=1"),
        ("//a;b=c,d!$&'()*", "//a;b=c,d!$&'()*"),
    ],
)
def test_what_needs_quoting_is_quoted_and_nothing_else(client_of, asked, sent):
    with raw_server() as server:
        with pytest.raises(SourceError):
            client_of(Reach(server.url)).get(f"{server.url}{asked}")
        assert server.paths() == [sent]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 3", "content-length: 3"], b"abc"),
        (["Content-Length: 3, 3"], b"abc"),
        (["no field at all", "Content-Length: 3"], b"abc"),
        (["X: 1", " folded", "Content-Length: 3"], b"abc"),
        (["Content-Length: -3"], b"abcdef"),
        (["Content-Length: three"], b"abcdef"),
    ],
)
def test_odd_heads_are_read_as_far_as_they_make_sense(client_of, lines, body):
    with raw_server() as server:
        head = "\r\n".join(["HTTP/1.1 200 OK", *lines])
        server.answers["/a"] = head.encode() + b"\r\n\r\nabcdef"
        answer = client_of(Reach(server.url)).get(f"{server.url}/a")
        assert answer.body == body
        assert answer.headers.get("X", "1 folded") == "1 folded"


@pytest.mark.parametrize("lines", [["Content-Length: 3", "Content-Length: 4"], ["X: y"] * 200])
def test_a_head_that_contradicts_itself_or_does_not_end_is_a_fault(client_of, lines):
    with raw_server() as server:
        server.answers["/a"] = "\r\n".join(["HTTP/1.1 200 OK", *lines]).encode() + b"\r\n\r\nabcdef"
        with pytest.raises(SourceError):
            client_of(Reach(server.url)).get(f"{server.url}/a")
