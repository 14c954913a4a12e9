"""One bucket: each method is one kind of request, its errors translated."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver.core.errors import ObjectNotFoundError, StoreRefusedError, StoreUnavailableError
from archiver.core.fixity import Algorithm, Digest, recognise_digest
from archiver.stores.s3_client import Checksums, pieces
from archiver.stores.s3_errors import translating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from archiver.stores.s3_client import FilePart, KnownBytes, S3Location

_METADATA = "sha256"


@dataclass(frozen=True, slots=True)
class Head:
    """What a service says of an object.

    Attributes:
        size: Bytes.
        sha256: The digest of the whole object that the service keeps, or None.
        promised: The digest that we wrote into the object's metadata: a promise of ours, no proof.
    """

    size: int
    sha256: Digest | None
    promised: Digest | None


class Bucket:
    """The requests that the store makes. Keys are those of the store.

    Args:
        store: The store's name, for messages.
        location: Where.
        client: A `archiver.stores.s3_shortcut.ShortClient`, or boto3's own.
    """

    def __init__(self, store: str, location: S3Location, client: Any) -> None:
        self._store = store
        self._location = location
        self._client = client
        self._is_there = False

    def put(
        self, key: str, body: KnownBytes | FilePart, *, checksums: Checksums, create_only: bool, lock: bool = False
    ) -> Digest | None:
        """Put an object in one request; return the digest that the service answered with.

        Raises:
            KeyTakenError: With ``create_only``: there is an object.
        """
        arguments = self._new_object(body.payload_sha256) | _checksum(body, checksums)
        if lock:
            arguments |= self._lock()
        if create_only:
            arguments["IfNoneMatch"] = "*"
        with self._translating("write", key):
            return _digest(self._client.put_object(**self._at(key), Body=body, **arguments))

    def begin(self, key: str, *, sha256: str, checksums: Checksums, lock: bool = False) -> str:
        """Begin a multipart upload and return its identifier."""
        arguments = self._new_object(sha256)
        if lock:
            arguments |= self._lock()
        if checksums is Checksums.SHA256:
            arguments["ChecksumAlgorithm"] = "SHA256"
        with self._translating("write", key):
            return str(self._client.create_multipart_upload(**self._at(key), **arguments)["UploadId"])

    def put_part(
        self, key: str, upload: str, number: int, body: KnownBytes | FilePart, *, checksums: Checksums
    ) -> dict[str, Any]:
        """Put one part and return what `complete` needs of it."""
        checksum = _checksum(body, checksums)
        with self._translating("write", key):
            answer = self._client.upload_part(
                **self._at(key), UploadId=upload, PartNumber=number, Body=body, **checksum
            )
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        return part | ({"ChecksumSHA256": checksum["ChecksumSHA256"]} if "ChecksumSHA256" in checksum else {})

    def complete(
        self, key: str, upload: str, parts: list[dict[str, Any]], *, size: int, checksums: Checksums, create_only: bool
    ) -> None:
        """Make the object of its parts.

        Raises:
            KeyTakenError: With ``create_only``: there is an object.
            UploadGoneError: Somebody, maybe an earlier try of this request, has completed or aborted it.
        """
        arguments: dict[str, Any] = {"IfNoneMatch": "*"} if create_only else {}
        if checksums is Checksums.SHA256:
            arguments["MpuObjectSize"] = size
        with self._translating("write", key):
            self._client.complete_multipart_upload(
                **self._at(key), UploadId=upload, MultipartUpload={"Parts": parts}, **arguments
            )

    def retained_until(self, key: str) -> datetime | None:
        """Return until when the newest version of an object is locked in GOVERNANCE or COMPLIANCE mode; None where no lock can be read."""
        try:
            with self._translating("find", key):
                found = self._client.head_object(**self._at(key))
            mode, until = found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")
            if mode is None:  # HEAD leaves it out where we may not read locks, and on services that keep none
                with self._translating("read the lock of", key):
                    lock = self._client.get_object_retention(**self._at(key)).get("Retention", {})
                mode, until = lock.get("Mode"), lock.get("RetainUntilDate")
        except (ObjectNotFoundError, StoreRefusedError, StoreUnavailableError):
            return None
        return until if isinstance(until, datetime) and mode in {"GOVERNANCE", "COMPLIANCE"} else None

    def abort(self, key: str, upload: str) -> None:
        """Drop a multipart upload with its parts."""
        with self._translating("abort the upload of", key):
            self._client.abort_multipart_upload(**self._at(key), UploadId=upload)

    def uploads(self) -> Iterator[tuple[str, str]]:
        """Yield key and identifier of every unfinished multipart upload."""
        for page in self._pages("list_multipart_uploads", ""):
            for upload in page.get("Uploads", ()):
                yield upload["Key"].removeprefix(self._location.key("")), upload["UploadId"]

    def head(self, key: str) -> Head:
        """Ask what the service knows of an object.

        Raises:
            ObjectNotFoundError: There is none, in a bucket that is there.
        """
        try:
            with self._translating("find", key):
                answer = self._client.head_object(**self._at(key), ChecksumMode="ENABLED")
        except ObjectNotFoundError:
            self._refuse_absent_bucket()
            raise
        promised = recognise_digest(Algorithm.SHA256, answer.get("Metadata", {}).get(_METADATA, ""))
        return Head(int(answer.get("ContentLength", 0)), _digest(answer), promised)

    def _refuse_absent_bucket(self) -> None:
        """Tell an absent object from an absent bucket: HEAD answers 404 for both, and one is damage, the other a typo."""
        if self._is_there:
            return
        try:
            with self._translating("find"):
                self._client.head_bucket(Bucket=self._location.bucket)
        except ObjectNotFoundError as error:
            raise StoreRefusedError(
                f"store {self._store!r}: there is no bucket {self._location.bucket!r}"
                + (f" at {self._location.endpoint}" if self._location.endpoint else "")
            ) from error
        except StoreRefusedError:
            pass  # a bucket that may not be listed is there
        self._is_there = True

    def server(self) -> str:
        """Ask the service who it is.

        Raises:
            StoreUnavailableError: No answer.
        """
        try:
            with self._translating("reach"):
                return server_of(self._client.head_bucket(Bucket=self._location.bucket))
        except (ObjectNotFoundError, StoreRefusedError) as error:
            # Whom we may not ask says all the same who it is.
            return server_of(getattr(error.__cause__, "response", {}))

    def get(self, key: str) -> tuple[Any, int | None]:
        """Open an object; return its body, which the caller closes, and the length the service states."""
        with self._translating("read", key):
            answer = self._client.get_object(**self._at(key))
            length = answer.get("ContentLength")
            return answer["Body"], None if length is None else int(length)

    def objects(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield key and size of every object below a prefix."""
        more: dict[str, str] = {}
        while True:
            with self._translating("list", prefix):
                page = self._client.list_objects_v2(
                    Bucket=self._location.bucket, Prefix=self._location.key(prefix), **more
                )
            for found in page.get("Contents", ()):
                yield found["Key"].removeprefix(self._location.key("")), int(found["Size"])
            token = page.get("NextContinuationToken", "")
            if not token:
                return
            if token == more.get("ContinuationToken"):
                raise StoreUnavailableError(f"store {self._store!r} goes round in circles when it lists {prefix!r}")
            more = {"ContinuationToken": token}

    def delete(self, key: str) -> None:
        """Remove an object; an absent one is no error."""
        with self._translating("delete", key):
            self._client.delete_object(**self._at(key))

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _pages(self, operation: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = iter(
            self._client.get_paginator(operation).paginate(
                Bucket=self._location.bucket, Prefix=self._location.key(prefix)
            )
        )
        while True:
            with self._translating("list", prefix):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _translating(self, doing: str, key: str = "") -> AbstractContextManager[None]:
        return translating(self._store, self._location, doing, key)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._location.bucket, "Key": self._location.key(key)}

    def _lock(self) -> dict[str, Any]:
        until = datetime.now(UTC) + timedelta(seconds=self._location.retain_seconds)
        # GOVERNANCE and never COMPLIANCE: a wrong upload or a court's order must not wait for decades.
        return {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}

    def _new_object(self, sha256: str) -> dict[str, Any]:
        arguments: dict[str, Any] = {"Metadata": {_METADATA: sha256}}
        if self._location.storage_class:
            arguments["StorageClass"] = self._location.storage_class
        return arguments


