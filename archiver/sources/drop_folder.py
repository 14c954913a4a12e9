"""Which folders are whole: a drop folder is looked at while people and programs still write to it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RECENT = 3600.0
"""Seconds. A file changed longer ago is not asked whether somebody writes to it: who writes, changes it."""

_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".!ut", ".aria2")
_RSYNC = re.compile(r"\..+\.[A-Za-z0-9]{6}")


@dataclass(frozen=True, slots=True)
class Look:
    """A folder as it was at one moment.

    Attributes:
        mark: Name, size and times of every file.
        changed: When anything changed last, in seconds since 1970.
        writing: A file that somebody writes to, or one that is named as unfinished; empty where there is none.
    """

    mark: frozenset[tuple[str, int, int, int]]
    changed: float
    writing: str


def look(files: Mapping[str, os.stat_result], *, opened: _Opener, now: float) -> Look:
    """Look at a folder's files.

    Args:
        files: By name.
        opened: Opens one for reading; its descriptor is closed here.
        now: Seconds since 1970.
    """
    mark = frozenset((name, found.st_size, found.st_mtime_ns, found.st_ctime_ns) for name, found in files.items())
    # The time of change cannot be set: a copy that keeps the original's time of modification shows here all the same.
    changed = max((max(found.st_mtime, found.st_ctime) for found in files.values()), default=0.0)
    writing = next((name for name in sorted(files) if is_unfinished(name)), "")
    if not writing:
        recent = (name for name, found in sorted(files.items()) if max(found.st_mtime, found.st_ctime) > now - RECENT)
        writing = next((name for name in recent if _is_written(name, opened)), "")
    return Look(mark, changed, writing)


def is_unfinished(name: str) -> bool:
    """Tell whether a file is named as programs name what they have not finished."""
    last = name.rpartition("/")[2]
    return last.lower().endswith(_UNFINISHED) or _RSYNC.fullmatch(last) is not None


def _is_written(name: str, opened: _Opener) -> bool:
    """Ask the kernel whether somebody has a file open for writing: it gives out a read lease only when nobody has.

    A file of another user, or a file system without leases, answers nothing; then only `Look.changed` tells.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    descriptor = opened(name)
    try:
        # Who opens the file for writing in the instant of the lease has a signal sent to us: one that is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    else:
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(descriptor)


if TYPE_CHECKING:
    from collections.abc import Callable

    _Opener = Callable[[str], int]
