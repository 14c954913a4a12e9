"""Selections: which items to harvest, under which policy, into which stores."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from archiver.core.items import FileRole

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.core.derivatives import Kind
    from archiver.core.items import DeclaredFile
    from archiver.core.licences.policies import Policy

AUDIO_SUFFIXES = frozenset(
    [
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".ape",
        ".au",
        ".caf",
        ".dsf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mp2",
        ".mp3",
        ".oga",
        ".ogg",
        ".opus",
        ".ra",
        ".shn",
        ".snd",
        ".spx",
        ".tta",
        ".w64",
        ".wav",
        ".wma",
        ".wv",
    ]
)
"""What ``files = "audio"`` means: the suffix, because a source's format names are not a closed list."""


def is_audio(name: str) -> bool:
    """Tell whether a file is audio by its name."""
    return name[name.rfind(".") :].lower() in AUDIO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Selection:
    """What a file in ``manifests/`` says, after validation.

    Attributes:
        name: The file's name without ``.toml``.
        title: For people.
        source: Name of the source in the settings, for example ``internet-archive``.
        query: In the source's own language; empty when ``items`` is given.
        items: Explicit identifiers; empty when ``query`` is given.
        policy: What the licence gate admits.
        files: ``originals``, ``audio``, or glob patterns over names of originals.
        stores: Names of the stores that get a copy, at least one.
        derivatives: What is made of the items that it stores, after each harvest; empty for nothing.
        digest: SHA-256 of the selection file, in hexadecimal, for provenance.
        damaged: ``keep`` or ``quarantine``: what becomes of an item with audio that does not play to its end.
        since: Only what is new or changed since then need be enumerated, by a source that can tell; None for everything.
            Not part of the file: a run says it.
    """

    name: str
    title: str
    source: str
    query: str
    items: tuple[str, ...]
    policy: Policy
    files: tuple[str, ...]
    stores: tuple[str, ...]
    digest: str = ""
    derivatives: tuple[Kind, ...] = ()
    damaged: str = "keep"
    since: datetime | None = None

    def chooses(self, file: DeclaredFile) -> bool:
        """Tell whether a declared file is one that this selection keeps.

        Private files are never chosen (the source hands them to nobody), nor are derivatives, superseded versions and
        the source's own records, which change at any time.
        """
        if file.private or file.role is not FileRole.ORIGINAL:
            return False
        if self.files == ("originals",):
            return True
        if self.files == ("audio",):
            return is_audio(file.name)
        return any(fnmatchcase(file.name, pattern) for pattern in self.files)
