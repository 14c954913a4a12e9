"""Manifests (RFC 8493 §2.1.3, §2.2.1): one line for each file, a digest and a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.core.bags.paths import encode_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.fixity import Digest

_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(.+)", re.DOTALL)


def format_manifest(entries: Iterable[tuple[str, Digest]]) -> bytes:
    """Return a manifest in UTF-8, sorted by the bytes of the paths, two spaces between digest and path.

    Args:
        entries: Path relative to the bag (``data/…`` for payload), not yet encoded, and its digest.
    """
    lines = sorted((path.encode(), digest.value) for path, digest in entries)
    return b"".join(f"{value}  {encode_path(path.decode())}\n".encode() for path, value in lines)


def recognise_entry(line: str) -> tuple[str, str] | None:
    """Return digest (lower case) and path (still encoded) of a manifest line, or None when it is none."""
    match = _LINE.fullmatch(line)
    return (match[1].lower(), match[2]) if match else None


def split_lines(text: str) -> list[str]:
    """Split at LF, CR or CRLF and nowhere else (RFC 8493 §2.1.3); a final line end makes no empty last line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines
