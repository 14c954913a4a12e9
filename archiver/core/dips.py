"""A DIP (OAIS dissemination information package): what is handed out of a bag, and how each file of it is proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from archiver.core.bags.layout import LAST_TAG_FILE, SHADOW
from archiver.core.bags.manifests import format_manifest
from archiver.core.bags.tag_files import tag_files_of
from archiver.core.bags.validating import plan_of
from archiver.core.fixity import Algorithm, Digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDED_OUT = {"ATTRIBUTION.txt": "ATTRIBUTION.txt", "metadata/licence.json": "licence.json"}
"""Tag files that go with the payload, and their names there."""


class DipForm(StrEnum):
    """How a DIP looks."""

    FILES = "files"
    """The payload under its own names, with the attribution and the licence decision."""
    BAG = "bag"
    """The whole bag, as it is kept."""
    TAR = "tar"
    """The whole bag in one tar."""


@dataclass(frozen=True, slots=True)
class Promised:
    """One file of a bag, and what its bytes must be.

    Attributes:
        path: In the bag.
        size: Bytes.
        digest: What the bytes must give.
    """

    path: str
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Part:
    """One file to hand out.

    Attributes:
        promised: Which file of the bag.
        name: Its path in what is handed out, ``/`` between directories; cannot leave it.
    """

    promised: Promised
    name: str


def promised_by(sizes: Mapping[str, int], tags: Mapping[str, bytes], *, root: Digest) -> tuple[Promised, ...] | None:
    """Return every file that a bag promises, in order of paths, or None when its manifests are not those once stored.

    The chain of proof: the catalogue's digest proves the tag manifest, that one the other tag files, those the payload.

    Args:
        sizes: Every file of the bag with its bytes.
        tags: Content of every tag file that `tag_files_of` names.
        root: SHA-512 of the bag's last tag manifest, kept outside the bag.
    """
    if digest_of(tags.get(LAST_TAG_FILE, b""), Algorithm.SHA512) != root:
        return None
    plan = plan_of(sizes, {name: tags[name] for name in tag_files_of(sizes) if name in tags})
    if plan.findings or not _is_proven(plan.expected, tags):
        return None
    promised = [Promised(path, sizes[path], max(digests, key=_preference)) for path, digests in plan.expected.items()]
    promised += [
        Promised(name, len(tags[name]), digest_of(tags[name])) for name in (LAST_TAG_FILE, SHADOW) if name in tags
    ]
    return tuple(sorted(promised, key=lambda one: one.path))


def parts_of(promised: tuple[Promised, ...], form: DipForm) -> tuple[Part, ...]:
    """Return what is handed out, in order; in a bag and a tar the tag manifests come last, as they were written."""
    if form is not DipForm.FILES:
        ordered = sorted(
            promised, key=lambda one: (not one.path.startswith("data/"), one.path.startswith("tag"), one.path)
        )
        return tuple(Part(one, one.path) for one in ordered)
    payload = [Part(one, one.path.removeprefix("data/")) for one in promised if one.path.startswith("data/")]
    taken = {part.name.casefold() for part in payload}
    beside = []
    for one in promised:
        name = HANDED_OUT.get(one.path)
        if name is not None:
            # A payload file may bear the same name; it keeps it.
            beside.append(Part(one, name if name.casefold() not in taken else f"archive-{name}"))
    return (*payload, *beside)


def _preference(digest: Digest) -> int:
    """SHA-256 first: one digest is enough, and processors compute this one fastest."""
    return 1 if digest.algorithm is Algorithm.SHA256 else 0


def _is_proven(expected: Mapping[str, tuple[Digest, ...]], tags: Mapping[str, bytes]) -> bool:
    """Tell whether every tag file read agrees with the tag manifest, the second tag manifest included."""
    for name, content in tags.items():
        if any(digest_of(content, digest.algorithm) != digest for digest in expected.get(name, ())):
            return False
    if SHADOW not in tags:
        return True
    listed = [
        (name, digest) for name, digests in expected.items() if not name.startswith("data/") for digest in digests
    ]
    sha256 = [(name, digest) for name, digest in listed if digest.algorithm is Algorithm.SHA256]
    return tags[SHADOW] == format_manifest(sha256) and {name for name, _ in sha256} == {name for name, _ in listed}
