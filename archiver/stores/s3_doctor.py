"""What a bucket really does below a prefix, found out by trying everything the archive relies on, and cleaned up behind."""

from __future__ import annotations

import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from unicodedata import normalize
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from archiver.core.diagnosis import Answer, Symptom
from archiver.stores.s3_bucket import Bucket, server_of
from archiver.stores.s3_capabilities import PROBES, probe
from archiver.stores.s3_client import make_client
from archiver.stores.s3_errors import translating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import boto3

    from archiver.stores.s3_client import S3Location

RACERS = 8
ROUNDS = 5
LISTED = 1005
"""More than one page of a listing (1,000)."""
PART = 5 << 20
"""The smallest part that S3 allows but for the last."""
_FAULTS = (BotoCoreError, ClientError)

ODD_KEYS = (
    "two  spaces ", "100%25 %2F %", "plus+and&amp;?#", "new\nline", normalize("NFC", "é"), normalize("NFD", "é"),
    "ünïcode/Ω/音楽", "quote'\"", "back\\slash", "tab\there",
)  # fmt: skip
_LONGEST = 1000


class S3Doctor:
    """Examines one bucket.

    Args:
        store: The store's name.
        location: Where.
        session: Credentials from elsewhere than boto3's own chain.
    """

    def __init__(self, store: str, location: S3Location, session: boto3.session.Session | None = None) -> None:
        self._store = store
        self._location = location
        with translating(store, location, "reach"):
            self._client = make_client(location, session)
        self._bucket = location.bucket
        self._below = location.key(f"{PROBES}{uuid4().hex}/")
        self.server = ""

    def examine(self) -> tuple[Symptom, ...]:
        """Ask every question, and leave nothing behind.

        Raises:
            StoreUnavailableError: No answer at all.
            StoreRefusedError: The bucket takes nothing from us.
        """
        try:
            return self._examined()
        finally:
            self.clean()

    def _examined(self) -> tuple[Symptom, ...]:
        with translating(self._store, self._location, "reach"):
            answer = self._client.put_object(Bucket=self._bucket, Key=self._below + "hello", Body=b"hello")
        self.server = server_of(answer)
        inside = replace(self._location, prefix=self._below.rstrip("/"))
        can = probe(Bucket(self._store, inside, self._client), self._location.checksums)
        questions: tuple[tuple[str, Callable[[], str]], ...] = (
            ("read-back", self.read_back),
            ("no-framing", self.no_framing),
            ("zero-byte-object", self.zero_byte_object),
            ("odd-keys", self.odd_keys),
            ("create-only-race", self.race),
            ("multipart", self.multipart),
            ("multipart-create-only", self.multipart_create_only),
            ("unfinished-uploads-listed", self.unfinished_uploads),
            ("listing", self.listing),
            ("versioning", self.versioning),
            ("object-lock", self.object_lock),
        )
        return (
            Symptom("checksum-header", Answer.PROVEN, can.checksums.value),
            _plain("create-only", has=can.create_only, detail="If-None-Match: * on a simple put"),
            _plain("wrong-digest-refused", has=can.checks_digests, detail="other bytes under a digest"),
            _plain("digest-answered", has=can.answers_digests, detail="HEAD gives SHA-256 of the whole object"),
            *(_asked(name, question) for name, question in questions),
        )

    def read_back(self) -> str:
        """Compare bytes of every value with what comes back."""
        content = bytes(range(256)) * 1024
        self._put("bytes", content)
        _expect(self._get("bytes") == content, "other bytes came back")
        return f"{len(content)} bytes came back as they were"

    def no_framing(self) -> str:
        """Send a body with a checksum trailer, as newer clients do, and look whether its framing is stored."""
        content = b"no framing\r\n" * 100
        with suppress(*_FAULTS):  # refusing it is fine
            self._client.put_object(**self._at("trailer"), Body=content, ChecksumAlgorithm="CRC32")
            answer = self._client.get_object(**self._at("trailer"))
            _expect(answer["Body"].read() == content, "chunk framing was stored in the object")
            _expect("aws-chunked" not in answer.get("ContentEncoding", ""), "Content-Encoding: aws-chunked was stored")
        return "objects hold their bytes and nothing else"

    def zero_byte_object(self) -> str:
        """Put and read an empty object."""
        self._put("empty", b"")
        _expect(self._get("empty") == b"", "something came back")
        return "kept"

    def odd_keys(self) -> str:
        """Write, read and list keys that services get wrong."""
        room = _LONGEST - len(self._below.encode()) - len("odd/")
        long = "l" * max(1, room)
        keys = [f"odd/{key}" for key in (*ODD_KEYS, long)]
        for number, key in enumerate(keys):
            self._put(key, b"%d" % number)
        wrong = [key for number, key in enumerate(keys) if self._get(key) != b"%d" % number]
        listed = {key for key, _ in self._listed("odd/")}
        wrong += [key for key in keys if self._below + key not in listed]
        _expect(not wrong, f"not as written: {', '.join(repr(key[:40]) for key in dict.fromkeys(wrong))}")
        return f"{len(keys)} keys: spaces, %, line end, NFC beside NFD, {_LONGEST} bytes"

    def race(self) -> str:
        """Let threads create one key at the same moment."""
        winners = []
        for number in range(ROUNDS):
            barrier = threading.Barrier(RACERS)

            def create(racer: int, number: int = number, barrier: threading.Barrier = barrier) -> bool:
                barrier.wait(30)
                try:
                    self._client.put_object(**self._at(f"race/{number}"), Body=b"%d" % racer, IfNoneMatch="*")
                except _FAULTS:
                    return False
                return True

            with ThreadPoolExecutor(RACERS) as pool:
                winners.append(sum(pool.map(create, range(RACERS))))
        _expect(max(winners) <= 1, f"winners of {ROUNDS} races of {RACERS} threads: {winners}")
        return f"never two winners in {ROUNDS} races of {RACERS} threads; atomicity cannot be proven so"

    def multipart(self) -> str:
        """Upload in parts and read the whole."""
        content = self._upload("parts")
        _expect(self._get("parts") == content, "other bytes came back")
        return "two parts came back as one object"

    def multipart_create_only(self) -> str:
        """Complete an upload under a key that is taken."""
        self._put("taken", b"first")
        try:
            self._upload("taken", IfNoneMatch="*")
        except _FAULTS:
            pass
        else:
            _expect(has=False, why="an object was replaced in spite of If-None-Match: *")
        _expect(self._get("taken") == b"first", "an object was replaced")
        self._upload("free", IfNoneMatch="*")
        return "refused where taken, completed where free"

    def unfinished_uploads(self) -> str:
        """Begin an upload and look for it."""
        upload = self._client.create_multipart_upload(**self._at("unfinished"))["UploadId"]
        try:
            answer = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=self._below)
            found = [one["UploadId"] for one in answer.get("Uploads", ())]
            _expect(upload in found, "an unfinished upload is not listed and could not be swept")
        finally:
            self._client.abort_multipart_upload(**self._at("unfinished"), UploadId=upload)
        return "they can be found and swept"

    def listing(self) -> str:
        """Write more objects than one page holds, and list them at once."""
        keys = [f"list/{number:05}" for number in range(LISTED)]
        with ThreadPoolExecutor(RACERS) as pool:
            list(pool.map(lambda key: self._put(key, b""), keys))
        listed = [key for key, _ in self._listed("list/")]
        _expect(sorted(listed) == [self._below + key for key in keys], f"{len(listed)} keys of {LISTED} were listed")
        return f"{LISTED} keys at once, over pages"

    def versioning(self) -> str:
        """Ask whether old versions are kept."""
        status = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status", "")
        _expect(status == "Enabled", f"the bucket says {status or 'nothing'}")
        return "the bucket keeps versions"

    def object_lock(self) -> str:
        """Lock an object for a minute in GOVERNANCE mode, read the lock back, and try to delete the version."""
        until = (datetime.now(UTC) + timedelta(minutes=1)).replace(microsecond=0)
        answer = self._client.put_object(
            **self._at("locked"),
            Body=b"locked",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=b64encode(sha256(b"locked").digest()).decode(),
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=until,
        )
        version = answer.get("VersionId")
        _expect(version not in {None, "null"}, "the lock was accepted and the object got no version: nothing is locked")
        try:
            kept = self._client.get_object_retention(**self._at("locked"), VersionId=version)["Retention"]
        except _FAULTS as error:
            raise _AbsentError(f"the lock was accepted and cannot be read back: {_brief(error)}") from error
        _expect(kept.get("Mode") == "GOVERNANCE", f"the lock read back is {kept.get('Mode')}")
        _expect(
            abs(kept["RetainUntilDate"] - until) < timedelta(seconds=2), f"retained until {kept['RetainUntilDate']}"
        )
        try:
            self._client.delete_object(**self._at("locked"), VersionId=version)
        except _FAULTS:
            return "GOVERNANCE: read back, and a delete was refused"
        raise _AbsentError("a locked version was deleted")

    def clean(self) -> None:
        """Remove every object, version and upload below the probe's own prefix."""
        with suppress(*_FAULTS):
            for page in self._pages("list_multipart_uploads"):
                for one in page.get("Uploads", ()):
                    self._client.abort_multipart_upload(Bucket=self._bucket, Key=one["Key"], UploadId=one["UploadId"])
        doomed: list[dict[str, str]] = []
        with suppress(*_FAULTS):
            for page in self._pages("list_object_versions"):
                old = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                doomed += [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in old]
        with ThreadPoolExecutor(RACERS) as pool:
            list(pool.map(self._remove, doomed))
            with suppress(*_FAULTS):
                list(pool.map(self._remove, [{"Key": key} for key, _ in self._listed("")]))

    def _remove(self, one: dict[str, str]) -> None:
        with suppress(*_FAULTS):
            self._client.delete_object(Bucket=self._bucket, **one)
            return
        with suppress(*_FAULTS):
            self._client.delete_object(Bucket=self._bucket, **one, BypassGovernanceRetention=True)

    def _upload(self, key: str, **condition: str) -> bytes:
        upload = self._client.create_multipart_upload(**self._at(key))["UploadId"]
        pieces = (b"a" * PART, b"the rest")
        try:
            parts = []
            for number, piece in enumerate(pieces, start=1):
                answer = self._client.upload_part(**self._at(key), UploadId=upload, PartNumber=number, Body=piece)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._client.complete_multipart_upload(
                **self._at(key), UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )
        except BaseException:
            with suppress(*_FAULTS):
                self._client.abort_multipart_upload(**self._at(key), UploadId=upload)
            raise
        return b"".join(pieces)

    def _put(self, key: str, content: bytes) -> None:
        self._client.put_object(**self._at(key), Body=content)

    def _get(self, key: str) -> bytes:
        content: bytes = self._client.get_object(**self._at(key))["Body"].read()
        return content

    def _listed(self, below: str) -> Iterator[tuple[str, int]]:
        for page in self._pages("list_objects_v2", below):
            for one in page.get("Contents", ()):
                yield one["Key"], one["Size"]

    def _pages(self, operation: str, below: str = "") -> Iterator[dict[str, Any]]:
        yield from self._client.get_paginator(operation).paginate(Bucket=self._bucket, Prefix=self._below + below)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._below + key}

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


class _AbsentError(Exception):
    """What was asked for was seen not to hold."""


def _expect(has: bool, why: str) -> None:  # noqa: FBT001 - a condition reads as one
    if not has:
        raise _AbsentError(why)


def _plain(name: str, *, has: bool, detail: str) -> Symptom:
    return Symptom(name, Answer.PROVEN if has else Answer.ABSENT, detail)


def _asked(name: str, question: Callable[[], str]) -> Symptom:
    try:
        return Symptom(name, Answer.PROVEN, question())
    except _AbsentError as error:
        return Symptom(name, Answer.ABSENT, str(error))
    except (*_FAULTS, OSError, threading.BrokenBarrierError) as error:
        refused = isinstance(error, ClientError)
        return Symptom(name, Answer.ABSENT if refused else Answer.UNKNOWN, _brief(error))


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
