"""Lists of checksums as they lie beside recordings: of `md5sum` and its kin, of BSD's `md5`, and FLAC fingerprints.

A FLAC fingerprint (`.ffp`) is the MD5 of the sound itself, before it was packed. It stands in the file's own head (RFC
9639 §8.2), so that two packings of one recording have the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from archiver.core.errors import SourceProtocolError
from archiver.core.fixity import Algorithm, recognise_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.fixity import Digest

_SUFFIXES = {
    f".{algorithm.value}{end}": algorithm
    for algorithm in (Algorithm.MD5, Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512)
    for end in ("", "sum", "sums")
}
_NAMES = {
    f"{algorithm.value}sums": algorithm
    for algorithm in (Algorithm.MD5, Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512)
}
_GNU = re.compile(r"([0-9A-Fa-f]{32,128})[ \t]+\*?(.+)")
_BSD = re.compile(r"[A-Z0-9-]{3,10} ?\((.+)\) ?= ?([0-9A-Fa-f]{32,128})")
_BARE = re.compile(r"[0-9A-Fa-f]{32,128}")
_FINGERPRINT = re.compile(r"(.+):[ \t]*([0-9A-Fa-f]{32})")


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list.

    Attributes:
        name: The file, as the line names it; where the digest stands alone, the file that the list is named after.
        digest: What it says of the file's bytes; of the sound where `is_fingerprint`.
        is_fingerprint: Whether the list is one of FLAC fingerprints.
    """

    name: str
    digest: Digest
    is_fingerprint: bool = False


def is_checksum_list(name: str) -> bool:
    """Tell whether a file is a list of checksums, by its name."""
    return _algorithm(name) is not None or _is_fingerprints(name)


def parse_list(name: str, content: bytes, *, what: str) -> Iterator[Listed]:
    """Yield the lines of a list; empty ones and comments aside.

    Raises:
        SourceProtocolError: A line says nothing that can be compared.
    """
    algorithm = _algorithm(name) or Algorithm.MD5
    is_fingerprint = _is_fingerprints(name)
    for written in content.decode("utf-8-sig", "replace").splitlines():
        line = written.strip()
        if not line or line.startswith(("#", ";")):
            continue
        found, value = _split(line, is_fingerprint=is_fingerprint)
        digest = recognise_digest(algorithm, value)
        if digest is None:
            kind = "FLAC fingerprint" if is_fingerprint else str(algorithm)
            raise SourceProtocolError(f"{what}: {name}: no line of an {kind} list: {line[:200]!r}")
        # `song.flac.md5` often holds nothing but the digest.
        yield Listed(found.replace("\\", "/") or PurePosixPath(name).stem, digest, is_fingerprint)


def _split(line: str, *, is_fingerprint: bool) -> tuple[str, str]:
    if is_fingerprint:
        match = _FINGERPRINT.fullmatch(line)
        return (match[1], match[2]) if match else ("", "")
    match = _GNU.fullmatch(line)
    if match:
        return match[2], match[1]
    match = _BSD.fullmatch(line)
    if match:
        return match[1], match[2]
    return ("", line) if _BARE.fullmatch(line) else ("", "")


def _algorithm(name: str) -> Algorithm | None:
    path = PurePosixPath(name.lower())
    return _SUFFIXES.get(path.suffix) or _NAMES.get(path.name)


def _is_fingerprints(name: str) -> bool:
    return name.lower().endswith(".ffp")


def fingerprint_of(head: bytes) -> str:
    """Return the fingerprint that a FLAC file's head states, in hexadecimal, or nothing where it has none.

    Args:
        head: From ``fLaC`` on, at least 42 bytes.
    """
    if head[:4] != b"fLaC" or len(head) < 42 or head[4] & 0x7F:
        return ""
    value = head[26:42]
    return value.hex() if any(value) else ""


def tag_length(head: bytes) -> int:
    """Return the bytes of an ID3v2 tag that lies before the sound, or nought: some programs put one before FLAC."""
    if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)
