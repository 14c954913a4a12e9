"""Repair: put a damaged copy right, object by object, from whatever place still has the right bytes.

    damaged copy ── check ──> findings ── for each object ──> sound bytes, read and proven ── written beside, read back ──>
    the damaged object retired ── written in its place, read back ── check ──> good

Nothing sound is ever touched: an object is retired only when its right bytes stand durable beside it in the same store.
Killed at any line, there are as many sound bytes as before or more, and the next repair goes on. Two copies of a bag that
are damaged in different files heal each other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.audits import Repair, RepairOutcome
from archiver.core.bags.layout import LAST_TAG_FILE, SHADOW
from archiver.core.bags.manifests import format_manifest
from archiver.core.bags.tag_files import LARGEST_TAG_FILE
from archiver.core.errors import (
    ArchiverError,
    CannotRunError,
    CaptureError,
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    SourceError,
    StoreError,
)
from archiver.core.events import Event, EventOutcome, EventType
from archiver.core.findings import FindingCode
from archiver.core.fixity import STORED, Algorithm, Digest, Grade, Hasher, digest_of
from archiver.core.items import ItemId
from archiver.workflows.audit import checked_copy, events_of
from archiver.workflows.check import PAYLOAD_MANIFESTS, entries_of
from archiver.workflows.small_object import small_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.audits import CheckedCopy, DueCopy
    from archiver.core.holdings import HeldFile, Holding
    from archiver.core.objects import StagedFile
    from archiver.ports.catalogue import Ledger
    from archiver.ports.origins import Origins
    from archiver.ports.staging import Staging
    from archiver.ports.stores import Store
    from archiver.workflows.audit import Rounds

BESIDE = "archive/repair/"
"""Where right bytes wait beside the damaged object, in the same store."""
DAMAGED = "archive/damaged/"
"""Where damaged and unexpected bytes are kept for inspection."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The doorways of a repair.

    Attributes:
        rounds: Those of an audit; its vault has every store.
        events: Takes down what was done, object by object.
        staging: Where bytes wait between two stores.
        origins: The last place to ask for bytes.
        keeps_damaged: Whether damaged bytes are kept for inspection.
    """

    rounds: Rounds
    events: Ledger
    staging: Staging
    origins: Origins
    keeps_damaged: bool = False


def repair(copy: DueCopy, bench: Bench, *, is_rehearsal: bool = False) -> tuple[CheckedCopy, tuple[Repair, ...]]:
    """Check a copy, put right what is wrong with it, and check it again. The caller holds the archive's lock.

    Args:
        copy: Which one.
        bench: The doorways.
        is_rehearsal: Look for sound bytes and prove them, but write nothing.

    Returns:
        The last check, and what became of each object; none where the copy was good.

    Raises:
        CatalogueError: What was repaired is repaired; it is found so by the next audit.
    """
    rounds = bench.rounds
    checked = checked_copy(copy, rounds, grade=Grade.READ)
    if is_rehearsal:
        return checked, tuple(_repairs(copy, checked, bench, is_rehearsal=True)) if checked.findings else ()
    done: tuple[Repair, ...] = ()
    if checked.findings:
        rounds.ledger.checked(copy, checked, events_of(checked, rounds.agent))
        done = tuple(_repairs(copy, checked, bench, is_rehearsal=False))
        checked = checked_copy(copy, rounds, grade=Grade.READ)
        if checked.findings and any(one.outcome is RepairOutcome.REPAIRED for one in done):
            # What was wrong with a manifest may only be told beside a sound one.
            known = {one.path for one in done}
            done += tuple(one for one in _repairs(copy, checked, bench, is_rehearsal=False) if one.path not in known)
            checked = checked_copy(copy, rounds, grade=Grade.READ)
    rounds.ledger.checked(copy, checked, events_of(checked, rounds.agent), done)
    return checked, done


def clear_leftovers(bench: Bench) -> None:
    """Remove what killed repairs left beside; the caller has just repaired what there was to repair."""
    for store in bench.rounds.vault.values():
        try:
            for facts in tuple(store.list(BESIDE)):
                store.delete(facts.key)
        except (StoreError, CannotRunError):
            continue  # they harm nobody, and the next repair comes by here again


def _repairs(copy: DueCopy, checked: CheckedCopy, bench: Bench, *, is_rehearsal: bool) -> Iterator[Repair]:
    held = next(one for one in bench.rounds.holdings.versions(copy.item) if one.version == copy.version)
    mend = _Mending(copy, held, bench, is_rehearsal)
    by_path: dict[str, FindingCode] = {}
    for finding in checked.findings:
        by_path.setdefault(finding.where.removeprefix(copy.prefix), finding.code)
    try:
        # What is in the way of an object first; then payload first and tag manifests last, as a deposit writes them.
        def place(path: str) -> tuple[bool, ...]:
            unexpected = by_path[path] is FindingCode.OBJECT_UNEXPECTED
            return not unexpected, not path.startswith("data/"), path.startswith("tag")

        for path in sorted(sorted(by_path), key=place):
            yield mend.mended(path, by_path[path])
    finally:
        if not is_rehearsal:
            bench.staging.discard(mend.bay)


class _Mending:
    """The repair of one copy: knows what each object must be, and where its bytes may be."""

    def __init__(self, copy: DueCopy, held: Holding, bench: Bench, is_rehearsal: bool) -> None:  # noqa: FBT001
        self.copy = copy
        self.held = held
        self.bench = bench
        self.is_rehearsal = is_rehearsal
        self.store = bench.rounds.vault[copy.store]
        self.bay = ItemId("repair", str(copy.item))
        files = bench.rounds.holdings.files(copy.item, copy.version)
        self.files: dict[str, HeldFile] = {file.path: file for file in files}
        self.tags = _sound_tags(held, self.files, bench.rounds.vault)
        manifest = entries_of(self.tags.get("manifest-sha256.txt", b""), Algorithm.SHA256)
        self.payload = {path: file.sha256 for path, file in self.files.items()} | manifest

    def mended(self, path: str, code: FindingCode) -> Repair:
        """Put one object right and return what became of it."""
        try:
            if code is FindingCode.OBJECT_UNEXPECTED:
                return self._removed(path)
            if code is FindingCode.CATALOGUE_ALTERED:
                return self._impossible(
                    path, "the catalogue is wrong, not the copy", f"archiver rebuild --from {self.copy.store}"
                )
            if code is FindingCode.OBJECT_UNVERIFIABLE:
                return self._impossible(
                    path, "only reading it tells", f"archiver audit --item {self.copy.item} --grade read"
                )
            if path.startswith("data/"):
                return self._payload(path)
            return self._tag(path)
        except (StoreError, CannotRunError) as error:
            again = f"archiver repair {self.copy.item}"
            next_ = f"{error.next_command}   # then: {again}" if error.next_command else again
            return self._said(path, RepairOutcome.FAILED, detail=f"{error.message}; next: {next_}")

    def _removed(self, path: str) -> Repair:
        if self.is_rehearsal:
            return self._said(path, RepairOutcome.WOULD_REMOVE, detail=f"would be moved below {DAMAGED}")
        place = self._keep(path)
        self.store.delete(self.copy.prefix + path)
        self._event(
            EventType.DELETION, path, f"an object that belongs to no bag, kept as {place}" if place else "removed"
        )
        return self._said(path, RepairOutcome.REMOVED, detail=f"kept as {place}" if place else "it could not be read")

    def _tag(self, path: str) -> Repair:
        content = self.tags.get(path)
        if content is None:
            return self._impossible(
                path, "no store has sound bytes of this tag file", f"archiver show {self.copy.item}"
            )
        return self._replaced(path, content, digest_of(content), source="the bag's own digests")

    def _payload(self, path: str) -> Repair:
        sha256 = self.payload.get(path)
        if sha256 is None:
            return self._impossible(path, "neither catalogue nor manifest knows it", f"archiver show {self.copy.item}")
        tried: list[str] = []
        found = self._found(path, sha256, tried)
        if found is None:
            return self._from_origin(path, sha256, tried)
        source, staged = found
        if staged is None:
            return self._said(path, RepairOutcome.WOULD_REPAIR, source=source, digest=sha256)
        return self._replaced(path, staged, sha256, source=source)

    def _found(self, path: str, sha256: Digest, tried: list[str]) -> tuple[str, StagedFile | None] | None:
        """Return where sound bytes are, and the bytes unless this is a rehearsal; note in ``tried`` what had none."""
        for name, store, key in self._places(path, sha256):
            try:
                if self.is_rehearsal:
                    if _read_digest(store, key) == sha256:
                        return name, None
                elif (staged := self._staged(store, key, path, sha256)) is not None:
                    return name, staged
                tried.append(f"{name}: other bytes")
            except (StoreError, CannotRunError) as error:
                if store is self.store and key != self.copy.prefix + path and isinstance(error, ObjectNotFoundError):
                    continue
                tried.append(f"{name}: {error.message}")
        return None

    def _places(self, path: str, sha256: Digest) -> Iterator[tuple[str, Store, str]]:
        """Yield where the bytes may be: every other store, then what a killed repair left beside."""
        for name, store in self.bench.rounds.vault.items():
            if name != self.copy.store:
                yield name, store, self.copy.prefix + path
        yield self.copy.store, self.store, self._beside(path, sha256)

    def _from_origin(self, path: str, sha256: Digest, tried: list[str]) -> Repair:
        try:
            if self.is_rehearsal:
                return self._said(
                    path,
                    RepairOutcome.WOULD_REPAIR,
                    source=f"source {self.copy.item.source}",
                    digest=sha256,
                    detail=f"no store has the bytes ({'; '.join(tried)}); the source would be asked for them",
                )
            staged = self.bench.origins.bring(self.copy.item, path, sha256=sha256, state=self.held.state)
        except (SourceError, CaptureError, CannotRunError) as error:
            tried.append(f"source {self.copy.item.source}: {error.message}")
            return self._impossible(
                path,
                f"no place has bytes of {sha256}: {'; '.join(tried)}",
                f"archiver show {self.copy.item}   # bring a sound copy of the store back, then: "
                f"archiver repair {self.copy.item}",
            )
        try:
            return self._replaced(path, staged, sha256, source=f"source {self.copy.item.source}")
        finally:
            self.bench.staging.discard(self.copy.item)

    def _staged(self, store: Store, key: str, path: str, sha256: Digest) -> StagedFile | None:
        """Read an object into staging and return it when it is what it must be."""
        with self.bench.staging.receive(self.bay, path, state=self.held.state, algorithms=STORED) as incoming:
            incoming.begin(validator="")
            with store.read(key) as chunks:
                for chunk in chunks:
                    incoming.write(chunk)
            if sha256 not in incoming.digests():
                incoming.begin(validator="")
                return None
            return incoming.commit()

    def _replaced(self, path: str, content: bytes | StagedFile, sha256: Digest, *, source: str) -> Repair:
        if self.is_rehearsal:
            return self._said(path, RepairOutcome.WOULD_REPAIR, source=source, digest=sha256)
        key, beside = self.copy.prefix + path, self._beside(path, sha256)
        self._event(EventType.FIXITY_CHECK, path, f"bytes from {source} read and proven to be {sha256}")
        _put_and_read_back(self.store, beside, content, sha256)
        kept = self._keep(path) if self.bench.keeps_damaged else ""
        self.store.delete(key)
        self._event(EventType.DELETION, path, f"the damaged object{f', kept as {kept}' if kept else ''}")
        _put_and_read_back(self.store, key, content, sha256)
        self._event(EventType.RECOVERY, path, f"from {source}, read back as {sha256}")
        self.store.delete(beside)
        return self._said(path, RepairOutcome.REPAIRED, source=source, digest=sha256)

    def _keep(self, path: str) -> str:
        """Keep an object's bytes for inspection, whatever they are; return where, or nothing when it cannot be read."""
        key = self.copy.prefix + path
        stamp = self.bench.rounds.clock.now().strftime("%Y%m%dT%H%M%SZ")
        place = f"{DAMAGED}{stamp}/{key}"
        try:
            with self.bench.staging.receive(
                self.bay, f"damaged {path}", state=self.held.state, algorithms=STORED
            ) as incoming:
                incoming.begin(validator="")
                with self.store.read(key) as chunks:
                    for chunk in chunks:
                        incoming.write(chunk)
                staged = incoming.commit()
            self.store.put(place, staged, sha256=staged.sha256)
        except (ObjectNotFoundError, ObjectDamagedError, ObjectConflictError, ValueError):
            return ""
        return place

    def _beside(self, path: str, sha256: Digest) -> str:
        name = hashlib.sha256((self.copy.prefix + path).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{BESIDE}{name}-{sha256.value[:16]}"

    def _impossible(self, path: str, why: str, next_: str) -> Repair:
        return self._said(path, RepairOutcome.IMPOSSIBLE, detail=f"{why}; next: {next_}")

    def _said(
        self, path: str, outcome: RepairOutcome, *, source: str = "", digest: Digest | str = "", detail: str = ""
    ) -> Repair:
        copy = self.copy
        at = self.bench.rounds.clock.now()
        if outcome in {RepairOutcome.IMPOSSIBLE, RepairOutcome.FAILED} and not self.is_rehearsal:
            self._event(EventType.RECOVERY, path, detail[:1000], EventOutcome.FAILURE)
        return Repair(copy.item, copy.version, copy.store, path, outcome, source, str(digest), detail, at)

    def _event(self, type_: EventType, path: str, detail: str, outcome: EventOutcome = EventOutcome.SUCCESS) -> None:
        rounds, copy = self.bench.rounds, self.copy
        at = rounds.clock.now()
        event = Event(
            type_, at, outcome, detail, rounds.agent, copy.item, version=copy.version, store=copy.store, path=path
        )
        self.bench.events.appended((event,))


def _put_and_read_back(store: Store, key: str, content: bytes | StagedFile, sha256: Digest) -> None:
    try:
        store.put(key, content, sha256=sha256)
    except ObjectConflictError:
        # The remains of a repair that was killed, or what has taken the damaged object's place meanwhile: not sound.
        store.delete(key)
        store.put(key, content, sha256=sha256)
    actual = _read_digest(store, key)
    if actual != sha256:
        raise ObjectDamagedError(
            f"store {store.name!r} gave back other bytes than it was given under {key}: expected {sha256}, actual {actual}"
        )


def _read_digest(store: Store, key: str) -> Digest:
    hasher = Hasher((Algorithm.SHA256,))
    with store.read(key) as chunks:
        for chunk in chunks:
            hasher.update(chunk)
    return hasher.digests()[0]


def _sound_tags(held: Holding, files: Mapping[str, HeldFile], vault: Mapping[str, Store]) -> dict[str, bytes]:
    """Return every tag file of a bag that is sound anywhere, or can be computed again; all hang on the catalogue's root."""
    places = tuple(vault.values())
    tags: dict[str, bytes] = {}
    root = _first(places, held.prefix + LAST_TAG_FILE, held.tag_manifest) or _root_again(held, files, places)
    if root is None:
        return tags
    tags[LAST_TAG_FILE] = root
    promised = entries_of(root, Algorithm.SHA512)
    for path, digest in promised.items():
        content = _first(places, held.prefix + path, digest)
        if content is None and path in PAYLOAD_MANIFESTS:
            content = _manifest_again(path, files)
            content = content if digest_of(content, Algorithm.SHA512) == digest else None
        if content is not None:
            tags[path] = content
    if promised.keys() <= tags.keys():
        tags[SHADOW] = format_manifest((path, digest_of(tags[path])) for path in promised)
    return tags


def _manifest_again(name: str, files: Mapping[str, HeldFile]) -> bytes:
    is_256 = name == PAYLOAD_MANIFESTS[0]
    return format_manifest((path, file.sha256 if is_256 else file.sha512) for path, file in files.items())


def _root_again(held: Holding, files: Mapping[str, HeldFile], places: tuple[Store, ...]) -> bytes | None:
    """Compute the tag manifest again from the tag files, where every store has lost it; the root proves it."""
    for store in places:
        try:
            names = [facts.key.removeprefix(held.prefix) for facts in store.list(held.prefix)]
        except (StoreError, CannotRunError):
            continue
        listed = [name for name in names if not name.startswith(("data/", "tagmanifest-"))]
        contents = {name: _whole(store, held.prefix + name) for name in listed}
        contents |= {name: _manifest_again(name, files) for name in PAYLOAD_MANIFESTS}
        entries = [(name, digest_of(one, Algorithm.SHA512)) for name, one in contents.items() if one is not None]
        again = format_manifest(entries)
        if digest_of(again, held.tag_manifest.algorithm) == held.tag_manifest:
            return again
    return None


def _first(places: tuple[Store, ...], key: str, digest: Digest) -> bytes | None:
    for store in places:
        content = _whole(store, key)
        if content is not None and digest_of(content, digest.algorithm) == digest:
            return content
    return None


def _whole(store: Store, key: str) -> bytes | None:
    """Return a tag file, or None where there is none, or one that is larger than any may be."""
    try:
        return small_object(store, key, limit=LARGEST_TAG_FILE)
    except (ArchiverError, ValueError):
        return None
