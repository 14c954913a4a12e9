"""Where a bucket is, and a client that signs what it sends with a digest known beforehand.

boto3 reads each byte it uploads three times: for the signature, for the checksum and to send it. Our SHA-256 is known
from capture, so it goes into both headers as it is and the file is read once. This is no weaker: a service that
compares either header with what arrived refuses bytes that are not the captured ones.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archiver.stores.keys import checked_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest

MIB = 1 << 20


class Checksums(StrEnum):
    """Which checksum header goes with an upload, beside the signed SHA-256 of the payload."""

    AUTO = "auto"
    """The strongest that the service accepts; asked once for each bucket."""
    SHA256 = "sha256"
    """``x-amz-checksum-sha256``: the service checks it, keeps it and gives it back."""
    MD5 = "md5"
    """``Content-MD5``, for services that refuse the newer headers. Costs a second reading of each file."""
    NONE = "none"
    """None at all: every object is read back."""


class Addressing(StrEnum):
    """Where the bucket's name stands in the URL."""

    AUTO = "auto"
    """In the path for a custom endpoint, in the host name at AWS."""
    PATH = "path"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket of any S3-compatible service, and how to talk to it. Holds no secret: keys come from boto3's own chain.

    Attributes:
        bucket: Its name.
        prefix: Keys begin with it and a ``/``; empty for none. Everything below it belongs to the archive.
        endpoint: The service's URL; empty for AWS.
        region: Empty for what boto3's chain says, else ``us-east-1``.
        addressing: Where the bucket's name stands in the URL.
        ca_bundle: A file of certificates to trust; empty for the usual ones.
        verify: Whether to check the service's certificate at all.
        checksums: Which checksum header to send.
        storage_class: For new objects; empty for the bucket's own.
        profile: A profile of the AWS configuration files; empty for the usual chain.
        connect_timeout: Seconds.
        read_timeout: Seconds without a byte.
        attempts: How often a request is tried, all told.
        connections: How many are kept open; as many threads can work at once.
        single_put_limit: Bytes up to which an object goes up in one request. Only then does a service keep a SHA-256 of
            the whole object.
        part_size: Bytes of each part of a larger object; at least 5 MiB at AWS.
        retain_seconds: So long each new object is locked in GOVERNANCE mode; 0 for no lock.

    Raises:
        ValueError: The prefix is no key, or the endpoint is no http or https URL or holds a user name or password.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    addressing: Addressing = Addressing.AUTO
    ca_bundle: str = ""
    verify: bool = True
    checksums: Checksums = Checksums.AUTO
    storage_class: str = ""
    profile: str = ""
    connect_timeout: float = 5
    read_timeout: float = 60
    attempts: int = 5
    connections: int = 32
    single_put_limit: int = 512 * MIB
    part_size: int = 64 * MIB
    retain_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.prefix:
            checked_key(self.prefix)
        if self.endpoint:
            parts = urlsplit(self.endpoint)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"not an http or https URL: endpoint {self.endpoint[:200]!r}")
            if parts.username or parts.password:
                raise ValueError(f"the endpoint of bucket {self.bucket} holds credentials; boto3's own chain has them")

    @property
    def url(self) -> str:
        """The location as the settings write it."""
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"

    @property
    def is_in_path(self) -> bool:
        """Whether requests go to the endpoint as it is written, with the bucket's name in their path."""
        is_named = bool(self.endpoint) and ":" not in self.bucket
        return is_named and self.addressing in {Addressing.AUTO, Addressing.PATH}

    def key(self, key: str) -> str:
        """Return the key in the bucket for a key of the store."""
        return f"{self.prefix}/{key}" if self.prefix else key


