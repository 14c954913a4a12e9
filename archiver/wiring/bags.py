"""Where a bag may lie: a path becomes a directory, an archive, or a place in a configured store."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import wiring
from archiver.core.bags.remedies import advised
from archiver.core.errors import SettingsError, StoreRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archiver.core.findings import BagVerdict
    from archiver.ports.checks import CheckProgress
    from archiver.ports.engines import Engine
    from archiver.settings.reading import Settings
    from archiver.workflows.judge_bag import Demand, Room

TOGETHER = 64
"""Small files on this machine that are read in one go."""

Judged = tuple[str, "BagVerdict"]

_MEDIA_TYPES = {"": "application/x-tar", "gz": "application/gzip", "zst": "application/zstd", "zip": "application/zip"}


@dataclass(frozen=True, slots=True)
class Looking:
    """How bags are looked at.

    Attributes:
        settings: Read only when a path names a store.
        files: Reads several files at once.
        is_lenient: As ``--lenient``.
        profile: File of a profile, or None.
        progress: Who is told how far it has come, or None.
    """

    settings: Callable[[], Settings]
    files: Engine
    is_lenient: bool = False
    profile: Path | None = None
    progress: CheckProgress | None = None

    def room(self, *, together: int = TOGETHER) -> Room:
        """Return where a bag is judged."""
        return room(self.progress, together=together)

    def demand(self, serialization: str = "") -> Demand:
        """Return what is asked of a bag, reading the profile.

        Raises:
            SettingsError: The profile cannot be read.
        """
        from archiver.core.bags.profiles import ProfileError, parse_profile
        from archiver.workflows.judge_bag import Demand

        try:
            profile = parse_profile(self.profile.read_bytes()) if self.profile else None
        except ProfileError as error:
            raise SettingsError(
                f"{self.profile}: not a BagIt profile: {error}",
                next_command=shlex.join(["python", "-m", "json.tool", str(self.profile)]),
            ) from error
        except OSError as error:
            raise SettingsError(
                f"{self.profile}: cannot be read: {error.strerror}",
                next_command=shlex.join(["ls", "-l", str(self.profile)]),
            ) from error
        return Demand(self.is_lenient, profile, serialization)


def room(progress: CheckProgress | None = None, *, together: int = TOGETHER) -> Room:
    """Return where a bag is judged: what does not fit into memory goes to temporary files.

    Args:
        progress: Who is told how far it has come, or None.
        together: How many small files are read in one go.
    """
    from archiver.staging.scratch import DiskScratch
    from archiver.workflows.judge_bag import Room, Silence

    return Room(DiskScratch, progress or Silence(), together)


def verdicts(path: str, looking: Looking) -> Iterator[Judged]:
    """Yield every bag at a path with its verdict, whose findings say what to do now.

    Args:
        path: A directory, an archive, or ``STORE:KEY`` for a place in a configured store.
        looking: How it is looked at.

    Raises:
        StoreRefusedError: There is nothing of that kind.
    """
    place = Path(path)
    is_archive = place.is_file()
    if place.is_dir():
        judged = _in_directory(place, looking)
    else:
        judged = _in_archive(place, looking) if is_archive else _in_store(path, looking)
    for where, verdict in judged:
        yield where, advised(verdict, where, is_archive=is_archive)


def _in_directory(path: Path, looking: Looking) -> Iterator[Judged]:
    from archiver.stores.directory import DirectoryStore
    from archiver.workflows.verify import verify_tree

    tree = DirectoryStore("", path)
    for verdict in verify_tree(tree, files=looking.files, demand=looking.demand(), room=looking.room()):
        yield str(path / verdict.prefix) if verdict.prefix else str(path), verdict


def _in_archive(path: Path, looking: Looking) -> Iterator[Judged]:
    from archiver.containers.opening import FORMS, open_archive
    from archiver.containers.tars import TarPlace
    from archiver.containers.zips import ZipPlace
    from archiver.workflows.verify import verify_archive, verify_stream

    with readable(path):
        archive = open_archive(path)
    if archive is None:
        raise StoreRefusedError(
            f"{path}: expected {FORMS}, actual another kind of file", next_command=shlex.join(["file", str(path)])
        )
    if isinstance(archive, TarPlace | ZipPlace):
        demand = looking.demand(_MEDIA_TYPES["zip" if isinstance(archive, ZipPlace) else ""])
        for verdict in verify_archive(archive, files=looking.files, demand=demand, room=looking.room()):
            yield str(path), verdict
    else:
        demand = looking.demand(_MEDIA_TYPES[archive.compression])
        yield str(path), verify_stream(archive, demand=demand, room=looking.room())


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Let a path that cannot be read end in an error that says so."""
    try:
        yield
    except OSError as error:
        raise StoreRefusedError(
            f"{path}: cannot be read: {error.strerror}", next_command=shlex.join(["ls", "-l", str(path)])
        ) from error


def _in_store(path: str, looking: Looking) -> Iterator[Judged]:
    from archiver.containers.opening import FORMS
    from archiver.workflows.verify import bags_in, verify

    name, colon, key = path.partition(":")
    if not colon:
        raise StoreRefusedError(
            f"{path}: expected {FORMS}, or STORE:KEY, actual nothing", next_command=shlex.join(["ls", "-l", str(path)])
        )
    known = looking.settings().stores
    if name not in known:
        raise StoreRefusedError(
            f"{path}: there is neither such a path nor a store {name!r}; known stores: {', '.join(known)}",
            next_command="archiver status",
        )
    store = wiring.open_store(name, known[name])
    below = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
    try:
        places = bags_in(store, below)
    except ValueError as error:
        raise StoreRefusedError(
            f"{path}: {key!r} is no place in a store: {error}",
            next_command="archiver list   # the keys of items that are held: archiver show ITEM",
        ) from error
    if places == (below,) and next(iter(store.list(below)), None) is None:
        raise StoreRefusedError(
            f"{path}: there is no bag: store {name!r} holds nothing at {key or 'its root'}",
            next_command="archiver list   # the keys of items that are held: archiver show ITEM",
        )
    demand = looking.demand()
    for prefix in places:
        verdict = verify(store, prefix, files=looking.files, demand=demand, room=looking.room(together=1))
        yield f"{name}:{prefix.rstrip('/')}", verdict
