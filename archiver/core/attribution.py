"""What a licence asks to be printed: title, author, source, licence.

CC's recommended practice (TASL) and BY 4.0 §3(a)(1): creator, copyright notice, licence notice, disclaimer notice, URI of
the material, and whether it was modified. A creator is never invented: what the source did not supply is said to be missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.records import format_record

if TYPE_CHECKING:
    from collections.abc import Iterable

PATH = "metadata/attribution.json"
NO_CREATOR = "creator not supplied"
UNMODIFIED = "No changes were made: bit-identical copy"
_CC0 = "/publicdomain/zero/"
_CERTIFICATION = "/publicdomain/certification/"


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of one file, or of a whole item.

    Attributes:
        path: Path inside the bag, or empty for the whole item.
        title: As supplied, or the file's own name.
        creators: As supplied, in order; may be empty.
        source_url: The page the material came from.
        licence_name: For example ``CC BY-SA 3.0 US``.
        licence_url: Canonical URL.
        is_licence: False for the public domain tools, which license nothing.
        retrieved_on: ISO date.
        notices: Copyright notices as supplied, to be kept intact.
    """

    path: str
    title: str
    creators: tuple[str, ...]
    source_url: str
    licence_name: str
    licence_url: str
    is_licence: bool
    retrieved_on: str
    notices: tuple[str, ...] = ()

    @property
    def wording(self) -> str:
        """How the work stands to its tool: a licence licenses, CC0 dedicates, the mark only marks."""
        if self.is_licence:
            return "is licensed under"
        if _CC0 in self.licence_url:
            return "is dedicated to the public domain with"
        return (
            "is certified as being in the public domain with"
            if _CERTIFICATION in self.licence_url
            else "is marked with"
        )

    @property
    def disclaimer(self) -> str:
        """What refers to the disclaimer of warranties."""
        see = "; see the licence." if self.is_licence else "."
        return f"The material comes without warranties{see}"

    @property
    def by(self) -> str:
        """The creators, or that none was supplied."""
        creators = [name for name in map(one_line, self.creators) if name]
        return f"by {', '.join(creators)}" if creators else f"({NO_CREATOR})"

    def sentence(self) -> str:
        """Return the sentence to print beside the work, on one line."""
        licence = f"{self.licence_name} ({self.licence_url})"
        where = one_line(self.source_url)
        source = f" Source: {where}" if where else ""
        return f"\u201c{one_line(self.title)}\u201d {self.by} {self.wording} {licence}.{source}"

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in ``metadata/attribution.json``."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return {**own, "disclaimer": self.disclaimer, "sentence": self.sentence()}


@dataclass(frozen=True, slots=True)
class Attribution:
    """The credits of one item: its own, and one for each file, in payload order."""

    item: str
    whole: Credit
    files: tuple[Credit, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in ``metadata/attribution.json``."""
        return {
            "version": 1,
            "item": self.item,
            "modifications": UNMODIFIED,
            "whole": self.whole.to_json(),
            "files": [credit.to_json() for credit in self.files],
        }


def attribution_record(attribution: Attribution) -> bytes:
    """Return ``metadata/attribution.json``."""
    return format_record(attribution.to_json())


def recognise_attribution(record: bytes) -> Attribution | None:
    """Read a record back, or return None when it is not one of ours."""
    try:
        fields: dict[str, Any] = json.loads(record)
        return Attribution(str(fields["item"]), _credit(fields["whole"]), tuple(map(_credit, fields["files"])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _credit(fields: dict[str, Any]) -> Credit:
    return Credit(
        path=str(fields["path"]),
        title=str(fields["title"]),
        creators=tuple(map(str, fields["creators"])),
        source_url=str(fields["source_url"]),
        licence_name=str(fields["licence_name"]),
        licence_url=str(fields["licence_url"]),
        is_licence=bool(fields["is_licence"]),
        retrieved_on=str(fields["retrieved_on"]),
        notices=tuple(map(str, fields["notices"])),
    )


def one_line(text: str) -> str:
    """Return the text with every run of white space and control characters as one space."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def format_attribution(item: Credit, files: Iterable[Credit]) -> bytes:
    """Return ``ATTRIBUTION.txt``: the item's credit, then each file's, in the order given, as UTF-8."""
    lines = [
        "How to credit this material. Copy the sentence of what you use.",
        "",
        item.sentence(),
        *_notices(item, ""),
        "",
        f"Retrieved on {item.retrieved_on}. No changes were made: the files below data/ are bit-identical copies.",
        item.disclaimer,
        "",
        "Each file:",
    ]
    for credit in files:
        lines += ["", one_line(credit.path), f"    {credit.sentence()}", *_notices(credit, "    ")]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _notices(credit: Credit, indent: str) -> list[str]:
    return [f"{indent}Copyright notice: {one_line(notice)}" for notice in credit.notices]
