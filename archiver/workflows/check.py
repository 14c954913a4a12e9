"""Check one copy of a bag: the store is read as it is, through the bag's own manifests, and against the catalogue.

Each can convict the other. The catalogue keeps the digest of the bag's tag manifest, on which every other digest of the
bag hangs; a manifest that was rewritten together with its payload agrees with itself and not with the catalogue, and a
catalogue that was changed does not agree with a bag whose tag manifest it still names.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from archiver.core.audits import NO_DAMAGE, CheckedCopy, CheckOutcome
from archiver.core.bags.layout import LAST_TAG_FILE, SHADOW
from archiver.core.bags.manifests import format_manifest, recognise_entry, split_lines
from archiver.core.bags.paths import decode_path
from archiver.core.bags.tag_files import LARGEST_TAG_FILE
from archiver.core.errors import CannotRunError, ObjectNotFoundError, StoreError
from archiver.core.examinations import Verdict
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest, Grade, Hasher, digest_of, recognise_digest
from archiver.core.holdings import HeldFile
from archiver.core.selections import is_audio
from archiver.workflows.listen import listen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.audits import DueCopy
    from archiver.core.examinations import Examination
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.stores import Store
    from archiver.workflows.listen import Listening

PAYLOAD_MANIFESTS = ("manifest-sha256.txt", "manifest-sha512.txt")
ALWAYS = ("bagit.txt", "bag-info.txt", *PAYLOAD_MANIFESTS, SHADOW, LAST_TAG_FILE)
"""Tag files that every bag of ours has."""


def check_copy(
    copy: DueCopy,
    *,
    files: Iterable[HeldFile],
    root: Digest,
    store: Store,
    grade: Grade,
    engine: Engine,
    clock: Clock,
    listening: Listening | None = None,
) -> CheckedCopy:
    """Check one copy and return what was found; never raises for what a store does.

    SHA-256 alone is computed of payload: one digest is enough to tell whether bytes changed, processors compute it in
    hardware, and the catalogue, the manifest and object storage all have it.

    Args:
        copy: Which one.
        files: The payload files as the catalogue has them.
        root: SHA-512 of the bag's tag manifest, as the catalogue has it.
        store: Where it is.
        grade: How much to prove.
        engine: Reads several files at once.
        clock: For the dates.
        listening: For `Grade.DECODE`, which is nothing more than `Grade.READ` without it.
    """
    started = clock.now()
    grade = grade if listening is not None else min(grade, Grade.READ)
    look = _Look(copy, store, grade, listening if grade is Grade.DECODE else None)
    try:
        sizes = {facts.key.removeprefix(copy.prefix): facts.size for facts in store.list(copy.prefix)}
        look.requests += 1 + len(sizes) // 1000
    except (StoreError, CannotRunError) as error:
        look.unanswered.append((copy.prefix, error.message))
        sizes = {}
    else:
        _judge(look, sizes, {file.path: file for file in files}, root, engine)
    outcome = CheckOutcome.GOOD
    if look.unanswered:
        outcome = CheckOutcome.UNANSWERED
    elif any(one.code not in NO_DAMAGE for one in look.findings):
        outcome = CheckOutcome.DAMAGED
    elif any(one.code is FindingCode.OBJECT_UNVERIFIABLE for one in look.findings):
        outcome = CheckOutcome.UNANSWERED
    placed = (
        replace(
            one,
            where=copy.prefix + one.where,
            store=copy.store,
            next=one.next or _next(one.code, copy),
        )
        for one in {(one.where, one.code): one for one in reversed(look.findings)}.values()
    )
    return CheckedCopy(
        item=copy.item,
        version=copy.version,
        store=copy.store,
        key=copy.prefix.rstrip("/"),
        grade=grade,
        outcome=outcome,
        started_at=started,
        ended_at=clock.now(),
        objects=len(sizes),
        bytes=look.bytes,
        requests=look.requests,
        findings=tuple(sorted(placed, key=lambda one: (one.where, one.code))),
        unanswered=tuple(look.unanswered),
        last_checked_at=copy.checked_at,
        decoded=look.decoded,
    )


def _next(code: FindingCode, copy: DueCopy) -> str:
    if code is FindingCode.OBJECT_UNVERIFIABLE:
        return f"archiver audit --item {copy.item} --store {copy.store} --grade read"
    if code is FindingCode.OBJECT_UNDECODABLE:
        return f"archiver get {copy.item} DIR   # then: archiver examine DIR/FILE"
    return f"archiver repair {copy.item} --dry-run"


@dataclass(slots=True)
class _Look:
    """What one check has come to know; filled from several threads."""

    copy: DueCopy
    store: Store
    grade: Grade
    listening: Listening | None = None
    decoded: int = 0
    findings: list[Finding] = field(default_factory=list)
    unanswered: list[tuple[str, str]] = field(default_factory=list)
    bytes: int = 0
    requests: int = 0
    lock: Lock = field(default_factory=Lock)

    def found(self, code: FindingCode, path: str, *, expected: str = "", actual: str = "") -> None:
        with self.lock:
            self.findings.append(Finding(code, path, expected=expected, actual=actual))

    def used(self, bytes_: int) -> None:
        with self.lock:
            self.bytes += bytes_
            self.requests += 1

    def heard(self, file: HeldFile, examination: Examination) -> None:
        """Take down that a file was decoded; what does not play although its bytes are right is a finding."""
        with self.lock:
            self.decoded += 1
        if examination.verdict in {Verdict.DAMAGED, Verdict.UNDECODABLE}:
            remarks = "; ".join(f"{one.code.value}: {one.detail}" for one in examination.remarks)
            self.found(
                FindingCode.OBJECT_UNDECODABLE,
                file.path,
                expected=f"audio that plays to its end, in {file.sha256}",
                actual=f"the right bytes, {examination.verdict.value}: {remarks}"[:500],
            )

    def failed(self, path: str, error: StoreError | CannotRunError, *, expected: str) -> None:
        """Sort why an object gave no bytes: absent, unreadable for good, or no answer."""
        if isinstance(error, ObjectNotFoundError):
            self.found(FindingCode.OBJECT_MISSING, path, expected=expected, actual="nothing")
        elif error.transient or isinstance(error, CannotRunError):
            with self.lock:
                self.unanswered.append((self.copy.prefix + path, error.message))
        else:
            self.found(FindingCode.OBJECT_UNREADABLE, path, expected=expected, actual=error.message)


def _judge(look: _Look, sizes: Mapping[str, int], held: Mapping[str, HeldFile], root: Digest, engine: Engine) -> None:
    wants_content = look.grade >= Grade.PROVIDER
    names = [path for path in sizes if not path.startswith("data/")]
    reads = partial(_tag, look, sizes=sizes)
    contents = engine.over(reads, names) if wants_content else map(reads, [LAST_TAG_FILE])
    tags = {path: content for path, content in contents if content is not None}
    listed = _judge_root(look, tags, sizes, root)
    for path in sorted((listed | set(ALWAYS)) - sizes.keys()):
        _absent(look, path, expected="a tag file of this bag")
    if wants_content:
        held = _judge_manifests(look, tags, sizes, held, is_proven=_is_root(tags, root))
    for path in sorted(sizes.keys() - (held.keys() | listed | set(ALWAYS))):
        look.found(FindingCode.OBJECT_UNEXPECTED, path, expected="nothing", actual=f"{sizes[path]} bytes")
    for path in sorted(held.keys() - sizes.keys()):
        _absent(look, path, expected=f"{held[path].size} bytes, {held[path].sha256}")
    _judge_payload(look, sizes, held, engine)


def _judge_payload(look: _Look, sizes: Mapping[str, int], held: Mapping[str, HeldFile], engine: Engine) -> None:
    present = sorted(held.keys() & sizes.keys(), key=lambda path: -sizes[path])
    one = partial(_check_payload, look, held, sizes)
    if len(present) == 1 or look.grade < Grade.PROVIDER:
        for path in present:
            one(path)
        return
    for _ in engine.over(one, present):
        pass


def _is_root(tags: Mapping[str, bytes], root: Digest) -> bool:
    return LAST_TAG_FILE in tags and digest_of(tags[LAST_TAG_FILE], root.algorithm) == root


def _judge_root(look: _Look, tags: Mapping[str, bytes], sizes: Mapping[str, int], root: Digest) -> set[str]:
    """Judge the tag manifests and the tag files they list; return the names that the bag should have."""
    content = tags.get(LAST_TAG_FILE)
    again = format_manifest((path, digest_of(tag, Algorithm.SHA512)) for path, tag in tags.items() if not _is_top(path))
    is_sound_but_for_it = digest_of(again, root.algorithm) == root
    promised = entries_of(again if is_sound_but_for_it else content or b"", Algorithm.SHA512)
    if content is not None and not _is_root(tags, root):
        look.found(
            FindingCode.MANIFEST_ALTERED,
            LAST_TAG_FILE,
            expected=f"{root}, as the catalogue has it",
            actual=str(digest_of(content, root.algorithm)),
        )
    if is_sound_but_for_it or _is_root(tags, root):
        for path, digest in promised.items():
            if path in tags:
                actual = digest_of(tags[path], Algorithm.SHA512)
                if actual != digest:
                    look.found(_code(path), path, expected=str(digest), actual=str(actual))
        _judge_shadow(look, tags, promised)
        return set(promised)
    # The tag manifest speaks for nobody now. A tag file is convicted when neither of the two tag manifests knows it.
    shadow = entries_of(tags.get(SHADOW, b""), Algorithm.SHA256)
    for path, tag in sorted(tags.items()):
        known = {promised.get(path), shadow.get(path)} - {None}
        is_known = known & {digest_of(tag, Algorithm.SHA512), digest_of(tag, Algorithm.SHA256)}
        if known and not is_known and not _is_top(path):
            look.found(_code(path), path, expected=str(max(map(str, known))), actual=str(digest_of(tag)))
    return set(shadow) or {path for path in sizes if not path.startswith("data/")}


def _is_top(path: str) -> bool:
    return path in {SHADOW, LAST_TAG_FILE}


def _judge_shadow(look: _Look, tags: Mapping[str, bytes], promised: Mapping[str, Digest]) -> None:
    if SHADOW not in tags:
        return
    actual = entries_of(tags[SHADOW], Algorithm.SHA256)
    sound = {
        path for path, digest in promised.items() if path in tags and digest_of(tags[path], digest.algorithm) == digest
    }
    right = {path: digest_of(tags[path]) for path in sound}
    is_whole = sound == promised.keys()
    if (is_whole and tags[SHADOW] != format_manifest(right.items())) or (
        not is_whole
        and (actual.keys() != promised.keys() or any(actual[path] != digest for path, digest in right.items()))
    ):
        look.found(
            FindingCode.MANIFEST_ALTERED,
            SHADOW,
            expected="the SHA-256 of each tag file",
            actual=str(digest_of(tags[SHADOW])),
        )


def _judge_manifests(
    look: _Look, tags: Mapping[str, bytes], sizes: Mapping[str, int], held: Mapping[str, HeldFile], *, is_proven: bool
) -> Mapping[str, HeldFile]:
    """Compare the payload manifests with the catalogue; return the promises to check the payload by.

    A manifest that hangs on the proven tag manifest convicts the catalogue; else the catalogue convicts the manifest.
    """
    root = entries_of(tags.get(LAST_TAG_FILE, b""), Algorithm.SHA512) if is_proven else {}
    proven: dict[Algorithm, dict[str, Digest]] = {}
    for name, algorithm in zip(PAYLOAD_MANIFESTS, (Algorithm.SHA256, Algorithm.SHA512), strict=True):
        if name not in tags:
            continue
        stated = entries_of(tags[name], algorithm)
        wanted = {path: file.sha256 if algorithm is Algorithm.SHA256 else file.sha512 for path, file in held.items()}
        differing = sorted(path for path in stated.keys() | wanted.keys() if stated.get(path) != wanted.get(path))
        if is_proven and root.get(name) == digest_of(tags[name], Algorithm.SHA512):
            proven[algorithm] = stated
            for path in differing:
                look.found(
                    FindingCode.CATALOGUE_ALTERED,
                    path,
                    expected=f"{stated.get(path, 'no such file')}, as the proven {name} has it",
                    actual=f"{wanted.get(path, 'no such file')} in the catalogue",
                )
        elif differing:
            look.found(
                FindingCode.MANIFEST_ALTERED,
                name,
                expected="the digests that the catalogue has",
                actual=f"other ones for {', '.join(differing)[:300]}",
            )
            _judge_accomplice(look, tags, name)
    return _trusted(held, sizes, proven)


def _judge_accomplice(look: _Look, tags: Mapping[str, bytes], name: str) -> None:
    """Convict the second tag manifest as well where it vouches for a convicted manifest."""
    actual = digest_of(tags[name])
    if entries_of(tags.get(SHADOW, b""), Algorithm.SHA256).get(name) == actual:
        look.found(
            FindingCode.MANIFEST_ALTERED,
            SHADOW,
            expected=f"the digest of a sound {name}",
            actual=f"{actual}, as altered",
        )


def _trusted(
    held: Mapping[str, HeldFile], sizes: Mapping[str, int], proven: Mapping[Algorithm, Mapping[str, Digest]]
) -> Mapping[str, HeldFile]:
    """Return the catalogue's promises, with those of a proven manifest in their place where they differ."""
    trusted = dict(held)
    for path, sha256 in proven.get(Algorithm.SHA256, {}).items():
        if path in trusted:
            trusted[path] = replace(trusted[path], sha256=sha256)
        elif sha512 := proven.get(Algorithm.SHA512, {}).get(path):
            trusted[path] = HeldFile(path, sizes.get(path, 0), sha256, sha512)
    return trusted


