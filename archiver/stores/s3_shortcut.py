"""A shorter way for the requests that a store makes by the thousand; boto3 does all others, and what does not go well.

boto3 takes one to two milliseconds of a processor for a request and a third of a second to start. The six requests here
take a tenth of that, and boto3 is loaded only when it is needed: for credentials that are not in the environment, for
other requests, and for an answer of which it may know more than we do (another region, an expired token, a proxy).
"""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree as ET

from archiver.stores.s3_client import known_bytes, make_client
from archiver.stores.s3_errors import AnswerError
from archiver.stores.s3_signing import EMPTY, Signer, query_of, quoted
from archiver.stores.s3_wire import Line

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    import boto3

    from archiver.stores.s3_client import FilePart, KnownBytes, S3Location
    from archiver.stores.s3_signing import Keys
    from archiver.stores.s3_wire import Answer

_HEADERS = {
    "ChecksumAlgorithm": "x-amz-sdk-checksum-algorithm",
    "ChecksumMode": "x-amz-checksum-mode",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ContentMD5": "content-md5",
    "IfNoneMatch": "if-none-match",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "StorageClass": "x-amz-storage-class",
}
"""boto3's names of arguments, and the headers they become."""

_ANSWERS = {
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "ChecksumType": "x-amz-checksum-type",
    "ContentLength": "content-length",
}
_METADATA = "x-amz-meta-"
_PARAMETERS = {"Prefix": "prefix", "ContinuationToken": "continuation-token"}

# As in boto3's "standard" mode: what is tried again, and for how long to wait at most.
_AGAIN = frozenset({429, 500, 502, 503, 504})
_LONGEST_WAIT = 20  # seconds

# What boto3 may be able to help: a redirect, a wrong region, a token to renew. On 400 and 403 with a code of their own
# it is the service's word on this object.
_PERHAPS_CURABLE = frozenset({400, 401, 403})
_FINAL = frozenset(
    {
        *("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidArgument"),
        *("NotImplemented", "InvalidRequest", "InvalidObjectState", "KeyTooLongError", "EntityTooLarge"),
    }
)

_NOTHING = known_bytes(b"", EMPTY)
_LONGEST_ANSWER = 16 << 20  # bytes; a page of a listing is below 2 MiB


@dataclass(frozen=True, slots=True)
class _OwnKeys:
    access_key: str
    secret_key: str
    token: str | None


