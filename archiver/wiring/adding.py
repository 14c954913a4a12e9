"""The circuit of `archiver add`: paths become parcels, each a valid bag, or loose files together."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.errors import SourceProtocolError, UnsafeNameError, UsageError
from archiver.core.findings import FindingCode
from archiver.core.handed import SOURCE, bag_name, loose_name
from archiver.core.items import ItemId
from archiver.core.objects import ObjectFacts, StrangerKind
from archiver.wiring import network
from archiver.wiring.bags import Looking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.clock import SystemClock
    from archiver.core.bags.completing import Wanted
    from archiver.core.findings import BagVerdict
    from archiver.core.handed import Words
    from archiver.core.patience import Patience
    from archiver.core.selections import Selection
    from archiver.ports.addresses import Addresses
    from archiver.ports.bags import BagPlace
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.offers import OpenSource
    from archiver.settings.reading import Settings
    from archiver.sources.handed import HandedBag, HandedFiles
    from archiver.sources.loose import Piece
    from archiver.stores.directory import DirectoryStore

SCRATCH = "handed-in"
"""In the archive's home: where compressed archives are unpacked to plain ones. Cleared at both ends of a run."""
MOST_BESIDE = 200
"""Checksum files that are looked at in the directory of a loose file."""


@dataclass
class Intake:
    """What was found at the paths.

    Attributes:
        parcels: What goes on to the gate, by what it is called.
        invalid: What is no valid bag: what it is called, where it was found, and what is wrong with it.
        repeated: What is called like a parcel found before, and where it was found.
    """

    parcels: dict[ItemId, HandedBag | HandedFiles] = field(default_factory=dict)
    invalid: list[tuple[ItemId, str, BagVerdict]] = field(default_factory=list)
    repeated: list[tuple[ItemId, str]] = field(default_factory=list)

    def took(self, parcel: HandedBag | HandedFiles, shown: str) -> None:
        """Take a parcel."""
        if parcel.item in self.parcels:
            self.repeated.append((parcel.item, shown))
        else:
            self.parcels[parcel.item] = parcel


@contextmanager
def opened_intake(
    settings: Settings,
    paths: Sequence[Path],
    words: Words,
    *,
    files: Engine,
    clock: SystemClock,
    is_fetching: bool = False,
) -> Iterator[Intake]:
    """Look at every path and judge every bag; the places stay open while the context is. The caller holds the lock.

    Args:
        settings: Of the archive.
        paths: Where to look.
        words: What the operator says.
        files: Reads several files at once.
        clock: For the network.
        is_fetching: Whether a bag may be incomplete by what its fetch file names; that is asked for when it is captured.

    Raises:
        UsageError: Paths and options do not go together.
        StoreRefusedError: A path cannot be read.
    """
    scratch = settings.home / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    intake = Intake()
    client = network.client(settings, clock=clock) if is_fetching else None
    looking = _Looking(intake, words, Looking(lambda: settings, files), scratch, client)
    try:
        loose = [path for path in paths if not looking.took_bags(path)]
        if loose:
            looking.take_loose(loose)
        if words.identifier and len(intake.parcels) + len(intake.invalid) + len(intake.repeated) > 1:
            raise UsageError("--identifier names one item, and the paths hold more", next_command="archiver add --help")
        yield intake
    finally:
        if client is not None:
            client.close()
        shutil.rmtree(scratch, ignore_errors=True)


def handed_source(intake: Intake, clock: Clock) -> tuple[OpenSource, Patience, int]:
    """Return the parcels as a source, with how it is asked."""
    from archiver.core.patience import Patience
    from archiver.sources.handed import Handed

    return Handed(intake.parcels, clock), Patience(first_wait=1.0, tries=3), 4


def selection_of(settings: Settings, intake: Intake, *, policy: str, stores: Sequence[str]) -> Selection:
    """Return what is harvested of the source: all of it.

    Raises:
        UsageError: There is no such policy or store.
    """
    from archiver.core.licences.policies import policy_named
    from archiver.core.selections import Selection

    unknown = [name for name in stores if name not in settings.stores]
    if unknown:
        raise UsageError(f"there is no store {unknown[0]!r}; known stores: {', '.join(settings.stores)}")
    licences = settings.licences
    admitted = policy_named(
        policy, denied_uploaders=licences.denied_uploaders, denied_collections=licences.denied_collections
    )
    items = tuple(item.name for item in intake.parcels)
    chosen = tuple(dict.fromkeys(stores)) or tuple(settings.stores)
    return Selection("add", "Handed in", SOURCE, "", items, admitted, ("originals",), chosen)