def _code(path: str) -> FindingCode:
    is_manifest = path in PAYLOAD_MANIFESTS or path.startswith("tagmanifest-")
    return FindingCode.MANIFEST_ALTERED if is_manifest else FindingCode.OBJECT_CHANGED


def _absent(look: _Look, path: str, *, expected: str) -> None:
    """Say what became of an object that is not listed: gone, or something is there that cannot be read."""
    try:
        look.used(0)
        look.store.stat(look.copy.prefix + path)
    except (StoreError, CannotRunError) as error:
        look.failed(path, error, expected=expected)
    else:
        look.found(FindingCode.OBJECT_UNREADABLE, path, expected=expected, actual="there, and not in the listing")


def _tag(look: _Look, path: str, *, sizes: Mapping[str, int]) -> tuple[str, bytes | None]:
    return path, _content_of(look, path, sizes)


def _content_of(look: _Look, path: str, sizes: Mapping[str, int]) -> bytes | None:
    if path not in sizes:
        return None
    if sizes[path] > LARGEST_TAG_FILE:
        look.found(_code(path), path, expected=f"at most {LARGEST_TAG_FILE} bytes", actual=f"{sizes[path]} bytes")
        return None
    try:
        with look.store.read(look.copy.prefix + path) as chunks:
            content = b"".join(chunks)
    except (StoreError, CannotRunError) as error:
        look.failed(path, error, expected="a tag file of this bag")
        return None
    look.used(len(content))
    return content


