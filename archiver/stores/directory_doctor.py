"""What a directory's file system really does, found out by trying, and cleaned up behind."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from unicodedata import normalize
from uuid import uuid4

from archiver.core.diagnosis import Answer, Symptom
from archiver.core.errors import StoreRefusedError
from archiver.stores.directory import INCOMING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RACERS = 8
ROUNDS = 20


def examine_directory(store: str, root: Path) -> tuple[Symptom, ...]:
    """Ask every question below a directory of its own, and leave nothing behind.

    Raises:
        StoreRefusedError: Nothing can be written there.
    """
    place = root / INCOMING / f"doctor-{uuid4().hex}"
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise StoreRefusedError(
            f"store {store!r} cannot be written: {root}: {error.strerror}", next_command=f"ls -ld {root}"
        ) from error
    questions: tuple[tuple[str, Callable[[Path], tuple[bool, str]]], ...] = (
        ("read-back", _read_back),
        ("fsync", _fsync),
        ("rename", _rename),
        ("hard-links", _hard_links),
        ("atomic-create", _atomic_create),
        ("zero-byte-object", _zero_byte),
        ("odd-keys", _odd_names),
        ("case-sensitive", _case_sensitive),
        ("unicode-kept", _unicode_kept),
        ("listing", _listing),
        ("free-space", _free_space),
    )
    try:
        return tuple(_asked(name, question, place) for name, question in questions)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def file_system(root: Path) -> str:
    """Return the kind of file system a directory lies on, where the system says so."""
    best, kind = "", "unknown"
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:  # noqa: PTH123 - not a place of ours
            for line in mounts:
                _, mount, name, *_ = line.split(" ")
                mount = mount.replace("\\040", " ")
                if len(mount) >= len(best) and root.resolve().is_relative_to(mount):
                    best, kind = mount, name
    except (OSError, ValueError):
        return "unknown"
    return kind


def _asked(name: str, question: Callable[[Path], tuple[bool, str]], place: Path) -> Symptom:
    below = place / name
    try:
        below.mkdir()
        has, detail = question(below)
    except OSError as error:
        return Symptom(name, Answer.ABSENT, error.strerror or str(error))
    return Symptom(name, Answer.PROVEN if has else Answer.ABSENT, detail)


def _read_back(place: Path) -> tuple[bool, str]:
    content = bytes(range(256)) * 1024
    (place / "bytes").write_bytes(content)
    return (place / "bytes").read_bytes() == content, f"{len(content)} bytes"


def _fsync(place: Path) -> tuple[bool, str]:
    (place / "file").write_bytes(b"x")
    for path in (place / "file", place):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return True, "of files and directories; whether the disk obeys cannot be seen from here"


def _rename(place: Path) -> tuple[bool, str]:
    (place / "a").write_bytes(b"a")
    (place / "a").rename(place / "b")
    return not (place / "a").exists() and (place / "b").read_bytes() == b"a", "within the file system"


def _hard_links(place: Path) -> tuple[bool, str]:
    (place / "a").write_bytes(b"a")
    os.link(place / "a", place / "b")
    try:
        os.link(place / "a", place / "b")
    except FileExistsError:
        return (place / "a").stat().st_nlink == 2, "a taken name is refused"
    return False, "a taken name was replaced"


def _atomic_create(place: Path) -> tuple[bool, str]:
    winners = []
    for number in range(ROUNDS):
        barrier = threading.Barrier(RACERS)

        def create(_: int, number: int = number, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(30)
            try:
                os.close(os.open(place / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return False
            return True

        with ThreadPoolExecutor(RACERS) as pool:
            winners.append(sum(pool.map(create, range(RACERS))))
    return set(winners) == {1}, f"one winner in each of {ROUNDS} races of {RACERS} threads"


def _zero_byte(place: Path) -> tuple[bool, str]:
    (place / "empty").touch()
    return (place / "empty").stat().st_size == 0, "kept"


def _odd_names(place: Path) -> tuple[bool, str]:
    names = ("two  spaces ", "100%25 %", "new\nline", "ünïcode 音楽", "quote'\"", "back\\slash", "x" * 255)
    for name in names:
        (place / name).touch()
    return set(os.listdir(place)) == set(names), "spaces, %, line end, backslash, 255 bytes"  # noqa: PTH208 - names


def _case_sensitive(place: Path) -> tuple[bool, str]:
    (place / "Name").touch()
    return not (place / "name").exists(), "'Name' and 'name' are two files"


def _unicode_kept(place: Path) -> tuple[bool, str]:
    names = {normalize("NFC", "é"), normalize("NFD", "é")}
    for name in names:
        (place / name).touch()
    return set(os.listdir(place)) == names, "NFC and NFD are two files and stay as written"  # noqa: PTH208 - names


def _listing(place: Path) -> tuple[bool, str]:
    for number in range(1005):
        (place / str(number)).touch()
    return len(os.listdir(place)) == 1005, "1005 files"  # noqa: PTH208 - names


def _free_space(place: Path) -> tuple[bool, str]:
    free = shutil.disk_usage(place).free
    return free > 1 << 30, f"{free} bytes"