@dataclass
class _Looking:
    """Looks at paths, one after the other."""

    intake: Intake
    words: Words
    looking: Looking
    scratch: Path
    addresses: Addresses | None

    def took_bags(self, path: Path) -> bool:
        """Take the bags at a path, or say that it holds none and is loose."""
        from archiver.stores.directory import DirectoryStore

        if path.is_dir():
            return self._took_directory(path, DirectoryStore("", path))
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or directory", next_command=f"ls -l {path.parent}")
        return self._took_archive(path)

    def _took_directory(self, path: Path, tree: DirectoryStore) -> bool:
        from archiver.workflows.verify import verify_tree

        if self.words.title and not any(facts.key == "bagit.txt" for facts in tree.list("")):
            return False
        for verdict in verify_tree(tree, files=self.looking.files, room=self.looking.room()):
            place = path.joinpath(verdict.prefix)
            self._judged(tree, place.resolve().name, str(place), verdict)
        return True

    def _took_archive(self, path: Path) -> bool:
        from archiver.containers.opening import FORMS, open_archive
        from archiver.containers.tars import TarPlace
        from archiver.containers.zips import ZipPlace
        from archiver.sources.archived import ArchivedPlace
        from archiver.wiring.bags import readable
        from archiver.workflows.verify import verify_archive, verify_stream

        with readable(path):
            archive = open_archive(path)
        keys = (one.key for one in archive.survey() if isinstance(one, ObjectFacts)) if archive else ()
        is_bag = any(key.rpartition("/")[2] == "bagit.txt" and key.count("/") <= 1 for key in keys)
        if not is_bag and self.words.title:
            return False
        if archive is None:
            raise UsageError(f"{path}: no bag ({FORMS}); loose files need --title", next_command="archiver add --help")
        room = self.looking.room()
        if isinstance(archive, TarPlace | ZipPlace):
            verdicts = list(verify_archive(archive, files=self.looking.files, room=room))
            place = ArchivedPlace(archive)
        else:
            verdicts = [verify_stream(archive, room=room)]
            # What is no valid bag is not unpacked, unless it may be made one.
            is_wanted = verdicts[0].is_valid or self._is_incomplete(verdicts[0])
            place = ArchivedPlace(archive.plain(self._scratch_file()) if is_wanted else TarPlace(path))
        for verdict in verdicts:
            self._judged(place, verdict.prefix.rstrip("/") or _stem(path), str(path), verdict)
        return True

    def _scratch_file(self) -> Path:
        self.scratch.mkdir(parents=True, exist_ok=True)
        return self.scratch / f"{len(list(self.scratch.iterdir()))}.tar"

    def _judged(self, place: BagPlace, directory: str, shown: str, verdict: BagVerdict) -> None:
        from archiver.core.bags.tag_files import tag_files_of
        from archiver.core.bags.validating import plan_of
        from archiver.sources.handed import HandedBag

        prefix = verdict.prefix
        wanted = self._wanted(place, verdict)
        if not verdict.is_valid and not wanted:
            item = ItemId(SOURCE, bag_name(self.words, (), directory=directory))
            self.intake.invalid.append((item, shown, verdict))
            return
        sizes = {facts.key.removeprefix(prefix): facts.size for facts in place.list(prefix)}
        info = plan_of(sizes, {name: _whole(place, prefix + name) for name in tag_files_of(sizes)}).info
        item = ItemId(SOURCE, bag_name(self.words, info, directory=directory))
        self.intake.took(
            HandedBag(item, place, prefix, Path(shown).resolve().name, self.words, wanted, self.addresses), shown
        )

    def _is_incomplete(self, verdict: BagVerdict) -> bool:
        """Tell whether a bag is not valid, and its being completed may make it so."""
        return self.addresses is not None and any(one.code is FindingCode.FILE_MISSING for one in verdict.findings)

    def _wanted(self, place: BagPlace, verdict: BagVerdict) -> tuple[Wanted, ...]:
        """Return what a bag may be completed with; nothing where anything else is wrong with it."""
        from archiver.core.bags.completing import is_only_incomplete
        from archiver.workflows.complete import completion_at

        if verdict.is_valid or not self._is_incomplete(verdict):
            return ()
        completion = completion_at(place, verdict.prefix)
        faults = [one for one in verdict.findings if one.code not in verdict.tolerated]
        if completion.findings or completion.contradictions:
            return ()
        return completion.wanted if is_only_incomplete(faults, completion.wanted, prefix=verdict.prefix) else ()

    def take_loose(self, paths: Sequence[Path]) -> None:
        """Take files and folders together as one item."""
        from archiver.sources.handed import HandedFiles
        from archiver.sources.loose import LoosePlace

        pieces = [_piece(path, is_alone=len(paths) == 1) for path in paths]
        names = [piece.name for piece in pieces]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"two paths are called {twice.rstrip('/')!r}; hand them in as items of their own")
        places = {piece.name: path for piece, path in zip(pieces, paths, strict=True)}
        files = [path for path in paths if not path.is_dir()]
        item = ItemId(SOURCE, loose_name(self.words))
        place = LoosePlace(pieces)

        def on_disk(name: str) -> Path:
            piece = next(one for one in pieces if name == one.name or (not one.key and name.startswith(one.name)))
            return places[piece.name] if piece.key else places[piece.name] / name.removeprefix(piece.name)

        parcel = HandedFiles(
            item,
            place,
            lambda name: _mark(on_disk(name)),
            _beside(files, {piece.name for piece in pieces}),
            lambda name: _samples(on_disk(name)),
            self.words,
        )
        self.intake.took(parcel, str(paths[0]))


