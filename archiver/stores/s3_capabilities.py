"""What a bucket really does, found out by trying: services imitate S3 to very different degrees.

Some take a wrong digest and answer with it as if they had checked; some ignore the condition that forbids to replace an
object, in certain buckets only. Nothing is claimed that the bucket itself has not shown.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from archiver.core.errors import CannotRunError, ObjectDamagedError, StoreError
from archiver.core.fixity import digest_of
from archiver.stores.s3_client import Checksums, known_bytes
from archiver.stores.s3_errors import KeyTakenError, UnsupportedRequestError

if TYPE_CHECKING:
    from archiver.core.diagnosis import Diagnosis
    from archiver.stores.s3_bucket import Bucket

PROBES = "archive/probe/"
"""Below this prefix the probe keeps its tiny objects, for a moment."""

_FIRST = known_bytes(b"first", digest_of(b"first").value)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a bucket was seen to do.

    Attributes:
        checksums: Which checksum header it accepts; never `Checksums.AUTO`.
        create_only: Whether it refuses to replace an object when it is told so (``If-None-Match: *``). Whether that
            holds in a race cannot be proven so.
        checks_digests: Whether it refuses bytes that are not what their digest says.
        answers_digests: Whether it gives back the digest of an object it holds.
    """

    checksums: Checksums
    create_only: bool
    checks_digests: bool
    answers_digests: bool

    @property
    def proves_digests(self) -> bool:
        """Whether a digest that it answers with is evidence (`archiver.core.fixity.Grade.PROVIDER`)."""
        return self.checks_digests and self.answers_digests


def recognise_capabilities(diagnosis: Diagnosis | None) -> Capabilities | None:
    """Return what a saved diagnosis says, or None: then the bucket is asked before the first put."""
    try:
        checksums = Checksums(diagnosis.detail("checksum-header")) if diagnosis else None
    except ValueError:
        return None
    if diagnosis is None or checksums in {None, Checksums.AUTO}:
        return None
    return Capabilities(
        Checksums(checksums),
        create_only=diagnosis.has("create-only"),
        checks_digests=diagnosis.has("wrong-digest-refused"),
        answers_digests=diagnosis.has("digest-answered"),
    )


def probe(bucket: Bucket, wanted: Checksums) -> Capabilities:
    """Find out what a bucket does, with half a dozen requests; what they leave is removed again where that is allowed.

    Args:
        bucket: Where.
        wanted: Which checksum header the settings ask for; with `Checksums.AUTO` the first one that is accepted.

    Raises:
        StoreUnavailableError: No answer; nothing is known.
        StoreRefusedError: The bucket takes no object from us.
    """
    key = f"{PROBES}{uuid4().hex}"
    try:
        checksums, create_only = _accepted(bucket, key, wanted)
        return Capabilities(
            checksums,
            create_only=create_only and _refuses_to_replace(bucket, key, checksums),
            checks_digests=_refuses_other_bytes(bucket, f"{key}-wrong", checksums),
            answers_digests=bucket.head(key).sha256 == digest_of(_FIRST),
        )
    finally:
        for left in (key, f"{key}-wrong"):
            with suppress(StoreError, CannotRunError):
                bucket.delete(left)


def _accepted(bucket: Bucket, key: str, wanted: Checksums) -> tuple[Checksums, bool]:
    """Put an object in the strictest way that the service accepts."""
    candidates = (Checksums.SHA256, Checksums.MD5, Checksums.NONE) if wanted is Checksums.AUTO else (wanted,)
    ways = [(checksums, create_only) for checksums in candidates for create_only in (True, False)]
    for checksums, create_only in ways:
        try:
            bucket.put(key, _FIRST, checksums=checksums, create_only=create_only)
        except KeyTakenError:
            pass  # a lost answer: nobody else has this key, so an earlier try of this request has put it
        except UnsupportedRequestError:
            if (checksums, create_only) == ways[-1]:
                raise
            continue
        break
    return checksums, create_only


def _refuses_to_replace(bucket: Bucket, key: str, checksums: Checksums) -> bool:
    # The same bytes: a service that replaces them leaves the digest that is asked for next.
    try:
        bucket.put(key, _FIRST, checksums=checksums, create_only=True)
    except KeyTakenError:
        return True
    except UnsupportedRequestError:
        return False
    return False


def _refuses_other_bytes(bucket: Bucket, key: str, checksums: Checksums) -> bool:
    """Send bytes under the digest of others, as a fault on the way would."""
    body = known_bytes(b"other", _FIRST.payload_sha256)
    try:
        bucket.put(key, body, checksums=checksums, create_only=False)
    except (ObjectDamagedError, UnsupportedRequestError):
        return True
    return False
