"""The manifest of derivatives: ``manifest.json`` beside them, written last, so that without it nothing there is whole."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.derivatives import PIECES, RECIPES, Because, Derivative, Kind, Original
from archiver.core.fixity import Algorithm, Digest
from archiver.core.loudness import parse_loudness
from archiver.core.suspicions import Measured

if TYPE_CHECKING:
    from collections.abc import Iterable

MANIFEST = "manifest.json"
PREMIS = "premis.xml"
ATTRIBUTION = "ATTRIBUTION.txt"
LARGEST = 64 << 20
"""Bytes of a manifest that are read: the derivatives of some hundred thousand files."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is kept of one kind of one version of an item.

    Attributes:
        item: ``source/name``.
        version: Of the item.
        kind: What it is.
        recipe: How it was made (`RECIPES`).
        licence: Canonical URL; a derivative has its original's.
        derivatives: In the order of their paths.
        unmade: Payload files of which none was made, and why, in the order of their paths.
        tools: Name and version of what made them, in order.
    """

    item: str
    version: int
    kind: Kind
    recipe: str
    licence: str
    derivatives: tuple[Derivative, ...] = ()
    unmade: tuple[tuple[Original, Because, str], ...] = ()
    tools: tuple[tuple[str, str], ...] = ()

    @property
    def bytes(self) -> int:
        """Of every file that the manifest lists."""
        return sum(one.size for one in self.derivatives)

    @property
    def made(self) -> tuple[Derivative, ...]:
        """The derivatives without the files that stand beside them."""
        return tuple(one for one in self.derivatives if one.original is not None)

    def is_of(self, originals: Iterable[Original]) -> bool:
        """Tell whether exactly these payload files were worked upon, as they are now and by today's recipe."""
        pieces = Counter(one.original for one in self.made)
        mine = pieces.keys() | {original for original, _, _ in self.unmade}
        is_full = all(count == PIECES.get(self.kind, 1) for count in pieces.values())
        return mine == set(originals) and is_full and self.recipe == RECIPES[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; keys are promises (`docs/derivatives.md`)."""
        return {
            "version": 1,
            "item": self.item,
            "item_version": self.version,
            "kind": self.kind.value,
            "recipe": self.recipe,
            "licence": self.licence,
            "files": [
                {
                    "path": one.path,
                    "bytes": one.size,
                    "sha256": one.sha256.value,
                    "source": _source(one.original),
                    "facts": dict(one.facts),
                }
                for one in self.derivatives
            ],
            "unmade": [
                {"source": _source(original), "reason": reason.value, "detail": detail}
                for original, reason, detail in self.unmade
            ],
            "tools": dict(self.tools),
        }


def measured_by(sheet: Sheet) -> tuple[Measured, ...]:
    """Return what the manifest of measurements says of each recording, in the order of their paths."""
    found = []
    for one in sheet.made:
        record: Any = dict(one.facts).get("loudness")
        with suppress(KeyError, TypeError, ValueError):
            found.append(Measured(one.original.path if one.original else "", parse_loudness(record)))
    found += [Measured(original.path, None, reason.value) for original, reason, _ in sheet.unmade]
    return tuple(sorted(found, key=lambda one: one.path))


def _source(original: Original | None) -> dict[str, str] | None:
    return None if original is None else {"path": original.path, "sha256": original.sha256.value}


def sheet_record(sheet: Sheet) -> bytes:
    """Return ``manifest.json``; the same values give the same bytes."""
    return (json.dumps(sheet.to_json(), indent=1, ensure_ascii=True) + "\n").encode()


def recognise_sheet(record: bytes) -> Sheet | None:
    """Read a manifest back, or return None when it is not one of ours."""
    try:
        fields: dict[str, Any] = json.loads(record)
        if fields["version"] != 1:
            return None
        return Sheet(
            item=str(fields["item"]),
            version=int(fields["item_version"]),
            kind=Kind(fields["kind"]),
            recipe=str(fields["recipe"]),
            licence=str(fields["licence"]),
            derivatives=tuple(map(_derivative, fields["files"])),
            unmade=tuple(
                (_original(one["source"]), Because(one["reason"]), str(one["detail"])) for one in fields["unmade"]
            ),
            tools=tuple((str(name), str(version)) for name, version in fields["tools"].items()),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _derivative(fields: dict[str, Any]) -> Derivative:
    path, size, source = str(fields["path"]), fields["bytes"], fields["source"]
    if not isinstance(size, int) or size < 0 or any(part in {"", ".", ".."} for part in path.split("/")):
        raise ValueError("not a derivative of ours")
    facts = tuple((str(name), value) for name, value in fields["facts"].items())
    return Derivative(
        path, size, Digest(Algorithm.SHA256, fields["sha256"]), _original(source) if source else None, facts
    )


def _original(fields: dict[str, Any]) -> Original:
    return Original(str(fields["path"]), Digest(Algorithm.SHA256, fields["sha256"]))
