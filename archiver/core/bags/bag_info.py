"""Bag metadata (RFC 8493 §2.2.2) and the bag declaration (§2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.attribution import one_line
from archiver.core.intervals import human_size

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
"""Exactly two lines in this order, without a byte-order mark (RFC 8493 §2.1.1)."""

LICENCE_LABEL = "License-URL"
"""Our own label. The spelling is that of the tools that will read it, not ours."""


@dataclass(frozen=True, slots=True)
class BagInfo:
    """What ``bag-info.txt`` of an AIP says, in the order in which it says it.

    Attributes:
        organisation: Source-Organization.
        contact: Contact-Email or Contact-URL text; empty to leave it out.
        identifier: External-Identifier, ``source/name``.
        description: External-Description.
        bagging_date: In UTC.
        payload_bytes: For Payload-Oxum and Bag-Size.
        payload_files: For Payload-Oxum.
        software_agent: Bag-Software-Agent.
        licence_url: Canonical URL.
        profile_identifier: BagIt-Profile-Identifier.
        version: AIP version, as Internal-Sender-Identifier says it.
    """

    organisation: str
    contact: str
    identifier: str
    description: str
    bagging_date: date
    payload_bytes: int
    payload_files: int
    software_agent: str
    licence_url: str
    profile_identifier: str
    version: int

    def elements(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata elements in order; empty ones are left out."""
        every = (
            ("Source-Organization", self.organisation),
            ("Contact-Email", self.contact.removeprefix("mailto:") if "@" in self.contact else ""),
            ("External-Description", self.description),
            ("External-Identifier", self.identifier),
            ("Internal-Sender-Identifier", f"{self.identifier} version {self.version}"),
            ("Bagging-Date", self.bagging_date.isoformat()),
            ("Bag-Size", human_size(self.payload_bytes)),
            ("Payload-Oxum", f"{self.payload_bytes}.{self.payload_files}"),
            ("Bag-Software-Agent", self.software_agent),
            (LICENCE_LABEL, self.licence_url),
            ("BagIt-Profile-Identifier", self.profile_identifier),
        )
        return tuple((label, value) for label, value in every if value)


def format_bag_info(elements: Iterable[tuple[str, str]]) -> bytes:
    """Return ``bag-info.txt`` in UTF-8, one line for each element, its order kept.

    White space in a value, line ends included, becomes one space: a title from outside cannot add an element of its own.
    """
    lines = (f"{label}: {one_line(value)}" for label, value in elements)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
