"""What this archive can do by itself, with the paths of this installation."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.schedules import DAILY, MONTHLY, WEEKLY, Installation, Job, plain_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archiver.settings.reading import Settings


def installation(settings: Settings, *, home: Path | None) -> Installation:
    """Return how this program is called for this archive, from anywhere."""
    options: tuple[str, ...] = ("--config", str(settings.file.resolve())) if settings.file else ()
    if home is not None or settings.file is None:
        options += ("--home", str(settings.home.absolute()))
    directory = settings.file.resolve().parent if settings.file else settings.home.absolute()
    return Installation(_program(), options, str(directory), _user())


def _program() -> tuple[str, ...]:
    called = Path(sys.argv[0])
    if called.name == "archiver" and called.is_file() and os.access(called, os.X_OK):
        return (str(called.absolute()),)
    return (str(Path(sys.executable).absolute()), "-m", "archiver")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def jobs(
    settings: Settings,
    *,
    is_there: Callable[[Sequence[str]], bool],
    max_duration: str,
    max_bytes: str,
    replicated: Sequence[str] = (),
) -> tuple[Job, ...]:
    """Return a job for each selection, and one for each chore that this program knows.

    Args:
        settings: Of the archive.
        is_there: Whether the program has a command.
        max_duration: After which an audit begins no check.
        max_bytes: That an audit reads at most, or empty.
        replicated: Stores that every version is to be brought into.
    """
    found = [
        Job(
            f"harvest-{plain_name(file.stem)}", ("harvest", str(file)), DAILY, 1 + number % 2,
            f"harvest the selection {file.stem}",
        )
        for number, file in enumerate(_selections(settings))
    ]  # fmt: skip
    budget = ("--max-duration", max_duration, *(("--max-bytes", max_bytes) if max_bytes else ()))
    chores = (
        Job(
            "audit", ("audit", "--due", *budget), DAILY, 3, "check the copies that are due, the longest unchecked first"
        ),
        Job("licence-recheck", ("licence", "recheck"), WEEKLY, 5, "compare licences with what the sources say now"),
        *(
            Job(
                f"replicate-{plain_name(name)}", ("replicate", "--to", name), DAILY, 5,
                f"bring what store {name} lacks into it",
            )
            for name in replicated
        ),
        Job("store-doctor", ("store", "doctor"), MONTHLY, 4, "prove anew what each store really does"),
        Job("log-publish", ("log", "publish"), DAILY, 6, "sign the head of the log and copy it into every store"),
        Job("snapshot", ("snapshot",), DAILY, 6, "put what the catalogue has learned into every store"),
    )  # fmt: skip
    # Without a key there is no head to sign: such a job would fail every night.
    idle = frozenset() if settings.log.key else frozenset(["log-publish"])
    return (*found, *(job for job in chores if job.name not in idle and is_there(job.arguments)))


def _selections(settings: Settings) -> list[Path]:
    base = settings.file.resolve().parent / "manifests" if settings.file else None
    directories = [base] if base is not None and base.is_dir() else [*settings.selection_directories]
    return sorted({file.resolve() for directory in directories for file in directory.glob("*.toml")})
