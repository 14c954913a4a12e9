"""The state of an item: what would have to differ at the source for a new version to be made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archiver.core.fixity import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.fixity import Digest
    from archiver.core.items import DeclaredFile, ItemId


def state_of(item: ItemId, files: Iterable[DeclaredFile], *, licence: str, revision: str = "") -> Digest:
    """Return the SHA-256 of what a version of an item stands for: its chosen files as declared, and its licence.

    A corrected description or a new review is no new version; other bytes, another file list or another licence is.
    A file without declared digests is recognised by its size and by its modification time or revision instead.

    Args:
        item: Whose state.
        files: The chosen files, in any order.
        licence: Canonical URL of the licence it is admitted under.
        revision: What else makes a state (`SourceItem.revision`).
    """
    rows = sorted([file.name, file.size, sorted(map(str, file.digests)) or _modified(file)] for file in files)
    statement = {"item": str(item), "licence": licence, "files": rows, **({"revision": revision} if revision else {})}
    return digest_of(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode())


def _modified(file: DeclaredFile) -> list[str]:
    return [value for label, value in file.facts if label in {"mtime", "revision"}]
