"""The short way to S3: what it sends, what it takes for an answer, and when it leaves a request to boto3."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from archiver.core.errors import StoreUnavailableError
from archiver.stores.s3 import S3Store
from archiver.stores.s3_capabilities import Capabilities
from archiver.stores.s3_client import MIB, Checksums, S3Location
from archiver.stores.s3_signing import EMPTY, Signer, query_of, quoted
from archiver.stores.s3_wire import Line
from tests.contracts.store_contract import content_of, put
from tests.servers.fault_proxy import FaultProxy, Request, answer
from tests.servers.s3_servers import BUCKET

pytestmark = pytest.mark.xdist_group("ministack")

MODERN = Capabilities(Checksums.SHA256, create_only=True, checks_digests=True, answers_digests=True)
ROOT = Path(__file__).parents[2]

_PREFIXES = count()


@pytest.fixture
def proxy(ministack):
    with FaultProxy(ministack.port) as standing:
        yield standing


@pytest.fixture
def store(proxy, ministack):
    location = S3Location(BUCKET, prefix=f"short/{next(_PREFIXES)}", endpoint=proxy.endpoint, attempts=2)
    opened = S3Store("mirror", location, session=ministack.session(), capabilities=MODERN)
    yield opened
    opened.close()


def is_boto3s(request: Request) -> bool:
    return b"oto" in re.search(rb"(?im)^user-agent: (.*)", request.head)[1]


@pytest.mark.parametrize("token", ["", "a/token+with=signs"])
def test_a_request_is_signed_as_boto3_signs_it(token):
    path, query = "/bucket/" + quoted("a b/ü~(1)*+.wav", safe="/"), query_of({"prefix": "ü /+", "list-type": "2"})
    keys = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token or None)
    headers = {"host": "example.org:9000", "x-amz-meta-sha256": "abc", "if-none-match": "*"}
    signed = Signer("eu-west-3", keys.get_frozen_credentials).signed("PUT", path, query, headers, EMPTY)

    theirs = AWSRequest("PUT", f"http://example.org:9000{path}?{query}", headers=headers)
    theirs.context["timestamp"] = signed["x-amz-date"]
    theirs.headers["X-Amz-Date"] = signed["x-amz-date"]
    theirs.headers["X-Amz-Content-SHA256"] = EMPTY
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    signer = S3SigV4Auth(keys, "s3", "eu-west-3")
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    assert signed["authorization"].endswith(f", Signature={signature}")


def test_what_a_store_does_every_day_needs_no_boto3(ministack):
    script = f"""
import sys
from archiver.core.fixity import digest_of
from archiver.stores.s3 import S3Store
from archiver.stores.s3_client import S3Location
store = S3Store("mirror", S3Location({BUCKET!r}, prefix="short/every-day", endpoint={ministack.endpoint!r}, region="us-east-1"))
store.put("a", b"abc", sha256=digest_of(b"abc"))  # asks what the service can do, and removes what that left
with store.read("a") as chunks:
    assert b"".join(chunks) == b"abc"
assert store.stat("a").size == 3 and [facts.key for facts in store.list("")] == ["a"]
store.delete("a")
from archiver.stores.s3_shortcut import _tls
assert _tls(S3Location("b", endpoint="https://example.org")).get_ca_certs()
assert not list(store.list(""))
print(*(name for name in sys.modules if name in ("boto3", "botocore", "urllib3")))
"""
    keys = {"AWS_ACCESS_KEY_ID": ministack.access_key, "AWS_SECRET_ACCESS_KEY": ministack.secret_key}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {**keys, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::ResourceWarning"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("status", ["301 Moved Permanently", "400 Bad Request", "403 Forbidden"])
def test_an_answer_that_boto3_may_understand_is_left_to_it_and_so_is_all_that_follows(store, proxy, status):
    told = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
    proxy.respond = lambda request: None if is_boto3s(request) else answer(status, told)
    put(store, "a", os.urandom(2 * MIB))
    assert store.stat("a").size == 2 * MIB
    assert [is_boto3s(request) for request in proxy.requests[:2]] == [False, True]
    assert all(is_boto3s(request) for request in proxy.requests[2:])


def test_keys_with_all_kinds_of_characters_are_listed_as_they_are(store):
    keys = ["a b", "a+b", "100%", "ü/ö", "<&>", "q?x=1#y", "c:d;e"]
    for key in keys:
        put(store, key, b"x")
    assert sorted(facts.key for facts in store.list("")) == sorted(keys)
    assert all(content_of(store, key) == b"x" for key in keys)


def test_an_answer_in_chunks_is_put_together(store, proxy):
    def in_chunks(request: Request, whole: bytes) -> bytes:
        head, _, body = whole.partition(b"\r\n\r\n")
        head = re.sub(rb"(?im)^content-length:[^\r\n]*\r\n", b"", head + b"\r\n")
        middle = len(body) // 2
        chunks = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in (body[:middle], body[middle:]) if part)
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: x\r\n\r\n"

    content = os.urandom(3 * MIB + 7)
    put(store, "a", content)
    proxy.alter_down = in_chunks
    assert content_of(store, "a") == content
    assert [facts.size for facts in store.list("")] == [len(content)]

    proxy.alter_down = lambda request, whole: in_chunks(request, whole)[: 2 * MIB]
    with store.read("a") as chunks, pytest.raises(StoreUnavailableError):
        list(chunks)


def test_a_listing_that_breaks_off_is_asked_for_again(store, proxy):
    put(store, "a", b"x")
    cut = iter([True, False])
    proxy.alter_down = lambda request, whole: whole[:-40] if next(cut) else whole
    assert [facts.key for facts in store.list("")] == ["a"]


@contextmanager
def serving(*answers: bytes, reads: bool = True):
    """Give these answers on one connection, each after the head of a request, and then end it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, client.makefile("rb") as lines:
                for one in answers:
                    while reads and lines.readline() not in {b"\r\n", b""}:
                        pass
                    client.sendall(one)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        line = Line(
            f"http://127.0.0.1:{listener.getsockname()[1]}", tls=None, connect_timeout=2, read_timeout=2, most=2
        )
        yield line
        line.close()
        thread.join(5)


def test_an_answer_that_comes_before_the_body_was_taken_is_heard():
    with serving(b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n") as line:
        assert line.ask("PUT", "/b/k", {}, os.urandom(32 * MIB)).status == 412


def test_an_announcement_is_passed_over_and_a_connection_used_again():
    good = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with serving(good, good) as line:
        for _ in range(2):
            assert line.ask("GET", "/", {}).read(9) == b"ok"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_what_is_no_http_is_a_fault_of_the_connection(head):
    with serving(head) as line, pytest.raises(ConnectionError):
        line.ask("GET", "/", {})


def test_a_header_cannot_bring_another_line():
    line = Line("http://127.0.0.1:9", tls=None, connect_timeout=1, read_timeout=1, most=1)
    with pytest.raises(ValueError, match="end of a line"):
        line.ask("GET", "/", {"x-amz-storage-class": "A\r\nX: y"})
