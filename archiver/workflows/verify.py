"""Verify: is this bag complete, and is it valid? Every deviation is a finding; nothing is written beside scratch.

what is there ── tag files ──> Reading ── promises, in order ──> digests ──> BagVerdict
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.profiles import DIRECTORY, BagFacts, check_profile
from archiver.core.bags.validating import DECLARATION, Promised, Reading, compare, is_tag_file, largest
from archiver.core.errors import StoreError
from archiver.core.findings import MOST_FINDINGS, TOLERABLE, WARNINGS, BagVerdict, Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest, Hasher
from archiver.core.objects import ObjectFacts, Stranger, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from archiver.core.bags.profiles import Profile
    from archiver.core.bags.validating import There
    from archiver.ports.bags import BagArchive, BagPlace, BagStream, BagTree, Reader
    from archiver.ports.checks import CheckProgress
    from archiver.ports.engines import Engine
    from archiver.ports.scratch import Row, Scratch

_CODES = {
    StrangerKind.LINK: FindingCode.LINK_REFUSED,
    StrangerKind.SHARED: FindingCode.HARD_LINK,
    StrangerKind.SPECIAL: FindingCode.SPECIAL_FILE,
    StrangerKind.UNNAMEABLE: FindingCode.NAME_NOT_UTF8,
    StrangerKind.UNREADABLE: FindingCode.FILE_UNREADABLE,
    StrangerKind.UNSAFE: FindingCode.PATH_UNSAFE,
    StrangerKind.DAMAGED: FindingCode.SERIALIZATION_DAMAGED,
    StrangerKind.EXCESSIVE: FindingCode.SERIALIZATION_EXCESSIVE,
}
_SMALL = 1 << 20
"""Bytes that objects read in one go may have together."""
_MOST_TOPS = 1000
"""Directories at the top of an archive that are remembered; one is right, and the finding names a few."""
_MOST_TAG_FILES = 64
"""Manifests and other tag files of one bag that are read. Each file is looked for in each manifest: thousands of them are an attack."""
_MOST_BAGS = 100
"""Bags that are judged in one archive. It may hold one; all others count against each."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a bag beside the RFC.

    Attributes:
        is_lenient: Whether tolerable deviations are named and do not count.
        profile: A profile it must satisfy, or None.
        serialization: Media type of the archive it comes in, or empty; for the profile.
    """

    is_lenient: bool = False
    profile: Profile | None = None
    serialization: str = DIRECTORY


DEMAND = Demand()
"""Nothing but the RFC, strictly."""


class Memory:
    """Scratch that holds everything in memory: for bags that are known to be small."""

    def held(self, chunks: Iterable[bytes]) -> BinaryIO:
        """See the port."""
        return io.BytesIO(b"".join(chunks))

    def kept(self, rows: Iterable[Row]) -> Iterable[Row]:
        """See the port."""
        return list(rows)

    def in_order(self, rows: Iterable[Row]) -> Iterator[Row]:
        """See the port."""
        return iter(sorted(rows))


class Silence:
    """Tells nobody how far a check has come."""

    def began(self, what: str, *, files: int, bytes_: int) -> None:
        """See the port."""

    def read(self, bytes_: int) -> None:
        """See the port."""

    def ended(self) -> None:
        """See the port."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a verdict is made in.

    Attributes:
        scratch: Opens room for what may be too large for memory, anew for each bag.
        progress: Who is told how far it has come.
        together: How many small objects are read in one go: many where opening one takes no time, few where it does.
    """

    scratch: Callable[[], AbstractContextManager[Scratch]] = field(default=lambda: nullcontext(Memory()))
    progress: CheckProgress = field(default_factory=Silence)
    together: int = 1


ROOM = Room()
"""Memory, and nobody is told."""


def bags_in(store: BagPlace, prefix: str = "") -> tuple[str, ...]:
    """Return the place of every bag below a prefix, in order; the prefix itself when no bag declaration is found."""
    return outermost((facts.key for facts in store.list(prefix)), prefix)


def outermost(keys: Iterable[str], prefix: str = "") -> tuple[str, ...]:
    """Return the place of every bag by its declaration, bags inside another, payload or tag files, left out."""
    ends = (
        key.removesuffix(DECLARATION) for key in keys if key == prefix + DECLARATION or key.endswith("/" + DECLARATION)
    )
    found: dict[str, None] = {}
    for place in sorted(ends):
        parts = place.split("/")
        outer = ("".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts) - 1))
        if not any(above in found for above in outer):
            found[place] = None
    return tuple(found) or (prefix,)


def verify(
    store: BagPlace,
    prefix: str,
    *,
    files: Engine,
    strangers: Iterable[Stranger] = (),
    demand: Demand = DEMAND,
    room: Room = ROOM,
) -> BagVerdict:
    """Read every byte of a bag once and judge it.

    Args:
        store: Where it is.
        prefix: Its place, ending in ``/``, or empty.
        files: Reads several files at once.
        strangers: What lies there and is no object.
        demand: What is asked of the bag beside the RFC.
        room: Where and before whom it is judged.

    Raises:
        StoreUnavailableError: The store does not answer; there is no verdict.
    """
    with room.scratch() as scratch:
        rows = ((facts.key, facts.size, facts.place) for facts in store.list(prefix))
        bag = _Bag(_Below(scratch.kept(rows), prefix), store.name, strangers, demand)
        return bag.judged(partial(_store_reader, store), files=files, scratch=scratch, room=room)


def verify_tree(tree: BagTree, *, files: Engine, demand: Demand = DEMAND, room: Room = ROOM) -> Iterator[BagVerdict]:
    """Yield the verdict on each bag below a directory; what lies below it is looked at once where it is one bag.

    Args:
        tree: The directory.
        files: Reads several files at once.
        demand: What is asked of each bag beside the RFC.
        room: Where and before whom it is judged.
    """
    places = ("",) if tree.has_file(DECLARATION) else _places(tree)
    if places == ("",):
        with room.scratch() as scratch:
            contents = _Contents(tree.survey(""), scratch)
            if len(contents.bags) == 1:
                bag = contents.bag(0, tree.name, demand)
                bag.ask_for_payload_directory(tree)
                yield bag.judged(tree.reader, files=files, scratch=scratch, room=room)
                return
        places = contents.bags
    for prefix in places:
        with room.scratch() as scratch:
            bag = _Contents(tree.survey(prefix), scratch, prefix).bag(0, tree.name, demand)
            bag.ask_for_payload_directory(tree)
            yield bag.judged(tree.reader, files=files, scratch=scratch, room=room)


def _places(tree: BagTree) -> tuple[str, ...]:
    """Return where bags are; of a whole store nothing but this is remembered."""
    return outermost(one.key for one in tree.survey("") if isinstance(one, ObjectFacts))


def verify_archive(
    archive: BagArchive, *, files: Engine, demand: Demand = DEMAND, room: Room = ROOM
) -> Iterator[BagVerdict]:
    """Yield the verdict on the bag in an archive whose members can be read in any order; on each, where there are more.

    Args:
        archive: The archive.
        files: Reads several members at once.
        demand: What is asked of the bag beside the RFC.
        room: Where and before whom it is judged.
    """
    with room.scratch() as scratch:
        contents = _Contents(archive.survey(), scratch)
        for number in range(min(len(contents.bags), _MOST_BAGS)):
            bag = contents.bag(number, archive.name, demand)
            with room.scratch() as own:
                verdict = bag.judged(archive.reader, files=files, scratch=own, room=room)
            yield _with_serialization(verdict, contents.tops)


def verify_stream(archive: BagStream, *, demand: Demand = DEMAND, room: Room = ROOM) -> BagVerdict:
    """Judge the bag in an archive that is read from beginning to end: once for names, once for tag files, once for all.

    Three passes keep memory small and compute no digest in vain: manifests may come last in an archive.
    """
    with room.scratch() as scratch:
        contents = _Contents(archive.survey(), scratch)
        bag = contents.bag(0, archive.name, demand)
        bag.begin(room)
        bag.take_tags(archive.contents(sorted(bag.wanted, key=lambda facts: facts.place)), scratch)
        reading = bag.reading(scratch)
        rows = scratch.in_order(
            (one.place, one.path, one.size, tuple((digest.algorithm.value, digest.value) for digest in one.digests))
            for one in reading.promises()
        )
        try:
            for promised, chunks in _promised_contents(archive, bag.prefix, rows):
                bag.add(_judged(promised, partial(iter, chunks), room.progress))
        except StoreError as error:
            bag.add([Finding(FindingCode.SERIALIZATION_DAMAGED, "", actual=error.message)])
        room.progress.ended()
        return _with_serialization(bag.verdict(reading), contents.tops)


def _promised_contents(
    archive: BagStream, prefix: str, rows: Iterable[Row]
) -> Iterator[tuple[Promised, Iterator[bytes]]]:
    """Yield each promised file with its bytes. The archive asks for one file after the other: it is the last one asked for."""
    asked: list[Promised] = []

    def wanted() -> Iterator[ObjectFacts]:
        for place, path, size, digests in rows:
            asked[:] = [Promised(path, size, place, tuple(Digest(Algorithm(name), value) for name, value in digests))]
            yield ObjectFacts(prefix + path, size, place=place)

    for _, chunks in archive.contents(wanted()):
        yield asked[0], chunks


class _Contents:
    """What was met in a directory or an archive: objects as rows, strangers, and where bags begin."""

    def __init__(self, survey: Iterable[ObjectFacts | Stranger], scratch: Scratch, prefix: str | None = None) -> None:
        self.strangers: list[Stranger] = []
        self.omitted = 0
        self.tops: set[str] = set()
        self._declared: list[str] = []
        self.rows = scratch.kept(self._noted(survey))
        self.bags = self._bags() if prefix is None else (prefix,)

    def _noted(self, survey: Iterable[ObjectFacts | Stranger]) -> Iterator[Row]:
        for member in survey:
            if isinstance(member, Stranger):
                self._note_stranger(member)
                continue
            key = member.key
            top, slash, _ = key.partition("/")
            if len(self.tops) < _MOST_TOPS:
                self.tops.add(top if slash else "")
            if key.endswith(DECLARATION) and (key == DECLARATION or key.endswith(f"/{DECLARATION}")):
                self._declared.append(key)
            yield key, member.size, member.place

    def _note_stranger(self, stranger: Stranger) -> None:
        """Remember one; of what is hostile there may be millions."""
        if len(self.strangers) < MOST_FINDINGS:
            self.strangers.append(stranger)
        else:
            self.omitted += 1

    def _bags(self) -> tuple[str, ...]:
        """Return the place of each bag; without any declaration the one directory at the top, so that what is missing is said."""
        places = self.tops - {"", "data"}
        if not self._declared and len(places) == 1 and self.tops == places:
            return (f"{places.pop()}/",)
        return outermost(self._declared)

    def bag(self, number: int, name: str, demand: Demand) -> _Bag:
        """Return one of the bags. What is no object counts against the first, wherever it lies, or else against its own."""
        prefix = self.bags[number]
        mine = (one for one in self.strangers if number == 0 or one.path.startswith(prefix))
        bag = _Bag(_Below(self.rows, prefix), name, mine, demand)
        bag.omitted += self.omitted if number == 0 else 0
        return bag


@dataclass(frozen=True, slots=True)
class _Below:
    """The rows of one bag, by their path in it; can be iterated over again and again."""

    rows: Iterable[Row]
    prefix: str

    def __iter__(self) -> Iterator[There]:
        start = len(self.prefix)
        if not start:
            yield from self.rows
            return
        for key, size, place in self.rows:
            if key.startswith(self.prefix):
                yield key[start:], size, place


def _with_serialization(verdict: BagVerdict, tops: set[str]) -> BagVerdict:
    """Add what the rules of serialization say (BagIt 0.97, Serialization): one directory at the top, which is the one bag."""
    if tops == {verdict.prefix.rstrip("/")} - {""}:
        return verdict
    finding = Finding(
        FindingCode.SERIALIZATION_TOP,
        "",
        expected="one directory at the top of the archive, which is the bag",
        actual=", ".join(sorted(top or "files without a directory" for top in tops))[:300] or "nothing",
    )
    return replace(verdict, findings=(finding, *verdict.findings))


class _Bag:
    """Collects what is found out about one bag."""

    def __init__(self, there: _Below, name: str, strangers: Iterable[Stranger], demand: Demand) -> None:
        self.there = there
        self.prefix = there.prefix
        self.demand = demand
        self.name = name
        self.tags: dict[str, BinaryIO] = {}
        self.files = self.bytes = self.payload = self.omitted = 0
        self.findings: list[Finding] = []
        self.closed: list[str] = []
        for one in strangers:
            path = one.path.removeprefix(self.prefix)
            self.findings.append(Finding(_CODES[one.kind], path, expected="a plain file", actual=one.detail))
            if one.kind is StrangerKind.UNREADABLE:
                self.closed.append(f"{path}/")
        self.wanted = list(self._look())

    def _look(self) -> Iterator[ObjectFacts]:
        """Count what is there and yield the tag files to be read; one that is too large is a finding."""
        seen: set[str] = set()
        for path, size, place in self.there:
            self.files += 1
            self.bytes += size
            self.payload += path.startswith("data/")
            if not is_tag_file(path) or path in seen:
                continue
            seen.add(path)
            actual = ""
            if size > largest(path):
                actual = f"{size} bytes; at most {largest(path)} are read"
            elif len(seen) > _MOST_TAG_FILES:
                actual = f"one more than the {_MOST_TAG_FILES} manifests that are read"
            if actual:
                self.add([Finding(FindingCode.FILE_UNREADABLE, path, expected="a tag file", actual=actual)])
            else:
                yield ObjectFacts(self.prefix + path, size, place=place)

    def ask_for_payload_directory(self, tree: BagTree) -> None:
        """Find that there is no payload directory. Stores and archives need not name directories: nobody can tell there."""
        if not self.payload and not tree.has_directory(f"{self.prefix}data"):
            code = FindingCode.PAYLOAD_DIRECTORY_MISSING
            self.findings.append(Finding(code, "data/", expected="a directory", actual="none"))

    def begin(self, room: Room) -> None:
        """Tell that the bag will now be read."""
        room.progress.began(self.prefix.rstrip("/") or self.name or "bag", files=self.files, bytes_=self.bytes)

    def judged(
        self, reader: Callable[[], AbstractContextManager[Reader]], *, files: Engine, scratch: Scratch, room: Room
    ) -> BagVerdict:
        """Read everything, several files at once."""
        self.begin(room)
        with reader() as read:
            self.take_tags(((facts.key, _lazily(read, facts)) for facts in self.wanted), scratch)
        reading = self.reading(scratch)
        batches = _batches(reading.promises(), room.together)
        for found in files.over(partial(_checked, reader, self.prefix, room.progress), batches):
            self.add(found)
        room.progress.ended()
        return self.verdict(reading)

    def take_tags(self, contents: Iterable[tuple[str, Iterable[bytes]]], scratch: Scratch) -> None:
        """Read the tag files that make up the plan; one that cannot be read is a finding."""
        try:
            for key, chunks in contents:
                self.take_tag(key.removeprefix(self.prefix), chunks, scratch)
        except StoreError as error:
            if error.transient:
                raise
            self.findings.append(Finding(FindingCode.SERIALIZATION_DAMAGED, "", actual=error.message))

    def take_tag(self, name: str, chunks: Iterable[bytes], scratch: Scratch) -> None:
        """Read one tag file."""
        try:
            self.tags[name] = scratch.held(chunks)
        except StoreError as error:
            if error.transient:
                raise
            self.findings.append(Finding(FindingCode.FILE_UNREADABLE, name, actual=error.message))

    def reading(self, scratch: Scratch) -> Reading:
        """Return what reads the bag's promises."""
        return Reading(self.there, self.tags, in_order=scratch.in_order)

    def add(self, findings: list[Finding]) -> None:
        """Take findings as far as they are listed, and count the others."""
        taken = findings[: max(0, MOST_FINDINGS - len(self.findings))]
        self.findings += taken
        self.omitted += len(findings) - len(taken)

    def _unless_closed(self, finding: Finding) -> Finding:
        """Call nothing missing that may well be in a directory nobody could look into."""
        if finding.code is FindingCode.FILE_MISSING and finding.where.startswith(tuple(self.closed)):
            return replace(finding, code=FindingCode.FILE_UNREADABLE, actual="its directory cannot be looked into")
        return finding

    def verdict(self, reading: Reading) -> BagVerdict:
        """Put every finding in its place."""
        self.add([self._unless_closed(finding) for finding in reading.findings])
        if self.demand.profile is not None:
            version = f"{reading.version[0]}.{reading.version[1]}"
            facts = BagFacts(version, reading.info, _Files(self.there), self.demand.serialization)
            for finding in check_profile(self.demand.profile, facts):
                self.add([finding])
        omitted = self.omitted + reading.omitted
        if omitted:
            expected = f"at most {MOST_FINDINGS} findings are listed"
            self.findings.append(
                Finding(FindingCode.TOO_MANY_FINDINGS, "", expected=expected, actual=f"{omitted} more")
            )
        placed = (replace(finding, where=self.prefix + finding.where, store=self.name) for finding in self.findings)
        ordered = tuple(sorted(placed, key=lambda finding: (finding.where, finding.code)))
        return BagVerdict(self.prefix, ordered, WARNINGS | TOLERABLE if self.demand.is_lenient else WARNINGS)