def server_of(answer: dict[str, Any]) -> str:
    """Return what the service that gave an answer calls itself, with its version where it tells one."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("server", "") or (headers.get("x-amz-request-id", "") and "unnamed"))[:200]


def _checksum(body: KnownBytes | FilePart, checksums: Checksums) -> dict[str, str]:
    if checksums is Checksums.SHA256:
        # Ceph 20 ignores the digest unless its algorithm is named beside it.
        value = b64encode(bytes.fromhex(body.payload_sha256)).decode()
        return {"ChecksumSHA256": value} | {"ChecksumAlgorithm": "SHA256"}
    if checksums is Checksums.MD5:
        return {"ContentMD5": b64encode(_md5(body)).decode()}
    return {}


def _md5(body: KnownBytes | FilePart) -> bytes:
    hash_ = hashlib.md5(usedforsecurity=False)
    for piece in pieces(body):
        hash_.update(piece)
    return hash_.digest()


def _digest(answer: dict[str, Any]) -> Digest | None:
    """Recognise the digest of a whole object; a composite one of a multipart upload (``…-2``) is none."""
    text = answer.get("ChecksumSHA256", "")
    if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT" or "-" in text:
        return None
    try:
        return recognise_digest(Algorithm.SHA256, b64decode(text, validate=True).hex())
    except (Base64Error, ValueError):
        return None