def _check_payload(look: _Look, held: Mapping[str, HeldFile], sizes: Mapping[str, int], path: str) -> None:
    file, key = held[path], look.copy.prefix + path
    if look.grade is Grade.LISTED:
        return
    if sizes[path] != file.size and look.grade < Grade.READ:
        look.found(FindingCode.OBJECT_CHANGED, path, expected=f"{file.size} bytes", actual=f"{sizes[path]} bytes")
        return
    if look.grade is Grade.SIZE:
        return
    try:
        if look.grade is Grade.PROVIDER:
            look.used(0)
            actual = look.store.stat(key).sha256
            if actual is None:
                look.found(
                    FindingCode.OBJECT_UNVERIFIABLE,
                    path,
                    expected="a digest that the store computed",
                    actual="none that it is proven to compute",
                )
                return
            size = sizes[path]
        else:
            actual, size = _digest(look, key, file)
    except (StoreError, CannotRunError) as error:
        look.failed(path, error, expected=str(file.sha256))
        return
    if actual != file.sha256:
        look.found(
            FindingCode.OBJECT_CHANGED,
            path,
            expected=f"{file.sha256} in {file.size} bytes",
            actual=f"{actual} in {size} bytes",
        )


def _digest(look: _Look, key: str, file: HeldFile) -> tuple[Digest, int]:
    if look.listening is not None and is_audio(file.path):
        heard = listen(look.store, key, look.listening, expected=file.sha256, used=look.used)
        if heard.examination is not None:
            look.heard(file, heard.examination)
        return heard.actual, heard.size
    hasher = Hasher((Algorithm.SHA256,))
    try:
        with look.store.read(key) as chunks:
            for chunk in chunks:
                hasher.update(chunk)
    finally:
        look.used(hasher.size)
    return hasher.digests()[0], hasher.size


def entries_of(manifest: bytes, algorithm: Algorithm) -> dict[str, Digest]:
    """Return path and digest of each line of a manifest; lines that are none are left out."""
    entries: dict[str, Digest] = {}
    for line in split_lines(manifest.decode("utf-8", "replace")):
        entry = recognise_entry(line)
        digest = recognise_digest(algorithm, entry[0]) if entry else None
        if entry and digest:
            entries[decode_path(entry[1])] = digest
    return entries
