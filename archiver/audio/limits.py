"""What a process that touches hostile bytes may use."""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY = 2 << 30
"""Bytes of address space beyond the file, which is mapped."""


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], *, seconds: int, largest: int = 0) -> None:
    """Answer requests until the input ends, each within its limits.

    No file may be written unless the process is there to write some, few may be open, no core is left behind. Time and memory are counted anew for each request; who
    uses up the time is ended by the system (SIGXCPU).

    Args:
        answer: Makes an answer of a request, which names a ``path``.
        seconds: Of computing for one request.
        largest: Bytes of a file that may be written.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not be taken for an answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    for line in sys.stdin:
        request = json.loads(line)
        _limit(request["path"], seconds)
        answers.write(json.dumps(answer(request)) + "\n")
        answers.flush()


@contextmanager
def spelled(path: str) -> Iterator[str]:
    """Lend a path that libraries can spell: a name that is no UTF-8 is reached by its open file instead."""
    try:
        path.encode()
    except UnicodeEncodeError:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield path


def _limit(path: str, seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, resource.RLIM_INFINITY))
    try:
        size = Path(path).stat().st_size
    except (OSError, ValueError):
        size = 0
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + size, resource.RLIM_INFINITY))
