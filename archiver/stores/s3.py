"""A store in a bucket of any S3-compatible service.

Objects are created with ``If-None-Match: *`` where the bucket was seen to honour it. Where it does not, the store looks
before it puts; the archive's lock keeps other writers away. An answer that says "taken", or that got lost, decides
nothing: what is there is compared first.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver.core.errors import (
    CannotRunError,
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from archiver.core.fixity import Algorithm, Digest, Grade, Hasher
from archiver.core.objects import ObjectFacts, Offer, Receipt, StagedFile
from archiver.stores.keys import checked_key, checked_prefix, is_key
from archiver.stores.s3_bucket import Bucket
from archiver.stores.s3_capabilities import PROBES, Capabilities, probe
from archiver.stores.s3_client import MIB, FilePart, KnownBytes, S3Location, known_bytes, pieces
from archiver.stores.s3_errors import KeyTakenError, UnsupportedRequestError, UploadGoneError, translating
from archiver.stores.s3_shortcut import ShortClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    import boto3

    from archiver.ports.engines import Engine

_LONGEST_KEY = 1024  # bytes in UTF-8, Amazon S3 user guide, "Naming Amazon S3 objects"

# Smaller files are read whole: they go out with the headers, without waiting for "100 Continue".
_WHOLE = MIB

# Above this, asking whether the object is there costs less than sending it in vain.
_LOOK_FIRST = 8 * MIB

_LOCK_SLACK = 3600  # seconds that a long upload and two clocks may differ

_MOST_PARTS = 10_000  # Amazon S3 user guide, "Amazon S3 multipart upload limits"


class S3Store:
    """Keeps objects in a bucket (`archiver.ports.stores.Store`). May be used by many threads.

    What the bucket can do is found out before the first `put`, unless it is given. Until then, `stat` answers without
    digests, for a digest that the service may not have checked is none.

    A key longer than 1024 bytes, prefix included, is refused with `StoreError`: it concerns one object only. An object
    above `S3Location.single_put_limit` goes up in parts, each read twice: its digest must precede it.

    Args:
        name: What the settings call the store.
        location: Where.
        session: Credentials from elsewhere than boto3's own chain.
        capabilities: What an earlier probe found out about this bucket.
        server: What the service called itself then, or None where nobody asked; another one is not what was probed.
        puts: Puts several objects of `put_all` at once: a service answers sixteen waiting writers nearly as soon as one.
            None for one after the other.
    """

    def __init__(
        self,
        name: str,
        location: S3Location,
        *,
        session: boto3.session.Session | None = None,
        capabilities: Capabilities | None = None,
        server: str | None = None,
        puts: Engine | None = None,
    ) -> None:
        self._name = name
        self._location = location
        self._session = session
        self._capabilities = capabilities
        self._server = server
        self._puts = puts
        self._bucket_made: Bucket | None = None
        self._lock = threading.Lock()
        self._probing = threading.Lock()

    @property
    def name(self) -> str:
        """See `Store.name`."""
        return self._name

    def capabilities(self) -> Capabilities:
        """Return what the bucket does, finding it out once."""
        with self._probing:
            self._doubt()
            if self._capabilities is None:
                self._capabilities = probe(self._bucket(), self._location.checksums)
            return self._capabilities

    def _doubt(self) -> None:
        """Forget what an earlier probe found out, once, where the service is another one or another version by now.

        Raises:
            StoreRefusedError: Objects are to be locked, and that this service locks was not proven.
        """
        if self._server is None:
            return
        now, before = self._bucket().server(), self._server
        if now != before:
            if self._locks:
                raise StoreRefusedError(
                    f"store {self._name!r} was proven to lock objects when its server was {before or 'unnamed'!r}; "
                    f"now it is {now or 'unnamed'!r}",
                    next_command=f"archiver store doctor {self._name}",
                )
            self._capabilities = None
        self._server = None

    def put(self, key: str, content: bytes | StagedFile, *, sha256: Digest, adopt: bool = False) -> Receipt:  # noqa: ARG002 - a bucket cannot adopt a file
        """See `Store.put`."""
        if sha256.algorithm is not Algorithm.SHA256:
            raise ValueError(f"expected a SHA-256 digest, actual {sha256.algorithm}")
        self._refuse_long(checked_key(key))
        can = self.capabilities()
        size = len(content) if isinstance(content, bytes) else content.size
        if not can.create_only or size > _LOOK_FIRST:
            with suppress(ObjectNotFoundError):
                return self._settled(key, size=size, sha256=sha256)
        try:
            answered = self._send(key, content, size=size, sha256=sha256, can=can)
        except (KeyTakenError, UploadGoneError):
            return self._settled_after_race(key, size=size, sha256=sha256)
        self._refuse_unlocked(key)
        proven = can.proves_digests and (answered or self._bucket().head(key).sha256) == sha256
        return Receipt(key, Grade.PROVIDER if proven else Grade.SIZE)

    def put_all(self, offers: Iterable[Offer]) -> Iterator[Receipt]:
        """See `Store.put_all`."""
        return map(self._put_one, offers) if self._puts is None else self._puts.over(self._put_one, offers)

    def _put_one(self, offer: Offer) -> Receipt:
        return self.put(offer.key, offer.content, sha256=offer.sha256, adopt=offer.adopt)

    @property
    def _locks(self) -> bool:
        return self._location.retain_seconds > 0

    def _refuse_unlocked(self, key: str) -> None:
        """Read the lock of a new object back: some services take the header and lock nothing."""
        if not self._locks:
            return
        until = self._bucket().retained_until(key)
        wanted = datetime.now(UTC) + timedelta(
            seconds=max(self._location.retain_seconds - _LOCK_SLACK, self._location.retain_seconds / 2)
        )
        if until is None or until < wanted:
            raise StoreRefusedError(
                f"store {self._name!r} did not lock {self._location.url}/{key}: expected a lock until "
                f"{wanted:%Y-%m-%d %H:%M}, actual {until or 'none that can be read'}; the object itself is there",
                next_command=f"archiver store doctor {self._name}",
            )

    def _send(
        self, key: str, content: bytes | StagedFile, *, size: int, sha256: Digest, can: Capabilities
    ) -> Digest | None:
        if isinstance(content, bytes):
            return self._send_whole(key, known_bytes(content, sha256.value), can)
        with _opened(content) as file:
            if size <= _WHOLE:
                return self._send_whole(key, known_bytes(_read_whole(file, content), sha256.value), can)
            if size <= self._location.single_put_limit:
                part = FilePart(file, offset=0, length=size, sha256=sha256.value)
                with _blaming_file(part, content):
                    return self._send_whole(key, part, can)
            self._send_parts(key, file, content, can)
            return None

    def _send_whole(self, key: str, body: KnownBytes | FilePart, can: Capabilities) -> Digest | None:
        if not can.checks_digests:
            self._refuse_other_bytes(key, body)
        return self._bucket().put(key, body, checksums=can.checksums, create_only=can.create_only, lock=self._locks)

    def _refuse_other_bytes(self, key: str, body: KnownBytes | FilePart) -> None:
        """Compare the bytes with their digest ourselves, where the service would not notice."""
        hasher = Hasher((Algorithm.SHA256,))
        for chunk in pieces(body):
            hasher.update(chunk)
        (actual,) = hasher.digests()
        if actual.value != body.payload_sha256:
            raise ObjectDamagedError(
                f"the bytes for {self._location.url}/{key} are not the promised ones: expected "
                f"sha256:{body.payload_sha256}, actual {actual} in {hasher.size} bytes; nothing was stored"
            )

    def _send_parts(self, key: str, file: int, staged: StagedFile, can: Capabilities) -> None:
        """Send a large file part by part. On any error the upload is aborted and nothing is visible."""
        bucket = self._bucket()
        upload = bucket.begin(key, sha256=staged.sha256.value, checksums=can.checksums, lock=self._locks)
        try:
            whole = Hasher((Algorithm.SHA256,))
            parts = []
            for number, part in enumerate(self._parts(file, staged, whole), start=1):
                with _blaming_file(part, staged):
                    parts.append(bucket.put_part(key, upload, number, part, checksums=can.checksums))
            _refuse_other_file(whole, staged)
            self._complete(key, upload, parts, size=staged.size, can=can)
        except BaseException:
            with suppress(StoreError, CannotRunError):
                bucket.abort(key, upload)
            raise

    def _parts(self, file: int, staged: StagedFile, whole: Hasher) -> Iterator[FilePart]:
        """Yield the parts of a file, hashed; the bytes are read again, from the page cache, when a part is sent."""
        length = max(self._location.part_size, -(-staged.size // _MOST_PARTS))
        for offset in range(0, staged.size, length):
            part = FilePart(file, offset=offset, length=min(length, staged.size - offset), sha256="")
            hasher = Hasher((Algorithm.SHA256,))
            with _blaming_file(part, staged):
                for chunk in pieces(part):
                    hasher.update(chunk)
                    whole.update(chunk)
            part.payload_sha256 = hasher.digests()[0].value
            yield part

    def _complete(self, key: str, upload: str, parts: list[dict[str, Any]], *, size: int, can: Capabilities) -> None:
        complete = self._bucket().complete
        try:
            complete(key, upload, parts, size=size, checksums=can.checksums, create_only=can.create_only)
        except UnsupportedRequestError:
            if not can.create_only:
                raise
            # The condition is newer here than on simple puts; we looked before the first part.
            complete(key, upload, parts, size=size, checksums=can.checksums, create_only=False)

    def _settled_after_race(self, key: str, *, size: int, sha256: Digest) -> Receipt:
        try:
            return self._settled(key, size=size, sha256=sha256)
        except ObjectNotFoundError as error:
            raise StoreUnavailableError(
                f"store {self._name!r} says that {self._location.url}/{key} is taken and that it is not there; "
                f"somebody else is writing or deleting there"
            ) from error

    def _settled(self, key: str, *, size: int, sha256: Digest) -> Receipt:
        """Compare what is there with what is to be put: by the service's digest where that is evidence, else by reading.

        Raises:
            ObjectNotFoundError: Nothing is there.
            ObjectConflictError: Other bytes are.
        """
        there = self._bucket().head(key)
        found: Digest | None = there.promised
        grade = Grade.READ
        if there.size == size and there.promised in {None, sha256}:
            if self.capabilities().proves_digests and there.sha256 is not None:
                found, grade = there.sha256, Grade.PROVIDER
            else:
                found = self._read_digest(key)
            if found == sha256:
                return Receipt(key, grade, existed=True)
        raise ObjectConflictError(
            f"store {self._name!r} already holds another object at {self._location.url}/{key}: "
            f"expected {sha256} in {size} bytes, actual {found or 'an unknown digest'} in {there.size} bytes; "
            f"it was left as it is"
        )

    def _read_digest(self, key: str) -> Digest:
        hasher = Hasher((Algorithm.SHA256,))
        with self.read(key) as chunks:
            for chunk in chunks:
                hasher.update(chunk)
        return hasher.digests()[0]

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """See `Store.read`."""
        return self._reading(checked_key(key))

    @contextmanager
    def _reading(self, key: str) -> Iterator[Iterator[bytes]]:
        self._refuse_absent(key)
        body, length = self._bucket().get(key)
        try:
            yield self._chunks(key, body, length)
        finally:
            body.close()

    def _chunks(self, key: str, body: Any, length: int | None) -> Iterator[bytes]:
        received = 0
        while True:
            with translating(self._name, self._location, "read", key):
                chunk = body.read(MIB)
            if not chunk:
                break
            received += len(chunk)
            yield chunk
        if length is not None and received != length:
            raise StoreUnavailableError(
                f"store {self._name!r} broke off in {self._location.url}/{key}: "
                f"expected {length} bytes, actual {received}"
            )

    def stat(self, key: str) -> ObjectFacts:
        """See `Store.stat`."""
        self._refuse_absent(checked_key(key))
        there = self._bucket().head(key)
        with self._probing:
            self._doubt()
            can = self._capabilities
        return ObjectFacts(key, there.size, there.sha256 if can and can.proves_digests else None)

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """See `Store.list`. What is below ``archive/probe/``, and names that are no keys, are no objects of ours."""
        return self._listed(checked_prefix(prefix))

    def _listed(self, prefix: str) -> Iterator[ObjectFacts]:
        for key, size in self._bucket().objects(prefix):
            if is_key(key) and not key.startswith(PROBES):
                yield ObjectFacts(key, size)

    def delete(self, key: str) -> None:
        """See `Store.delete`. Where the bucket keeps versions, the object is hidden and its versions stay."""
        checked_key(key)
        with suppress(ObjectNotFoundError):
            self._refuse_absent(key)
            self._bucket().delete(key)

    def sweep(self) -> int:
        """See `Store.sweep`. Aborts every multipart upload below the prefix, and removes what a probe left."""
        removed = 0
        bucket = self._bucket()
        with suppress(UnsupportedRequestError):
            for key, upload in bucket.uploads():
                with suppress(ObjectNotFoundError, UploadGoneError):
                    bucket.abort(key, upload)
                    removed += 1
        for key, _ in bucket.objects(PROBES):
            bucket.delete(key)
            removed += 1
        return removed

    def close(self) -> None:
        """Close every connection. The store can be used again."""
        with self._lock:
            if self._bucket_made is not None:
                self._bucket_made.close()
                self._bucket_made = None

    def _bucket(self) -> Bucket:
        """Return the bucket, with a client made at the first need: where boto3 must help, that takes a third of a second."""
        with self._lock:
            if self._bucket_made is None:
                with translating(self._name, self._location, "reach"):
                    client = ShortClient(self._location, self._session)
                self._bucket_made = Bucket(self._name, self._location, client)
            return self._bucket_made

    def _is_long(self, key: str) -> bool:
        return len(self._location.key(key).encode()) > _LONGEST_KEY

    def _refuse_long(self, key: str) -> None:
        if self._is_long(key):
            raise StoreError(
                f"store {self._name!r} cannot write {self._location.url}/{key[:100]}…: expected a key of at most "
                f"{_LONGEST_KEY} bytes, actual {len(self._location.key(key).encode())}; nothing was stored"
            )

    def _refuse_absent(self, key: str) -> None:
        if self._is_long(key):
            raise ObjectNotFoundError(f"store {self._name!r} can hold no object of so long a key: {key[:100]}…")


@contextmanager
def _opened(staged: StagedFile) -> Iterator[int]:
    """Open a staged file and return its descriptor.

    Raises:
        StoreError: It cannot be opened.
        ObjectDamagedError: It has another size than it had when it was staged.
    """
    try:
        descriptor = os.open(staged.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(staged, error) from error
    try:
        actual = os.fstat(descriptor).st_size
        if actual != staged.size:
            raise ObjectDamagedError(
                f"the staged file is not what it was: {staged.path}: expected {staged.size} bytes, actual {actual}; "
                f"nothing was stored"
            )
        yield descriptor
    finally:
        os.close(descriptor)


def _read_whole(file: int, staged: StagedFile) -> bytes:
    part = FilePart(file, offset=0, length=staged.size, sha256="")
    with _blaming_file(part, staged):
        return b"".join(pieces(part))


@contextmanager
def _blaming_file(part: FilePart, staged: StagedFile) -> Iterator[None]:
    """Say so when it was the staged file that failed: boto3 reports that as a fault of the network."""
    try:
        yield
    except (OSError, StoreUnavailableError) as error:
        if part.failure is None:
            raise
        raise _unreadable(staged, part.failure) from error


def _unreadable(staged: StagedFile, error: OSError) -> StoreError:
    return StoreError(f"the staged file cannot be read: {staged.path}: {error.strerror or error}; nothing was stored")


def _refuse_other_file(whole: Hasher, staged: StagedFile) -> None:
    (actual,) = whole.digests()
    if actual != staged.sha256:
        raise ObjectDamagedError(
            f"the staged file is not what it was: {staged.path}: expected {staged.sha256}, actual {actual}; "
            f"nothing was stored"
        )
