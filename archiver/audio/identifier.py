"""The process that says what formats are, after PRONOM. It needs much memory and little time, so there is one of it.

python -P -m archiver.audio.identifier CPU_SECONDS
"""

from __future__ import annotations

import sys
from typing import Any

from archiver.audio.limits import serve, spelled


def main() -> None:
    """Answer requests until the input ends."""
    serve(_answered, seconds=int(sys.argv[1]))


def _answered(request: dict[str, Any]) -> dict[str, Any]:
    import pygfried

    try:
        with spelled(request["path"]) as path:
            matches = pygfried.identify(path, detailed=True)["files"][0]["matches"]
        first = matches[0] if matches and matches[0]["id"] != "UNKNOWN" else {"id": "", "format": ""}
        return {"puid": str(first["id"]), "name": str(first["format"])}
    except Exception:  # noqa: BLE001 - a foreign scanner over hostile bytes: without its word the rest still holds
        return {"puid": "", "name": ""}


if __name__ == "__main__":
    main()