def make_client(location: S3Location, session: boto3.session.Session | None = None) -> Any:
    """Make boto3's client for a location; it may be used by many threads. Loading boto3 takes a fifth of a second.

    Args:
        location: Where.
        session: Credentials from elsewhere than boto3's own chain.
    """
    import boto3  # noqa: PLC0415 - see above
    from botocore.auth import AUTH_TYPE_MAPS  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    # botocore's own table of signers, open for further ones; `choose-signer` names an entry of it.
    AUTH_TYPE_MAPS[_KNOWN_PAYLOAD] = _known_payload_auth()
    session = session or boto3.session.Session(profile_name=location.profile or None)
    addressing = location.addressing
    if addressing is Addressing.AUTO and location.endpoint:
        addressing = Addressing.PATH
    config = Config(
        signature_version="s3v4",  # the default for presigning at custom endpoints is still SigV2
        s3={"addressing_style": addressing.value},
        # We send the checksum ourselves and hash what we read ourselves; boto3 would do both once more.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "total_max_attempts": location.attempts},
        connect_timeout=location.connect_timeout,
        read_timeout=location.read_timeout,
        max_pool_connections=location.connections,
    )
    client: Any = session.client(
        "s3",
        endpoint_url=location.endpoint or None,
        region_name=location.region or session.region_name or "us-east-1",
        verify=(location.ca_bundle or None) if location.verify else False,
        config=config,
    )
    for operation in ("PutObject", "UploadPart"):
        client.meta.events.register(f"choose-signer.s3.{operation}", _choose_known_payload)
    return client


def _choose_known_payload(**_: object) -> str:
    return _KNOWN_PAYLOAD


_KNOWN_PAYLOAD = "archiver-known-payload"


def _known_payload_auth() -> type[S3SigV4Auth]:
    from botocore.auth import S3SigV4Auth  # noqa: PLC0415 - see `make_client`

    class KnownPayloadAuth(S3SigV4Auth):
        """Signature version 4 for S3, with the payload's digest taken from the body that knows it."""

        def payload(self, request: AWSRequest) -> str:
            known: str = getattr(request.body, "payload_sha256", "")
            return known or super().payload(request)

    return KnownPayloadAuth


class KnownBytes(bytes):
    """A small body that knows its SHA-256. boto3 sends it together with the request's headers, in one go."""

    payload_sha256: str


def known_bytes(content: bytes, sha256: str) -> KnownBytes:
    """Return a body of these bytes; ``sha256`` is lower-case hexadecimal."""
    body = KnownBytes(content)
    body.payload_sha256 = sha256
    return body


class FilePart:
    """A section of an open file as a body, read as it is sent and read again only when boto3 tries again.

    Args:
        descriptor: The open file; its own position is not used.
        offset: Where the section begins.
        length: Bytes.
        sha256: What they are, in lower-case hexadecimal.
    """

    def __init__(self, descriptor: int, *, offset: int, length: int, sha256: str) -> None:
        self.payload_sha256 = sha256
        self.failure: OSError | None = None
        self._descriptor = descriptor
        self._offset = offset
        self._length = length
        self._position = 0

    def __len__(self) -> int:
        return self._length

    def tell(self) -> int:
        """Return the position in the section."""
        return self._position

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Set the position in the section and return it."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(0, origin + position)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            OSError: The file cannot be read or has become shorter. Kept in `failure`, because boto3 takes it for a
                fault of the network.
        """
        rest = max(0, self._length - self._position)
        wanted = rest if size < 0 else min(size, rest)
        try:
            chunk = os.pread(self._descriptor, wanted, self._offset + self._position)
            if wanted and not chunk:
                raise OSError(errno.ENODATA, "the file became shorter while it was sent")
        except OSError as error:
            self.failure = error
            raise
        self._position += len(chunk)
        return chunk


def pieces(body: KnownBytes | FilePart) -> Iterator[bytes]:
    """Yield a body's bytes before it is sent; a section of a file is at its beginning again afterwards."""
    if isinstance(body, KnownBytes):
        yield body
        return
    while chunk := body.read(MIB):
        yield chunk
    body.seek(0)
