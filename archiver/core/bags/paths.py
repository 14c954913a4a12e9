"""Paths inside a bag, parsed once at the edge into types that cannot leave it.

RFC 8493 §5.1: a bag that names files outside itself is an attack. §2.1.3: exactly ``%``, CR and LF are percent-encoded in
manifests. §6.1.1: names that differ only by Unicode normalisation or by case meet in one file on some systems.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.errors import BagError, UnsafeNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_PART = 255
"""Bytes in UTF-8 of one part of a path: NAME_MAX of every file system in use."""
LONGEST_PATH = 900
"""Bytes in UTF-8: an S3 key has 1,024 at most, and the bag's place in the store comes before it."""

ORDINARY = r"[A-Za-z0-9_][A-Za-z0-9_ .()+,-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9_ .()+,-]{0,99}){0,6}"
_PLAIN = re.compile(ORDINARY)
"""Most names, which break none of the rules of `unsafe_because`: asking each rule of each would take ten times as long."""
_DRIVE = re.compile(r"[A-Za-z]:(?:[\\/]|$)")
_VARIABLE = re.compile(r"%[A-Za-z_][A-Za-z0-9_]*%[\\/]|\$\{?[A-Za-z_]+\}?/")
_ENCODED = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_ENCODE = str.maketrans(_ENCODED)
_DECODE = re.compile("%(25|0[Dd]|0[Aa])")
_DECODE_OLD = re.compile("%(0[Dd]|0[Aa])")


@dataclass(frozen=True, slots=True, order=True)
class PayloadPath:
    """Where a payload file lies, relative to ``data/``. Made by `parse_payload_path` only."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class TagPath:
    """Where a tag file lies, relative to the bag; never below ``data/``. Made by `parse_tag_path` only."""

    text: str

    def __str__(self) -> str:
        return self.text


def parse_payload_path(name: str) -> PayloadPath:
    """Read the name that a source gives a file, with ``/`` between directories.

    Raises:
        UnsafeNameError: The name leaves the bag on some system, or cannot be stored: see `unsafe_because`.
    """
    _refuse(name)
    return PayloadPath(name)


def parse_tag_path(name: str) -> TagPath:
    """Read the place of a tag file.

    Raises:
        UnsafeNameError: As for payload paths, or the path lies below ``data/``.
    """
    _refuse(name)
    if name == "data" or name.startswith("data/"):
        raise UnsafeNameError(f"not a tag file, it lies below data/: {name[:200]!r}")
    return TagPath(name)


def _refuse(name: str) -> None:
    because = unsafe_because(name)
    if because:
        raise UnsafeNameError(f"file name {name[:200]!r} cannot be kept: {because}")


def unsafe_because(name: str) -> str:
    """Return why a path may not be used in a bag on any system, or an empty text.

    The rules hold on every platform alike: a bag refused on Windows is refused on Linux too. A backslash inside a name is
    an ordinary character, but not where Windows would read it as leaving the directory.
    """
    if _PLAIN.fullmatch(name):
        return ""
    if not name:
        return "it is empty"
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "it is not Unicode text"
    parts = re.split(r"[\\/]", name)
    for holds, because in (
        ("\0" in name, "it holds NUL"),
        (name.startswith(("/", "\\")), "it is absolute"),
        (".." in parts, "it leads out of its directory"),
        ("." in parts or "" in name.split("/"), "a part of it is '.' or empty"),
        (_DRIVE.match(name) is not None, "it names a drive"),
        (name.startswith("~") and ("/" in name or "\\" in name), "it names a home directory"),
        (_VARIABLE.match(name) is not None, "it names an environment variable"),
        (len(encoded) > LONGEST_PATH, f"it is longer than {LONGEST_PATH} bytes"),
        (any(len(part.encode()) > LONGEST_PART for part in parts), f"a part of it is longer than {LONGEST_PART} bytes"),
    ):
        if holds:
            return because
    return ""


def refuse_collisions(paths: Iterable[PayloadPath]) -> None:
    """Refuse paths that would meet in one file, or in a file and a directory, on some system.

    Raises:
        BagError: Names both paths.
    """
    seen: dict[str, str] = {}
    directories: dict[str, str] = {}
    for path in map(str, paths):
        key = collision_key(path)
        if key in seen:
            how = "is there twice" if seen[key] == path else "differ only by case or Unicode normalisation"
            raise BagError(f"payload paths collide: {seen[key]!r} and {path!r} {how}")
        seen[key] = path
        parents = key.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            directories.setdefault("/".join(parents[:depth]), path)
    for key, path in seen.items():
        if key in directories:
            raise BagError(f"payload paths collide: {path!r} is a file, and a directory in {directories[key]!r}")


def collision_key(path: str) -> str:
    """Return the same text for paths that some file system holds to be the same."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def encode_path(path: str) -> str:
    """Percent-encode exactly ``%``, CR and LF, as manifests and fetch files ask (RFC 8493 §2.1.3, §2.2.3)."""
    return path.translate(_ENCODE)


def decode_path(path: str, *, is_old: bool = False) -> str:
    """Undo `encode_path`; other percent signs stand for themselves (RFC 8493 §2.1.3 asks for no other decoding).

    Args:
        path: As written.
        is_old: The bag is of a version before 1.0, in which only line ends were encoded: ``%25`` is a part of a name.
    """
    return (_DECODE_OLD if is_old else _DECODE).sub(_decoded, path) if "%" in path else path


def is_well_encoded(path: str) -> bool:
    """Tell whether each percent sign of a written path begins one of the three codes of BagIt 1.0."""
    return path.count("%") == len(_DECODE.findall(path))


def _decoded(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
