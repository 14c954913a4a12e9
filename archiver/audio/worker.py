"""The process that decodes, and may die of a file.

python -P -m archiver.audio.worker CPU_SECONDS
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from archiver.audio.examining import examine
from archiver.audio.fingerprints import fingerprint
from archiver.audio.limits import MEMORY, serve, spelled
from archiver.core.examinations import Examination, Remark, ToolOutcome, hopeless


def main() -> None:
    """Answer requests until the input ends."""
    serve(_answered, seconds=int(sys.argv[1]))


def _answered(request: dict[str, Any]) -> dict[str, Any]:
    return _examined(request).to_json()


def _examined(request: dict[str, Any]) -> Examination:
    name = request["name"]
    try:
        with spelled(request["path"]) as place:
            path = Path(place)
            found = examine(path, name=name, puid=request["puid"], format_name=request["format_name"])
            return _fingerprinted(found, path) if request["fingerprint"] and found.format.samples else found
    except OSError as error:
        return hopeless(name, Remark.UNREADABLE, str(error.strerror or error))
    except MemoryError:
        return hopeless(name, Remark.LIMIT, f"memory: expected at most {MEMORY} bytes")
    except Exception as error:  # noqa: BLE001 - the boundary of one file: its fault is its answer
        return hopeless(name, Remark.WORKER_DIED, f"{type(error).__name__}: {error}"[:300])


def _fingerprinted(found: Examination, path: Path) -> Examination:
    made = fingerprint(path)
    tool = ToolOutcome(
        "imageio-ffmpeg", version("imageio-ffmpeg"), "fingerprinted" if made else "refused a fingerprint"
    )
    return replace(found, fingerprint=made, tools=(*found.tools, tool))


if __name__ == "__main__":
    main()
