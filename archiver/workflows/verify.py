"""Verify: is this bag complete, and is it valid? Every deviation is a finding; nothing is written beside scratch.

what is there ── tag files ──> Reading ── promises, in order ──> digests ──> BagVerdict
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.tag_files import DECLARATION
from archiver.core.bags.validating import Promised
from archiver.core.errors import StoreError
from archiver.core.findings import MOST_FINDINGS, BagVerdict, Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest
from archiver.core.objects import ObjectFacts, Stranger
from archiver.workflows.judge_bag import DEMAND, ROOM, Bag, Below, judge_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.ports.bags import BagArchive, BagPlace, BagStream, BagTree, Reader
    from archiver.ports.engines import Engine
    from archiver.ports.scratch import Row, Scratch
    from archiver.workflows.judge_bag import Demand, Room

_MOST_TOPS = 1000
"""Directories at the top of an archive that are remembered; one is right, and the finding names a few."""
_MOST_BAGS = 100
"""Bags that are judged in one archive. It may hold one; all others count against each."""


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
        bag = Bag(Below(scratch.kept(rows), prefix), store.name, strangers, demand)
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
                bag.take(judge_file(promised, partial(iter, chunks), room.progress))
        except StoreError as error:
            bag.found.add(FindingCode.SERIALIZATION_DAMAGED, "", actual=error.message)
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

    def bag(self, number: int, name: str, demand: Demand) -> Bag:
        """Return one of the bags. What is no object counts against the first, wherever it lies, or else against its own."""
        prefix = self.bags[number]
        mine = (one for one in self.strangers if number == 0 or one.path.startswith(prefix))
        bag = Bag(Below(self.rows, prefix), name, mine, demand)
        bag.found.omitted += self.omitted if number == 0 else 0
        return bag


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


@contextmanager
def _store_reader(store: BagPlace) -> Iterator[Reader]:
    yield lambda facts: _pieces(store, facts.key)


def _pieces(store: BagPlace, key: str) -> Iterator[bytes]:
    with store.read(key) as chunks:
        yield from chunks
