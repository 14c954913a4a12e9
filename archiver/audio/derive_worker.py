"""The process that makes derivatives: reads requests as JSON lines, answers each with one line, and may die of a file.

python -P -m archiver.audio.derive_worker CPU_SECONDS MEMORY_BYTES LARGEST_PRODUCT
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from archiver.audio.deriving import derive
from archiver.core.derivatives import Because, Kind


def main() -> None:
    """Answer requests until the input ends."""
    seconds, memory, largest = (int(argument) for argument in sys.argv[1:4])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not be taken for an answer
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    _quiet()
    for line in sys.stdin:
        request = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        answers.write(json.dumps(_answer(request, memory)) + "\n")
        answers.flush()


def _quiet() -> None:
    import av.logging

    av.logging.set_level(av.logging.PANIC)


def _answer(request: dict[str, Any], memory: int) -> dict[str, Any]:
    kinds = tuple(Kind(kind) for kind in request["kinds"])
    tags = tuple((name, value) for name, value in request["tags"])
    try:
        return derive(Path(request["path"]), kinds=kinds, tags=tags, into=Path(request["into"]))
    except MemoryError:
        reason, detail = Because.LIMIT, f"memory: expected at most {memory} bytes"
    except Exception as error:  # noqa: BLE001 - the boundary of one file: its fault is its answer
        reason, detail = Because.WORKER_DIED, f"{type(error).__name__}: {error}"[:300]
    return {"made": [], "unmade": [{"kind": kind, "reason": reason, "detail": detail} for kind in kinds], "tools": {}}


if __name__ == "__main__":
    main()
