"""A store in memory that keeps the port's promises, with knobs to break them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.core.errors import (
    ArchiverError,
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreUnavailableError,
)
from archiver.core.fixity import Algorithm, Digest, Grade, digest_of
from archiver.core.objects import ObjectFacts, Offer, Receipt, StagedFile
from archiver.stores.keys import checked_key, checked_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

_CHUNK = 1 << 20


@dataclass
class MemoryStore:
    """Implements `archiver.ports.stores.Store`.

    Knobs, all of them off:
        proves: Whether receipts and facts carry a digest of the store's own (`Grade.PROVIDER`).
        damages_on_put: Keys whose bytes are altered on the way in, silently.
        breaks_off_after: Keys whose reading ends with `StoreUnavailableError` behind so many bytes.
        unreadable: Keys that the store itself cannot read.
        failures: Errors to raise, one for each coming call, before anything is done; the last call first.
        takes_staged: Whether the store adopts staged files.

    `journal` lists every call as ``("put", key)``, in order. `objects` may be changed at will.
    """

    store_name: str = "memory"
    proves: bool = False
    takes_staged: bool = False
    damages_on_put: set[str] = field(default_factory=set)
    breaks_off_after: dict[str, int] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    failures: list[ArchiverError] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    journal: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        return self.store_name

    def damage(self, key: str, *, at: int = 0) -> None:
        """Flip one bit of an object behind everybody's back."""
        content = bytearray(self.objects[key])
        content[at] ^= 1
        self.objects[key] = bytes(content)

    def fail(self, *errors: ArchiverError) -> None:
        """Let the coming calls fail with these errors, in this order."""
        self.failures.extend(reversed(errors))

    def go_away(self, times: int = 1) -> None:
        """Let so many coming calls find the store unavailable."""
        self.fail(*(StoreUnavailableError(f"store {self.name!r} does not answer") for _ in range(times)))

    def put(self, key: str, content: bytes | StagedFile, *, sha256: Digest, adopt: bool = False) -> Receipt:
        if sha256.algorithm is not Algorithm.SHA256:
            raise ValueError(f"expected a SHA-256 digest, actual {sha256.algorithm}")
        checked_key(key)
        sent = _content(content)
        with self._call("put", key):
            if key in self.objects:
                return self._settled(key, sha256)
            if digest_of(sent) != sha256:
                raise ObjectDamagedError(f"{key}: expected {sha256}, actual {digest_of(sent)}")
            self.objects[key] = sent
            if key in self.damages_on_put and sent:
                self.damage(key)
            adopted = adopt and self.takes_staged and isinstance(content, StagedFile)
            return Receipt(key, self._grade(), adopted=adopted)

    def put_all(self, offers: Iterable[Offer]) -> Iterator[Receipt]:
        for offer in offers:
            yield self.put(offer.key, offer.content, sha256=offer.sha256, adopt=offer.adopt)

    def _settled(self, key: str, sha256: Digest) -> Receipt:
        actual = digest_of(self.objects[key])
        if actual != sha256:
            raise ObjectConflictError(f"{key}: expected {sha256}, actual {actual}")
        return Receipt(key, Grade.PROVIDER if self.proves else Grade.READ, existed=True)

    def _grade(self) -> Grade:
        return Grade.PROVIDER if self.proves else Grade.SIZE

    def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        return self._reading(checked_key(key))

    @contextmanager
    def _reading(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._call("read", key):
            content = self._found(key)
            if key in self.unreadable:
                raise ObjectDamagedError(f"store {self.name!r} cannot read {key}: Input/output error")
        yield self._chunks(key, content)

    def _chunks(self, key: str, content: bytes) -> Iterator[bytes]:
        limit = self.breaks_off_after.get(key, len(content))
        for start in range(0, min(limit, len(content)), _CHUNK):
            yield content[start : min(start + _CHUNK, limit)]
        if limit < len(content):
            raise StoreUnavailableError(f"store {self.name!r} broke off in {key} after {limit} bytes")

    def stat(self, key: str) -> ObjectFacts:
        with self._call("stat", checked_key(key)):
            content = self._found(key)
            return ObjectFacts(key, len(content), digest_of(content) if self.proves else None)

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        checked_prefix(prefix)
        with self._call("list", prefix):
            found = [ObjectFacts(key, len(content)) for key, content in self.objects.items() if key.startswith(prefix)]
        return iter(found)

    def delete(self, key: str) -> None:
        with self._call("delete", checked_key(key)):
            self.objects.pop(key, None)

    def sweep(self) -> int:
        with self._call("sweep", ""):
            return 0

    @contextmanager
    def _call(self, what: str, key: str) -> Iterator[None]:
        with self._lock:
            self.journal.append((what, key))
            if self.failures:
                raise self.failures.pop()
            yield

    def _found(self, key: str) -> bytes:
        if key not in self.objects:
            raise ObjectNotFoundError(f"store {self.name!r} holds no object {key}")
        return self.objects[key]


def _content(content: bytes | StagedFile) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.path.read_bytes()
    except OSError as error:
        raise StoreError(f"the staged file cannot be read: {content.path}") from error
