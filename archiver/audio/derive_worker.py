"""The process that makes derivatives, and may die of a file.

python -P -m archiver.audio.derive_worker CPU_SECONDS
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from archiver.audio.deriving import derive
from archiver.audio.limits import MEMORY, serve
from archiver.core.derivatives import Because, Kind

LARGEST = 2 << 30
"""Bytes of a product: 48 hours of Opus take three quarters of it."""


def main() -> None:
    """Answer requests until the input ends."""
    import av.logging

    av.logging.set_level(av.logging.PANIC)
    os.environ["PATH"] = "/nonexistent"  # nothing is ever to be started from there
    serve(_answer, seconds=int(sys.argv[1]), largest=LARGEST)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    kinds = tuple(Kind(kind) for kind in request["kinds"])
    tags = tuple((name, value) for name, value in request["tags"])
    try:
        return derive(Path(request["path"]), kinds=kinds, tags=tags, into=Path(request["into"]))
    except MemoryError:
        reason, detail = Because.LIMIT, f"memory: expected at most {MEMORY} bytes"
    except Exception as error:  # noqa: BLE001 - the boundary of one file: its fault is its answer
        reason, detail = Because.WORKER_DIED, f"{type(error).__name__}: {error}"[:300]
    return {"made": [], "unmade": [{"kind": kind, "reason": reason, "detail": detail} for kind in kinds], "tools": {}}


if __name__ == "__main__":
    main()