class ShortClient:
    """A client as boto3 makes it for S3, with six methods of its own. May be used by many threads.

    Args:
        location: Where.
        session: Credentials from elsewhere than boto3's own chain.
    """

    def __init__(self, location: S3Location, session: boto3.session.Session | None = None) -> None:
        self._location = location
        self._session = session
        self._lock = threading.Lock()
        self._long: Any = None
        self._way = _direct_way(location) if session is None else None
        if self._way is None:
            self._way = self._way_by_boto3()

    def __getattr__(self, name: str) -> Any:
        """Hand over to boto3."""
        return getattr(self._boto3(), name)

    def _boto3(self) -> Any:
        with self._lock:
            if self._long is None:
                self._long = make_client(self._location, self._session)
            return self._long

    def _way_by_boto3(self) -> _Way | None:
        """Let boto3 say who we are and where the bucket is; None where it goes another way than straight there."""
        import boto3  # noqa: PLC0415 - a third of a second that most commands need not spend

        if self._session is None:
            self._session = boto3.session.Session(profile_name=self._location.profile or None)
        session, location = self._session, self._location
        found: Any = session.get_credentials()
        if found is None or ":" in location.bucket or location.bucket.endswith("--x-s3"):
            return None  # those buckets have signatures of their own
        keys = found.get_frozen_credentials
        if location.is_in_path:
            return _way_in_path(location, location.region or session.region_name or "us-east-1", keys)
        signed = self._boto3().generate_presigned_url("get_object", Params={"Bucket": location.bucket, "Key": "k"})
        parts = urlsplit(signed)
        origin, base = f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix("k")
        return _way(location, origin, base, self._boto3().meta.region_name, keys)

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        """As boto3's, for a body that knows its SHA-256."""
        answer = self._ask("PUT", **arguments)
        return self._by_boto3("put_object", arguments) if answer is None else _facts(answer)

    def head_object(self, **arguments: Any) -> dict[str, Any]:
        """As boto3's; without ``ChecksumMode`` it is boto3's."""
        if "ChecksumMode" not in arguments:
            found: dict[str, Any] = self._boto3().head_object(**arguments)
            return found
        answer = self._ask("HEAD", **arguments)
        return self._by_boto3("head_object", arguments) if answer is None else _facts(answer)

    def get_object(self, **arguments: Any) -> dict[str, Any]:
        """As boto3's; the body is to be read or closed."""
        answer = self._ask("GET", streams=True, **arguments)
        if answer is None:
            return self._by_boto3("get_object", arguments)
        return {"Body": answer, "ContentLength": answer.length}

    def head_bucket(self, **arguments: Any) -> dict[str, Any]:
        """As boto3's."""
        answer = self._ask("HEAD", **arguments)
        return self._by_boto3("head_bucket", arguments) if answer is None else _facts(answer)

    def delete_object(self, **arguments: Any) -> dict[str, Any]:
        """As boto3's; whatever names more than an object is boto3's."""
        if arguments.keys() > {"Bucket", "Key"}:
            found: dict[str, Any] = self._boto3().delete_object(**arguments)
            return found
        answer = self._ask("DELETE", **arguments)
        return self._by_boto3("delete_object", arguments) if answer is None else _facts(answer)

    def list_objects_v2(self, **arguments: str) -> dict[str, Any]:
        """As boto3's, with keys and sizes only."""
        query = {"list-type": "2", "encoding-type": "url"}
        query |= {_PARAMETERS[name]: value for name, value in arguments.items() if name in _PARAMETERS}
        answer = self._ask("GET", Bucket=arguments["Bucket"], query=query_of(query))
        return self._by_boto3("list_objects_v2", arguments) if answer is None else _page(answer.content)

    def _by_boto3(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Let boto3 do it; when it can do what we could not, it does everything from now on."""
        found: dict[str, Any] = getattr(self._boto3(), operation)(**arguments)
        way, self._way = self._way, None
        if way is not None:
            way.line.close()
        return found

    def _ask(
        self,
        method: str,
        *,
        Bucket: str,  # noqa: ARG002, N803 - boto3's names; the way leads to this bucket
        Key: str = "",  # noqa: N803
        Body: KnownBytes | FilePart = _NOTHING,  # noqa: N803
        query: str = "",
        streams: bool = False,
        **arguments: Any,
    ) -> Answer | None:
        """Ask until there is an answer, and read it whole unless it streams; None where boto3 has to try.

        Raises:
            AnswerError: The service refused.
            OSError: It did not answer.
        """
        way = self._way
        if way is None:
            return None
        asking = partial(way.ask, method, quoted(Key, safe="/"), query, _headers(arguments), Body, streams=streams)
        answer = self._answer(asking, Body)
        if answer.status < 300:
            return answer
        refusal = _refusal(answer, method)
        if not _may_be_cured(refusal):
            raise refusal
        _rewind(Body)
        return None

    def _answer(self, asking: Callable[[], Answer], body: KnownBytes | FilePart) -> Answer:
        """Ask as often as boto3's "standard" mode would, with pauses that grow."""
        for number in count(1):
            is_last = number >= self._location.attempts
            try:
                answer = asking()
            except OSError as error:
                if is_last or getattr(body, "failure", None) is not None or _is_untrusted(error):
                    raise
            else:
                if is_last or answer.status not in _AGAIN:
                    break
            _rewind(body)
            time.sleep(min(random.random() * 2 ** (number - 1), _LONGEST_WAIT))  # noqa: S311 - spreads tries
        return answer

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._way is not None:
                self._way.line.close()
            if self._long is not None:
                self._long.close()


@dataclass(frozen=True, slots=True)
class _Way:
    """Straight to a bucket.

    Attributes:
        host: As the ``host`` header has it.
        base: The path before a key, quoted.
    """

    line: Line
    signer: Signer
    host: str
    base: str

    def ask(
        self,
        method: str,
        key: str,
        query: str,
        headers: dict[str, str],
        body: KnownBytes | FilePart,
        *,
        streams: bool,
    ) -> Answer:
        """Ask once; the key is quoted, and empty for the bucket itself. A refusal is read whole, and what does not stream."""
        path = self.base + key if key else self.base.rstrip("/") or "/"
        signed = self.signer.signed(method, path, query, headers | {"host": self.host}, body.payload_sha256)
        answer = self.line.ask(method, f"{path}?{query}" if query else path, signed, body)
        if not streams or answer.status >= 300:
            answer.content = _content(answer)
        return answer


def _direct_way(location: S3Location) -> _Way | None:
    """Return a way that needs nothing of boto3's: keys in the environment, an address in the settings."""
    given = os.environ.get
    key, secret = given("AWS_ACCESS_KEY_ID"), given("AWS_SECRET_ACCESS_KEY")
    region = location.region or given("AWS_DEFAULT_REGION", "")
    if not (key and secret and region and location.is_in_path) or location.profile:
        return None
    if given("AWS_PROFILE") or given("AWS_DEFAULT_PROFILE") or given("AWS_CREDENTIAL_EXPIRATION"):
        return None
    keys = _OwnKeys(key, secret, given("AWS_SESSION_TOKEN") or given("AWS_SECURITY_TOKEN"))
    return _way_in_path(location, region, lambda: keys)


def _way_in_path(location: S3Location, region: str, keys: Callable[[], Keys]) -> _Way | None:
    parts = urlsplit(location.endpoint)
    base = f"{parts.path.rstrip('/')}/{location.bucket}/"
    return _way(location, f"{parts.scheme}://{parts.netloc}", base, region, keys)


def _way(location: S3Location, origin: str, base: str, region: str, keys: Callable[[], Keys]) -> _Way | None:
    parts = urlsplit(origin)
    if _has_proxy(parts.scheme, parts.netloc):
        return None
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    line = Line(
        origin,
        tls=_tls(location) if parts.scheme == "https" else None,
        connect_timeout=location.connect_timeout,
        read_timeout=location.read_timeout,
        most=location.connections,
    )
    return _Way(line, Signer(region, keys), parts.netloc.removesuffix(usual), base)


def _has_proxy(scheme: str, host: str) -> bool:
    names = {f"{scheme}_proxy", "all_proxy"}
    if not any(name.lower() in names and value for name, value in os.environ.items()):
        return False
    from urllib.request import proxy_bypass  # noqa: PLC0415 - few have a proxy

    return not proxy_bypass(host)


def _tls(location: S3Location) -> ssl.SSLContext:
    """Trust whom boto3 trusts."""
    import ssl  # noqa: PLC0415 - most services nearby speak plain http

    bundle = location.ca_bundle or os.environ.get("AWS_CA_BUNDLE")
    if not bundle and location.verify:
        import certifi  # noqa: PLC0415 - where botocore, too, finds them; importing that takes ten times as long

        bundle = certifi.where()
    context = ssl.create_default_context(cafile=bundle or None)
    context.set_alpn_protocols(["http/1.1"])
    if not location.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _headers(arguments: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in arguments.items():
        if name == "Metadata":
            headers |= {_METADATA + field: str(text) for field, text in value.items()}
        elif name == "ObjectLockRetainUntilDate":
            headers["x-amz-object-lock-retain-until-date"] = value.strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            headers[_HEADERS[name]] = value
    return headers


def _facts(answer: Answer) -> dict[str, Any]:
    headers = answer.headers
    facts: dict[str, Any] = {name: headers[header] for name, header in _ANSWERS.items() if header in headers}
    facts["ResponseMetadata"] = {"HTTPHeaders": headers}
    facts["Metadata"] = {
        name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)
    }
    return facts


def _content(answer: Answer) -> bytes:
    """Return the body of a short answer; its connection can be used again then."""
    content = b""
    while piece := answer.read(1 << 20):
        content += piece
        if len(content) > _LONGEST_ANSWER:
            answer.close()
            raise ConnectionError(f"expected an answer of at most {_LONGEST_ANSWER} bytes, actual more")
    if answer.length not in {None, len(content)}:
        raise ConnectionError(f"the answer broke off: expected {answer.length} bytes, actual {len(content)}")
    return content


def _refusal(answer: Answer, method: str) -> AnswerError:
    """Return what the service says against a request; to HEAD it says nothing, and the status is the code, as in boto3."""
    code, message = str(answer.status) if method == "HEAD" else "", ""
    with suppress(ET.ParseError):
        root = ET.fromstring(answer.content)  # noqa: S314 - see `_page`
        code, message = root.findtext("{*}Code") or code, root.findtext("{*}Message") or ""
    return AnswerError(answer.status, code, message, answer.headers)


def _page(content: bytes) -> dict[str, Any]:
    """Return a page of a listing (Amazon S3 API reference, "ListObjectsV2").

    Raises:
        ConnectionError: It is none.
    """
    try:
        root = ET.fromstring(content)  # noqa: S314 - expat since 2.4.1 bounds what entities may grow to
        text = unquote_plus if root.findtext("{*}EncodingType") == "url" else str
        found = [
            {"Key": text(one.findtext("{*}Key") or ""), "Size": int(one.findtext("{*}Size") or "")}
            for one in root.iterfind("{*}Contents")
        ]
    except (ET.ParseError, ValueError) as error:
        raise ConnectionError(f"expected a page of a listing, actual {content[:60]!r}") from error
    if root.tag.rpartition("}")[2] != "ListBucketResult":
        raise ConnectionError(f"expected a page of a listing, actual {content[:60]!r}")
    page: dict[str, Any] = {"Contents": found}
    token = root.findtext("{*}NextContinuationToken")
    return page | ({"NextContinuationToken": token} if token else {})


def _may_be_cured(refusal: AnswerError) -> bool:
    if 300 <= refusal.status < 400:
        return True
    return refusal.status in _PERHAPS_CURABLE and refusal.code not in _FINAL


def _rewind(body: KnownBytes | FilePart) -> None:
    if not isinstance(body, bytes):
        body.seek(0)


def _is_untrusted(error: OSError) -> bool:
    return getattr(error, "verify_code", None) is not None
