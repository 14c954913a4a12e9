"""Judge a bag: read its tag files, then each byte they promise, once, and gather every deviation as a finding.

Whoever has the bag, as a directory, an archive or a store, says what is there and opens what is asked for (`verify`).
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.profiles import DIRECTORY, BagFacts, check_profile
from archiver.core.bags.tag_files import is_tag_file, largest
from archiver.core.bags.validating import Promised, Reading, compare
from archiver.core.errors import StoreError
from archiver.core.findings import MOST_FINDINGS, TOLERABLE, WARNINGS, BagVerdict, Finding, FindingCode, FindingList
from archiver.core.fixity import Hasher
from archiver.core.objects import ObjectFacts, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from archiver.core.bags.profiles import Profile
    from archiver.core.bags.rows import Row, There
    from archiver.core.objects import Stranger
    from archiver.ports.bags import BagTree, Reader
    from archiver.ports.checks import CheckProgress
    from archiver.ports.engines import Engine
    from archiver.ports.scratch import Scratch

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
_MOST_TAG_FILES = 64
"""Manifests and other tag files of one bag that are read. Each file is looked for in each manifest: thousands of them are an attack."""


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


@dataclass(frozen=True, slots=True)
class Below:
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


class Bag:
    """Collects what is found out about one bag."""

    def __init__(self, there: Below, name: str, strangers: Iterable[Stranger], demand: Demand) -> None:
        self.there = there
        self.prefix = there.prefix
        self.demand = demand
        self.name = name
        self.tags: dict[str, BinaryIO] = {}
        self.files = self.bytes = self.payload = 0
        self.found = FindingList()
        self.closed: list[str] = []
        for one in strangers:
            path = one.path.removeprefix(self.prefix)
            self.found.add(_CODES[one.kind], path, expected="a plain file", actual=one.detail)
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
                self.found.add(FindingCode.FILE_UNREADABLE, path, expected="a tag file", actual=actual)
            else:
                yield ObjectFacts(self.prefix + path, size, place=place)

    def ask_for_payload_directory(self, tree: BagTree) -> None:
        """Find that there is no payload directory. Stores and archives need not name directories: nobody can tell there."""
        if not self.payload and not tree.has_directory(f"{self.prefix}data"):
            code = FindingCode.PAYLOAD_DIRECTORY_MISSING
            self.found.add(code, "data/", expected="a directory", actual="none")

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
            self.take(found)
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
            self.found.add(FindingCode.SERIALIZATION_DAMAGED, "", actual=error.message)

    def take_tag(self, name: str, chunks: Iterable[bytes], scratch: Scratch) -> None:
        """Read one tag file."""
        try:
            self.tags[name] = scratch.held(chunks)
        except StoreError as error:
            if error.transient:
                raise
            self.found.add(FindingCode.FILE_UNREADABLE, name, actual=error.message)

    def reading(self, scratch: Scratch) -> Reading:
        """Return what reads the bag's promises."""
        return Reading(self.there, self.tags, in_order=scratch.in_order)

    def take(self, findings: Iterable[Finding]) -> None:
        """Take what was found about some of the files."""
        for finding in findings:
            self.found.take(finding)

    def _unless_closed(self, finding: Finding) -> Finding:
        """Call nothing missing that may well be in a directory nobody could look into."""
        if finding.code is FindingCode.FILE_MISSING and finding.where.startswith(tuple(self.closed)):
            return replace(finding, code=FindingCode.FILE_UNREADABLE, actual="its directory cannot be looked into")
        return finding

    def verdict(self, reading: Reading) -> BagVerdict:
        """Put every finding in its place."""
        self.take(self._unless_closed(finding) for finding in reading.found)
        if self.demand.profile is not None:
            version = f"{reading.version[0]}.{reading.version[1]}"
            facts = BagFacts(version, reading.info, _Files(self.there), self.demand.serialization)
            self.take(check_profile(self.demand.profile, facts))
        found, omitted = list(self.found), self.found.omitted + reading.found.omitted
        if omitted:
            expected = f"at most {MOST_FINDINGS} findings are listed"
            found.append(Finding(FindingCode.TOO_MANY_FINDINGS, "", expected=expected, actual=f"{omitted} more"))
        placed = (replace(finding, where=self.prefix + finding.where, store=self.name) for finding in found)
        ordered = tuple(sorted(placed, key=lambda finding: (finding.where, finding.code)))
        return BagVerdict(self.prefix, ordered, WARNINGS | TOLERABLE if self.demand.is_lenient else WARNINGS)


@dataclass(frozen=True, slots=True)
class _Files:
    """Paths and sizes, again and again."""

    there: Below

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
            findings += judge_file(one, partial(read, facts), progress)
    return findings


def _lazily(read: Reader, facts: ObjectFacts) -> Iterator[bytes]:
    """Open an object only when its bytes are asked for."""
    yield from read(facts)


def judge_file(promised: Promised, read: Callable[[], Iterable[bytes]], progress: CheckProgress) -> list[Finding]:
    """Compare the bytes of one file with what is promised; one that cannot be read is a finding, a store that is away is none."""
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