@dataclass(frozen=True, slots=True)
class _Files:
    """Paths and sizes, again and again."""

    there: _Below

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for path, size, _ in self.there:
            yield path, size


def _batches(promises: Iterable[Promised], most: int) -> Iterator[list[Promised]]:
    """Put small files together: handing one file to a thread takes as long as reading it."""
    batch: list[Promised] = []
    bytes_ = 0
    for one in promises:
        if batch and (len(batch) >= most or bytes_ + one.size > _SMALL):
            yield batch
            batch, bytes_ = [], 0
        batch.append(one)
        bytes_ += one.size
    if batch:
        yield batch


def _checked(
    reader: Callable[[], AbstractContextManager[Reader]], prefix: str, progress: CheckProgress, batch: list[Promised]
) -> list[Finding]:
    findings: list[Finding] = []
    with reader() as read:
        for one in batch:
            facts = ObjectFacts(prefix + one.path, one.size, place=one.place)
            findings += _judged(one, partial(read, facts), progress)
    return findings


def _lazily(read: Reader, facts: ObjectFacts) -> Iterator[bytes]:
    """Open an object only when its bytes are asked for."""
    yield from read(facts)


def _judged(promised: Promised, read: Callable[[], Iterable[bytes]], progress: CheckProgress) -> list[Finding]:
    path, expected = promised.path, promised.digests
    hasher = Hasher(digest.algorithm for digest in expected)
    try:
        for chunk in read():
            hasher.update(chunk)
            progress.read(len(chunk))
    except StoreError as error:
        if error.transient:
            raise
        return [Finding(FindingCode.FILE_UNREADABLE, path, expected=str(expected[0]), actual=error.message)]
    return [] if hasher.matches(expected) else list(compare(path, expected=expected, actual=hasher.digests()))


@contextmanager
def _store_reader(store: BagPlace) -> Iterator[Reader]:
    yield lambda facts: _pieces(store, facts.key)


def _pieces(store: BagPlace, key: str) -> Iterator[bytes]:
    with store.read(key) as chunks:
        yield from chunks
