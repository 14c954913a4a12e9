"""What a licence asks to be printed: title, author, source, licence.

CC's recommended practice (TASL) and BY 4.0 §3(a)(1): creator, copyright notice, licence notice, disclaimer notice, URI of
the material, and whether it was modified. A creator is never invented: what the source did not supply is said to be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_CREATOR = "creator not supplied"


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of one file.

    Attributes:
        path: Path inside the bag, or empty for the whole item.
        title: As supplied, or the file's own name.
        creators: As supplied, in order; may be empty.
        source_url: The page the material came from.
        licence_name: For example ``CC BY-SA 3.0 US``.
        licence_url: Canonical URL.
        is_licence: False for the public domain tools, which license nothing.
        retrieved_on: ISO date.
    """

    path: str
    title: str
    creators: tuple[str, ...]
    source_url: str
    licence_name: str
    licence_url: str
    is_licence: bool
    retrieved_on: str

    def sentence(self) -> str:
        """Return the sentence to print beside the work, on one line."""
        creators = [name for name in map(one_line, self.creators) if name]
        by = f"by {', '.join(creators)}" if creators else f"({NO_CREATOR})"
        verb = "is licensed under" if self.is_licence else "is marked with"
        licence = f"{self.licence_name} ({self.licence_url})"
        return f"\u201c{one_line(self.title)}\u201d {by} {verb} {licence}. Source: {one_line(self.source_url)}"


def one_line(text: str) -> str:
    """Return the text with every run of white space and control characters as one space."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def format_attribution(item: Credit, files: Iterable[Credit]) -> bytes:
    """Return ``ATTRIBUTION.txt``: the item's credit, then each file's, in the order given, as UTF-8."""
    lines = [
        "How to credit this material. Copy the sentence of what you use.",
        "",
        item.sentence(),
        "",
        f"Retrieved on {item.retrieved_on}. No changes were made: the files below data/ are bit-identical copies.",
        "The material comes without warranties; see the licence."
        if item.is_licence
        else "The material comes without warranties.",
        "",
        "Each file:",
    ]
    for credit in files:
        lines += ["", one_line(credit.path), f"    {credit.sentence()}"]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
