"""What kind of archive a file is, by its first bytes and never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.containers.tars import TarPlace, TarStream
from archiver.containers.zips import ZipPlace

if TYPE_CHECKING:
    from pathlib import Path

FORMS = "a directory, or a tar (plain, gzip, zstandard) or zip file"
_TAR_MAGIC = 257
"""Where ``ustar`` stands in a header (POSIX pax, ustar interchange format)."""


def open_archive(path: Path) -> TarPlace | TarStream | ZipPlace | None:
    """Return a reader for an archive, or None when the file is none of those known.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"\x1f\x8b"):
        return TarStream(path, "gz")
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return TarStream(path, "zst")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZipPlace(path)
    if head[_TAR_MAGIC : _TAR_MAGIC + 5] == b"ustar" or _is_old_tar(head):
        return TarPlace(path)
    return None


def _is_old_tar(head: bytes) -> bool:
    """Tell a tar from before POSIX by the checksum of its first header."""
    if len(head) < 512 or not head[0]:
        return False
    try:
        declared = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return declared == sum(head[:148]) + 8 * 0x20 + sum(head[156:])