def _samples(path: Path) -> str:
    """Decode a file whose fingerprint is known, and return that of its samples."""
    from archiver.wiring.listening import examiner

    room = examiner(1)
    try:
        return room.examine(path, name=path.name).pcm_md5
    finally:
        room.close()


def _piece(path: Path, *, is_alone: bool) -> Piece:
    from archiver.sources.loose import Piece
    from archiver.stores.directory import DirectoryStore

    if not path.is_dir():
        real = path.resolve()
        return Piece(path.name, DirectoryStore("", real.parent), real.name)
    store = DirectoryStore("", path)
    for stranger in store.strangers(""):
        if stranger.kind is not StrangerKind.SHARED:
            raise UnsafeNameError(
                f"{path}/{stranger.path}: expected files and folders, actual a {stranger.kind.value}: {stranger.detail}"
            )
    return Piece("" if is_alone else f"{path.resolve().name}/", store)


def _beside(files: Sequence[Path], names: set[str]) -> Mapping[str, bytes]:
    """Return the checksum files in the directories of loose files that speak of one of these, and were not handed in."""
    from archiver.sources.checksum_lists import is_checksum_list, parse_list
    from archiver.sources.handed import LONGEST_LIST

    found: dict[str, bytes] = {}
    for directory in dict.fromkeys(file.parent for file in files):
        lists = sorted(path for path in directory.iterdir() if is_checksum_list(path.name) and path.is_file())
        for path in lists[:MOST_BESIDE]:
            if path.name in names or path.stat().st_size > LONGEST_LIST:
                continue
            content = path.read_bytes()
            stem = path.name[: path.name.rfind(".")]
            try:
                speaks = stem in names or any(
                    one.name.removeprefix("./") in names for one in parse_list(path.name, content, what=path.name)
                )
            except SourceProtocolError:
                speaks = False  # whatever it is, it names none of these files
            if speaks:
                found[path.name] = content
    return found


def _mark(path: Path) -> str:
    state = path.lstat()
    return f"{state.st_size}-{state.st_mtime_ns}-{state.st_ctime_ns}-{state.st_ino}"


def _stem(path: Path) -> str:
    name = path.name
    for ending in (".tar.gz", ".tar.zst", ".tgz", ".tar", ".zip"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _whole(place: BagPlace, key: str) -> bytes:
    with place.read(key) as chunks:
        return b"".join(chunks)
