"""The S3 store beyond the contract: what services and networks do to it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import threading
import time
import tracemalloc
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, NoCredentialsError

from archiver.core.errors import (
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from archiver.core.fixity import Algorithm, Digest, Grade, digest_of
from archiver.core.objects import StagedFile
from archiver.stores.s3 import S3Store
from archiver.stores.s3_capabilities import Capabilities
from archiver.stores.s3_client import MIB, Checksums, FilePart, S3Location
from archiver.stores.s3_errors import KeyTakenError, UnsupportedRequestError, translating
from tests.contracts.store_contract import content_of, put, stage
from tests.servers.certificates import make_certificates
from tests.servers.fault_proxy import (
    NO_SUCH_UPLOAD,
    NOT_IMPLEMENTED,
    SLOW_DOWN,
    FaultProxy,
    Request,
    answer,
    flipped,
    times,
)
from tests.servers.s3_servers import BUCKET

pytestmark = pytest.mark.xdist_group("ministack")

AT_BOTH = pytest.mark.parametrize(
    "server_name", ["ministack", pytest.param("swift", marks=pytest.mark.xdist_group("swift"))]
)

MODERN = Capabilities(Checksums.SHA256, create_only=True, checks_digests=True, answers_digests=True)

_PREFIXES = count()


@pytest.fixture
def open_store(ministack):
    """Makes stores at ministack, each below a prefix of its own unless told otherwise, and closes them."""
    opened = []

    def open_(
        endpoint: str = "", *, server=ministack, capabilities=None, bucket=BUCKET, prefix="", **settings
    ) -> S3Store:
        settings = {"connect_timeout": 2, "read_timeout": 10, "attempts": 3} | settings
        prefix = prefix or f"s3/{next(_PREFIXES)}"
        location = S3Location(bucket, prefix=prefix, endpoint=endpoint or server.endpoint, **settings)
        opened.append(S3Store("mirror", location, session=server.session(), capabilities=capabilities))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def proxy(ministack):
    with FaultProxy(ministack.port) as proxy_:
        yield proxy_


@pytest.fixture
def bucket(ministack):
    """Plain boto3, as a second opinion."""
    client = ministack.client()
    yield client
    client.close()


def keys_in(client, prefix=""):
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]


def uploads_in(client, prefix):
    return client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])


# ----- Where and how


@pytest.mark.parametrize("endpoint", ["ftp://example.org", "example.org", "http://", "http://key:secret@127.0.0.1:1"])
def test_an_endpoint_that_is_no_plain_url_is_refused_and_its_secret_not_told(endpoint):
    with pytest.raises(ValueError, match="endpoint") as caught:
        S3Location("bucket", endpoint=endpoint)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["/bags", "bags/", "a//b", ".."])
def test_a_prefix_that_is_no_key_is_refused(prefix):
    with pytest.raises(ValueError, match="not an object key"):
        S3Location("bucket", prefix=prefix)


def test_a_location_says_where_it_is_as_the_settings_do():
    assert S3Location("open-audio", prefix="bags").url == "s3://open-audio/bags"
    assert S3Location("open-audio").url == "s3://open-audio"


# ----- What it cannot reach


def test_a_service_that_is_not_there_can_be_tried_again_later(open_store):
    store = open_store("http://127.0.0.1:9", attempts=1)
    for attempt in (lambda: put(store, "a", b"x"), lambda: store.stat("a"), lambda: list(store.list(""))):
        with pytest.raises(StoreUnavailableError, match="mirror"):
            attempt()


def test_without_credentials_the_reader_is_told_so(tmp_path, monkeypatch, ministack):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = S3Store("mirror", S3Location(BUCKET, endpoint=ministack.endpoint))
    with pytest.raises(StoreRefusedError, match="credentials") as caught:
        store.stat("a")
    assert f"aws s3 ls s3://{BUCKET}/ --endpoint-url" in caught.value.next_command
    store.close()


def test_a_profile_that_is_not_there_is_named(ministack):
    store = S3Store("mirror", S3Location(BUCKET, endpoint=ministack.endpoint, profile="no-such-profile"))
    with pytest.raises(StoreRefusedError, match="no-such-profile"):
        store.stat("a")


@pytest.mark.xdist_group("swift")
def test_a_wrong_secret_is_refused_and_not_told(swift):
    session = boto3.session.Session(swift.access_key, "wrong-secret-key")
    store = S3Store("mirror", S3Location(BUCKET, endpoint=swift.endpoint, attempts=1), session=session)
    for attempt in (lambda: put(store, "a", b"x"), lambda: store.stat("a"), lambda: list(store.list(""))):
        with pytest.raises(StoreRefusedError) as caught:
            attempt()
        assert "wrong-secret-key" not in str(caught.value)
    store.close()


@AT_BOTH
def test_a_bucket_that_is_not_there_is_not_an_empty_one(server_name, request, open_store):
    store = open_store(server=request.getfixturevalue(server_name), bucket="no-such-bucket", capabilities=MODERN)

    def read():
        with store.read("a"):
            pass

    for attempt in (lambda: put(store, "a", b"x"), lambda: store.stat("a"), read, lambda: list(store.list(""))):
        with pytest.raises(StoreRefusedError, match="no-such-bucket"):
            attempt()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (412, "PreconditionFailed", KeyTakenError),
        (412, "", KeyTakenError),
        (409, "ConditionalRequestConflict", KeyTakenError),
        (409, "OperationAborted", StoreUnavailableError),
        (404, "NoSuchKey", ObjectNotFoundError),
        (404, "404", ObjectNotFoundError),
        (404, "NoSuchBucket", StoreRefusedError),
        (400, "BadDigest", ObjectDamagedError),
        (400, "XAmzContentSHA256Mismatch", ObjectDamagedError),
        (400, "RequestTimeout", StoreUnavailableError),
        (400, "IncompleteBody", StoreUnavailableError),
        (400, "ExpiredToken", StoreRefusedError),
        (400, "AuthorizationHeaderMalformed", StoreRefusedError),
        (400, "InvalidArgument", UnsupportedRequestError),
        (400, "KeyTooLongError", StoreError),
        (501, "NotImplemented", UnsupportedRequestError),
        (403, "AccessDenied", StoreRefusedError),
        (403, "SignatureDoesNotMatch", StoreRefusedError),
        (403, "InvalidObjectState", StoreError),
        (301, "PermanentRedirect", StoreRefusedError),
        (429, "TooManyRequests", StoreUnavailableError),
        (500, "InternalError", StoreUnavailableError),
        (503, "SlowDown", StoreUnavailableError),
        (507, "XMinioStorageFull", StoreRefusedError),
        (403, "QuotaExceeded", StoreRefusedError),
        (0, "", StoreUnavailableError),
    ],
)
def test_every_answer_has_its_meaning(status, code, expected):
    answered = {"Error": {"Code": code, "Message": "told"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(expected, match=f"'mirror' cannot write s3://b/key: .*{status}") as caught:
        _translate(ClientError(answered, "PutObject"))
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoCredentialsError(), StoreRefusedError),
        (ConnectionClosedError(endpoint_url="http://x"), StoreUnavailableError),
        (ConnectionResetError(errno.ECONNRESET, "reset"), StoreUnavailableError),
        (ValueError("Invalid endpoint: x"), StoreRefusedError),
    ],
)
def test_every_fault_on_the_way_has_its_meaning(error, expected):
    with pytest.raises(expected, match="'mirror' cannot write s3://b/key"):
        _translate(error)


def _translate(error):
    with translating("mirror", S3Location("b"), "write", "key"):
        raise error


# ----- What a bucket can do


def test_a_service_that_checks_and_answers_gives_provider_grade(open_store, bucket):
    store = open_store(prefix="s3/modern")
    assert store.capabilities() == MODERN
    assert put(store, "a b", b"abc").grade is Grade.PROVIDER
    assert store.stat("a b").sha256 == digest_of(b"abc")
    assert keys_in(bucket, "s3/modern") == ["s3/modern/a b"]
    head = bucket.head_object(Bucket=BUCKET, Key="s3/modern/a b", ChecksumMode="ENABLED")
    assert head["Metadata"] == {"sha256": digest_of(b"abc").value}
    assert head["ChecksumSHA256"]


@pytest.mark.xdist_group("swift")
def test_a_service_that_keeps_no_digest_gives_size_grade(swift, open_store):
    store = open_store(server=swift)
    assert store.capabilities() == Capabilities(
        Checksums.SHA256, create_only=True, checks_digests=True, answers_digests=False
    )
    assert put(store, "a", b"abc").grade is Grade.SIZE
    again = put(store, "a", b"abc")
    assert (again.grade, again.existed) == (Grade.READ, True)
    assert store.stat("a").sha256 is None


def test_a_digest_counts_only_when_the_service_was_seen_to_check_it(open_store, proxy):
    """As moto and rclone do: they take any digest and give it back."""

    def forge(request: Request) -> Request:
        return request.without("x-amz-checksum-sha256").without("x-amz-sdk-checksum-algorithm")

    def echo(request: Request, whole: bytes) -> bytes:
        head, _, body = whole.partition(b"\r\n\r\n")
        # Of the probe's object, so that it finds the digest it looks for.
        return head + b"\r\nx-amz-checksum-sha256: " + b64encode(hashlib.sha256(b"first").digest()) + b"\r\n\r\n" + body

    proxy.alter_up, proxy.alter_down = forge, echo
    store = open_store(proxy.endpoint)
    assert store.capabilities() == Capabilities(
        Checksums.SHA256, create_only=True, checks_digests=False, answers_digests=True
    )
    assert put(store, "a", b"abc").grade is Grade.SIZE
    assert store.stat("a").sha256 is None
    with pytest.raises(ObjectDamagedError, match="not the promised ones"):
        store.put("b", b"tampered", sha256=digest_of(b"original"))


def test_a_service_that_ignores_the_condition_is_asked_first(open_store, proxy):
    proxy.alter_up = lambda request: request.without("if-none-match")
    store = open_store(proxy.endpoint)
    assert not store.capabilities().create_only
    put(store, "a", b"first")
    with pytest.raises(ObjectConflictError):
        put(store, "a", b"other")
    assert put(store, "a", b"first").existed
    assert content_of(store, "a") == b"first"


@pytest.mark.parametrize("status", ["501 Not Implemented", "400 Bad Request"])
def test_a_service_that_knows_no_conditions_is_used_without(open_store, proxy, status):
    proxy.respond = lambda request: answer(status, NOT_IMPLEMENTED) if request.has("if-none-match") else None
    store = open_store(proxy.endpoint, attempts=1)
    assert store.capabilities() == Capabilities(
        Checksums.SHA256, create_only=False, checks_digests=True, answers_digests=True
    )
    put(store, "a", b"first")
    with pytest.raises(ObjectConflictError):
        put(store, "a", b"other")


def test_an_old_service_that_refuses_checksum_headers_gets_md5(open_store, proxy, tmp_path):
    def refuse(request: Request) -> bytes | None:
        return answer("400 Bad Request", NOT_IMPLEMENTED) if request.has("x-amz-checksum-sha256") else None

    proxy.respond = refuse
    store = open_store(proxy.endpoint, attempts=1)
    assert store.capabilities().checksums is Checksums.MD5
    staged = stage(tmp_path, os.urandom(2 * MIB))
    store.put("a", staged, sha256=staged.sha256)
    last = next(request for request in reversed(proxy.requests) if request.method == "PUT")
    assert last.has("content-md5")
    assert content_of(store, "a") == staged.path.read_bytes()


def test_settings_that_name_a_checksum_are_not_second_guessed(open_store, proxy):
    store = open_store(proxy.endpoint, checksums=Checksums.NONE)
    assert store.capabilities().checksums is Checksums.NONE
    put(store, "a", b"abc")
    assert not any(request.has("content-md5") or request.has("x-amz-checksum-sha256") for request in proxy.requests)


def test_the_bucket_is_tried_once_for_many_threads(open_store, proxy):
    store = open_store(proxy.endpoint)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: put(store, f"a/{number}", b"x"), range(8)))
    assert sum("-wrong" in request.target and request.method == "PUT" for request in proxy.requests) == 1


def test_a_probe_that_finds_nobody_is_repeated(open_store, proxy):
    proxy.respond = times(1, lambda request: answer("503 Slow Down", SLOW_DOWN))
    store = open_store(proxy.endpoint, attempts=1)
    with pytest.raises(StoreUnavailableError):
        put(store, "a", b"abc")
    assert put(store, "a", b"abc").grade is Grade.PROVIDER


# ----- What happens on the way


@pytest.mark.parametrize("size", [100, 3 * MIB])
def test_a_byte_changed_on_the_way_up_is_refused_and_nothing_is_visible(open_store, proxy, tmp_path, size):
    store = open_store(proxy.endpoint, capabilities=MODERN)
    proxy.alter_up = times(9, lambda request: Request(request.head, flipped(request.body)))
    staged = stage(tmp_path, os.urandom(size))
    with pytest.raises(ObjectDamagedError):
        store.put("a", staged, sha256=staged.sha256)
    with pytest.raises(ObjectNotFoundError):
        store.stat("a")


def test_a_lost_answer_is_settled_by_what_is_there(open_store, proxy):
    store = open_store(proxy.endpoint, capabilities=MODERN)
    proxy.alter_down = times(1, lambda request, whole: b"")
    receipt = put(store, "a", b"abc")
    assert (receipt.existed, receipt.grade) == (True, Grade.PROVIDER)
    assert [request.method for request in proxy.requests] == ["PUT", "PUT", "HEAD"]
    assert content_of(store, "a") == b"abc"


def test_a_lost_answer_without_another_try_is_settled_by_the_next_put(open_store, proxy):
    store = open_store(proxy.endpoint, capabilities=MODERN, attempts=1)
    proxy.alter_down = times(1, lambda request, whole: b"")
    with pytest.raises(StoreUnavailableError):
        put(store, "a", b"abc")
    assert put(store, "a", b"abc").existed


def test_a_key_that_is_taken_and_not_there_can_be_tried_again_later(open_store, proxy):
    store = open_store(proxy.endpoint, capabilities=MODERN)
    proxy.respond = times(1, lambda request: answer("412 Precondition Failed", b""))
    with pytest.raises(StoreUnavailableError, match="somebody else"):
        put(store, "a", b"abc")


def test_a_service_that_asks_to_slow_down_is_tried_again(open_store, proxy, tmp_path):
    store = open_store(proxy.endpoint, capabilities=MODERN)
    proxy.respond = times(1, lambda request: answer("503 Slow Down", SLOW_DOWN))
    staged = stage(tmp_path, os.urandom(2 * MIB))
    assert store.put("a", staged, sha256=staged.sha256).grade is Grade.PROVIDER
    assert content_of(store, "a") == staged.path.read_bytes()


def test_a_service_that_always_says_slow_down_is_unavailable(open_store, proxy):
    store = open_store(proxy.endpoint, capabilities=MODERN, attempts=2)
    proxy.respond = lambda request: answer("503 Slow Down", SLOW_DOWN)
    with pytest.raises(StoreUnavailableError, match="SlowDown"):
        put(store, "a", b"abc")
    assert len(proxy.requests) == 2


def test_an_answer_that_breaks_off_is_told_between_chunks(open_store, proxy):
    store = open_store(proxy.endpoint, capabilities=MODERN)
    put(store, "a", os.urandom(3 * MIB))
    proxy.alter_down = times(1, lambda request, whole: whole[: 2 * MIB], method="GET")
    received = []
    with store.read("a") as chunks, pytest.raises(StoreUnavailableError, match=r"s3/.*/a"):
        received.extend(len(chunk) for chunk in chunks)
    assert 0 < sum(received) < 2 * MIB


def test_a_service_that_falls_silent_is_left_in_time(open_store, proxy):
    store = open_store(proxy.endpoint, capabilities=MODERN, attempts=1, read_timeout=0.3)

    def sleep(request: Request) -> bytes:
        time.sleep(1)
        return b""

    proxy.respond = sleep
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"(?i)timeout"):
        store.stat("a")
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<not-xml>",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 33\r\nConnection: close\r\n\r\n<ListBucketResult><Contents><Key/>",
    ],
)
def test_nonsense_is_an_error_of_the_store_and_no_crash(open_store, proxy, nonsense):
    store = open_store(proxy.endpoint, capabilities=MODERN, attempts=1)
    proxy.respond = lambda request: nonsense
    for attempt in (lambda: list(store.list("")), lambda: put(store, "a", b"abc"), lambda: store.stat("a")):
        with suppress(StoreError, StoreRefusedError):
            attempt()


# ----- Large objects


SMALL_PARTS = {"single_put_limit": 6 * MIB, "part_size": 5 * MIB}


@AT_BOTH
def test_a_large_object_goes_up_in_parts(server_name, request, open_store, tmp_path):
    server = request.getfixturevalue(server_name)
    store = open_store(server=server, **SMALL_PARTS)
    staged = stage(tmp_path, os.urandom(11 * MIB + 3))
    receipt = store.put("large", staged, sha256=staged.sha256)
    assert (receipt.grade, receipt.existed) == (Grade.SIZE, False)
    assert content_of(store, "large") == staged.path.read_bytes()
    assert store.stat("large").sha256 is None
    again = store.put("large", staged, sha256=staged.sha256)
    assert (again.grade, again.existed) == (Grade.READ, True)
    other = stage(tmp_path, os.urandom(11 * MIB + 3), name="other")
    with pytest.raises(ObjectConflictError):
        store.put("large", other, sha256=other.sha256)
    assert store.sweep() == 0


def test_a_large_file_that_changed_is_refused_and_its_parts_are_dropped(open_store, bucket, tmp_path):
    store = open_store(prefix="s3/changed", **SMALL_PARTS)
    content = os.urandom(11 * MIB)
    staged = stage(tmp_path, content)
    staged.path.write_bytes(flipped(content))
    with pytest.raises(ObjectDamagedError, match="not what it was"):
        store.put("large", staged, sha256=staged.sha256)
    assert keys_in(bucket, "s3/changed") == []
    assert uploads_in(bucket, "s3/changed") == []


def test_a_part_that_cannot_be_sent_drops_the_others(open_store, proxy, bucket, tmp_path):
    store = open_store(proxy.endpoint, prefix="s3/cut", attempts=1, capabilities=MODERN, **SMALL_PARTS)
    proxy.respond = times(1, lambda request: answer("503 Slow Down", SLOW_DOWN), target="partNumber=2")
    staged = stage(tmp_path, os.urandom(11 * MIB))
    with pytest.raises(StoreUnavailableError):
        store.put("large", staged, sha256=staged.sha256)
    assert any(request.method == "DELETE" for request in proxy.requests)
    assert keys_in(bucket, "s3/cut") == uploads_in(bucket, "s3/cut") == []


def test_a_lost_answer_to_the_completion_is_settled_by_what_is_there(open_store, proxy, tmp_path):
    store = open_store(proxy.endpoint, capabilities=MODERN, **SMALL_PARTS)
    proxy.alter_down = times(1, lambda request, whole: b"", method="POST", target="uploadId=")
    # AWS answers so when the upload was completed some time ago; ministack completes it a second time.
    proxy.respond = lambda request: (
        answer("404 Not Found", NO_SUCH_UPLOAD) if _completions(proxy) > 1 and "uploadId=" in request.target else None
    )
    staged = stage(tmp_path, os.urandom(11 * MIB))
    receipt = store.put("large", staged, sha256=staged.sha256)
    assert (receipt.existed, receipt.grade) == (True, Grade.READ)


def _completions(proxy: FaultProxy) -> int:
    return sum(request.method == "POST" and "uploadId=" in request.target for request in proxy.requests)


def test_a_service_without_conditional_completion_is_used_without(open_store, proxy, tmp_path):
    def refuse(request: Request) -> bytes | None:
        if request.method == "POST" and request.has("if-none-match"):
            return answer("501 Not Implemented", NOT_IMPLEMENTED)
        return None

    proxy.respond = refuse
    store = open_store(proxy.endpoint, capabilities=MODERN, attempts=1, **SMALL_PARTS)
    staged = stage(tmp_path, os.urandom(7 * MIB))
    store.put("large", staged, sha256=staged.sha256)
    assert content_of(store, "large") == staged.path.read_bytes()


def test_a_sweep_drops_unfinished_uploads_and_probes_below_the_prefix_only(open_store, bucket):
    store = open_store(prefix="s3/swept")
    put(store, "kept", b"x")
    for key in ("s3/swept/a b", "s3/swept/bags/ü", "s3/elsewhere/a"):
        bucket.create_multipart_upload(Bucket=BUCKET, Key=key)
    bucket.put_object(Bucket=BUCKET, Key="s3/swept/archive/probe/left", Body=b"")
    assert [facts.key for facts in store.list("")] == ["kept"]
    assert store.sweep() == 3
    assert store.sweep() == 0
    assert [upload["Key"] for upload in uploads_in(bucket, "s3/elsewhere")] == ["s3/elsewhere/a"]
    assert keys_in(bucket, "s3/swept") == ["s3/swept/kept"]


# ----- Listings and keys


def test_a_listing_goes_on_behind_the_first_page(open_store, ministack):
    store = open_store(prefix="s3/many")
    client = ministack.client()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: client.put_object(Bucket=BUCKET, Key=f"s3/many/{n:04}", Body=b""), range(1005)))
    client.close()
    assert sorted(facts.key for facts in store.list("")) == [f"{number:04}" for number in range(1005)]


def test_names_that_are_no_keys_and_neighbours_of_the_prefix_are_not_listed(open_store, bucket):
    store = open_store(prefix="s3/mine")
    put(store, "a/b", b"x")
    for key in ("s3/mine/a/", "s3/mine/a//b", "s3/mine/../x", "s3/mine2/a", "s3/mine"):
        bucket.put_object(Bucket=BUCKET, Key=key, Body=b"foreign")
    assert [facts.key for facts in store.list("")] == ["a/b"]


def test_a_key_longer_than_s3_allows_concerns_one_object(open_store):
    store = open_store(prefix="p", capabilities=MODERN)
    with pytest.raises(StoreError, match="at most 1024 bytes, actual 1025") as caught:
        put(store, "ü" * 511 + "x", b"x")
    assert type(caught.value) is StoreError
    with pytest.raises(ObjectNotFoundError):
        store.stat("ü" * 600)
    store.delete("ü" * 600)


# ----- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_a_service_with_a_certificate_of_its_own_is_trusted_when_told_so(open_store, ministack, certificates, tmp_path):
    context, authority = certificates
    staged = stage(tmp_path, os.urandom(2 * MIB))
    with FaultProxy(ministack.port, tls=context) as proxy:
        store = open_store(proxy.endpoint, ca_bundle=str(authority))
        assert store.put("a", staged, sha256=staged.sha256).grade is Grade.PROVIDER
        assert content_of(store, "a") == staged.path.read_bytes()
        put_request = next(request for request in reversed(proxy.requests) if request.method == "PUT")
    # Over TLS boto3 would leave the payload unsigned and put the checksum into a trailer, which old services refuse.
    assert re.search(rb"(?i)x-amz-content-sha256: " + staged.sha256.value.encode(), put_request.head)
    assert not put_request.has("x-amz-trailer")


def test_a_certificate_that_nobody_vouches_for_is_refused_with_what_to_set(open_store, ministack, certificates):
    context, _ = certificates
    with FaultProxy(ministack.port, tls=context) as proxy:
        store = open_store(proxy.endpoint, attempts=1)
        with pytest.raises(StoreRefusedError, match="ca_bundle"):
            store.stat("a")
        assert proxy.requests == []


# ----- Bodies


def test_a_section_of_a_file_is_read_as_a_file_of_its_own(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as file:
        part = FilePart(file.fileno(), offset=2, length=5, sha256="")
        assert (len(part), part.read(3), part.tell(), part.read(), part.read(1)) == (5, b"234", 3, b"56", b"")
        assert (part.seek(1), part.read(2), part.seek(-1, os.SEEK_END), part.read()) == (1, b"34", 4, b"6")


def test_a_file_that_becomes_shorter_while_it_is_sent_is_told(open_store, proxy, tmp_path):
    store = open_store(proxy.endpoint, capabilities=MODERN)
    staged = stage(tmp_path, os.urandom(4 * MIB))

    def truncate(request: Request) -> None:  # between the first part and the second
        if request.method == "PUT" and "partNumber=1" in request.target:
            os.truncate(staged.path, 100)

    proxy.respond = truncate
    store = open_store(proxy.endpoint, capabilities=MODERN, single_put_limit=MIB, part_size=2 * MIB)
    with pytest.raises(StoreError, match=r"staged file cannot be read.*shorter") as caught:
        store.put("a", staged, sha256=staged.sha256)
    assert not caught.value.transient


# ----- Cost


@pytest.fixture
def sink():
    """A service that takes everything and keeps nothing; its port and the number of bytes it took."""
    taken = []

    def serve(client: socket.socket) -> None:
        buffer = memoryview(bytearray(MIB))
        with client, client.makefile("rb") as lines:
            while head := b"".join(iter(lines.readline, b"\r\n")):
                if b"100-continue" in head:
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                left = int(length[1]) if length else 0
                taken.append(left)
                while left:
                    left -= lines.readinto1(buffer[:left])
                # No object is there; an upload that begins gets an identifier.
                status = b"404 Not Found" if re.match(rb"HEAD /[^/ ]+/", head) else b"200 OK"
                body = b"<A><UploadId>u</UploadId></A>" if head.startswith(b"POST") else b""
                client.sendall(b'HTTP/1.1 %b\r\nContent-Length: %d\r\nETag: "x"\r\n\r\n%b' % (status, len(body), body))

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], taken
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize(
    ("limits", "readings"),
    [({}, 1), (SMALL_PARTS | {"single_put_limit": 64 * MIB, "part_size": 32 * MIB}, 2)],
    ids=["in one request", "in parts"],
)
def test_memory_is_constant_and_each_file_is_read_as_seldom_as_promised(open_store, sink, tmp_path, limits, readings):
    port, taken = sink
    can = Capabilities(Checksums.SHA256, create_only=True, checks_digests=True, answers_digests=False)
    store = open_store(f"http://127.0.0.1:{port}", capabilities=can, **limits)
    size, files = 100 * MIB, 4
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, size)
    hasher = hashlib.sha256()
    for _ in range(size // MIB):
        hasher.update(bytes(MIB))
    staged = StagedFile(path, size, Digest(Algorithm.SHA256, hasher.hexdigest()))
    put(store, "first", b"a client is made")
    store._bucket().abort("first", "none")  # and boto3's, with the models it reads
    tracemalloc.start()
    try:
        before = _bytes_read()
        with ThreadPoolExecutor(files) as threads:
            list(threads.map(lambda number: store.put(f"{number}", staged, sha256=staged.sha256), range(files)))
        read = _bytes_read() - before
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(taken) == pytest.approx(files * size, rel=0.01)
    assert read == pytest.approx(readings * files * size, rel=0.01)
    assert peak < 24 * MIB


def _bytes_read() -> int:
    """Bytes that this process has read from files so far (proc(5)); what arrives by sockets does not count."""
    try:
        facts = Path("/proc/self/io").read_text()
    except OSError:
        pytest.skip("this machine does not count what a process reads")
    return int(re.search(r"rchar: (\d+)", facts)[1])
