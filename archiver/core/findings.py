"""Findings: answers about what is wrong, as data. An error says why there is no answer; a finding is one.

One code is one rule, with the clause it comes from and what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class FindingCode(StrEnum):
    """Stable codes of findings about bags and about copies in stores. The clause of each stands in `CLAUSES`."""

    DECLARATION_MISSING = "DECLARATION_MISSING"
    DECLARATION_MALFORMED = "DECLARATION_MALFORMED"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"
    TAG_ENCODING = "TAG_ENCODING"
    PAYLOAD_DIRECTORY_MISSING = "PAYLOAD_DIRECTORY_MISSING"
    PAYLOAD_MANIFEST_MISSING = "PAYLOAD_MANIFEST_MISSING"
    ALGORITHM_UNKNOWN = "ALGORITHM_UNKNOWN"
    MANIFEST_MALFORMED = "MANIFEST_MALFORMED"
    MANIFEST_PATH_OUTSIDE = "MANIFEST_PATH_OUTSIDE"
    MANIFEST_DUPLICATE = "MANIFEST_DUPLICATE"
    MANIFEST_INCOMPLETE = "MANIFEST_INCOMPLETE"
    MANIFEST_ASTERISK = "MANIFEST_ASTERISK"
    PATH_UNSAFE = "PATH_UNSAFE"
    PATH_ENCODING = "PATH_ENCODING"
    PATH_DOT = "PATH_DOT"
    PATHS_COLLIDE = "PATHS_COLLIDE"
    TAG_MANIFEST_OMITS = "TAG_MANIFEST_OMITS"
    TAG_MANIFEST_SELF = "TAG_MANIFEST_SELF"
    BAG_INFO_MALFORMED = "BAG_INFO_MALFORMED"
    OXUM_MALFORMED = "OXUM_MALFORMED"
    OXUM_REPEATED = "OXUM_REPEATED"
    OXUM_MISMATCH = "OXUM_MISMATCH"
    FETCH_MALFORMED = "FETCH_MALFORMED"
    FETCH_NOT_LISTED = "FETCH_NOT_LISTED"
    FETCH_ADDRESS = "FETCH_ADDRESS"
    PATH_RESERVED = "PATH_RESERVED"
    LINK_REFUSED = "LINK_REFUSED"
    HARD_LINK = "HARD_LINK"
    SPECIAL_FILE = "SPECIAL_FILE"
    NAME_NOT_UTF8 = "NAME_NOT_UTF8"
    MEMBER_REPEATED = "MEMBER_REPEATED"
    SERIALIZATION_DAMAGED = "SERIALIZATION_DAMAGED"
    SERIALIZATION_EXCESSIVE = "SERIALIZATION_EXCESSIVE"
    SERIALIZATION_TOP = "SERIALIZATION_TOP"
    FILE_MISSING = "FILE_MISSING"
    FILE_UNEXPECTED = "FILE_UNEXPECTED"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    FILE_CHANGED = "FILE_CHANGED"
    TOO_MANY_FINDINGS = "TOO_MANY_FINDINGS"
    PROFILE_IDENTIFIER = "PROFILE_IDENTIFIER"
    PROFILE_OTHER = "PROFILE_OTHER"
    PROFILE_BAG_INFO = "PROFILE_BAG_INFO"
    PROFILE_MANIFESTS = "PROFILE_MANIFESTS"
    PROFILE_TAG_MANIFESTS = "PROFILE_TAG_MANIFESTS"
    PROFILE_FETCH = "PROFILE_FETCH"
    PROFILE_DATA_EMPTY = "PROFILE_DATA_EMPTY"
    PROFILE_SERIALIZATION = "PROFILE_SERIALIZATION"
    PROFILE_VERSION = "PROFILE_VERSION"
    PROFILE_TAG_FILES = "PROFILE_TAG_FILES"
    PROFILE_PAYLOAD_FILES = "PROFILE_PAYLOAD_FILES"
    OBJECT_MISSING = "OBJECT_MISSING"
    OBJECT_UNREADABLE = "OBJECT_UNREADABLE"
    OBJECT_CHANGED = "OBJECT_CHANGED"
    OBJECT_UNEXPECTED = "OBJECT_UNEXPECTED"
    OBJECT_UNVERIFIABLE = "OBJECT_UNVERIFIABLE"
    OBJECT_UNDECODABLE = "OBJECT_UNDECODABLE"
    COPY_OVERDUE = "COPY_OVERDUE"
    MANIFEST_ALTERED = "MANIFEST_ALTERED"
    CATALOGUE_ALTERED = "CATALOGUE_ALTERED"
    COPIES_TOO_FEW = "COPIES_TOO_FEW"
    LOG_SEGMENT_ALTERED = "LOG_SEGMENT_ALTERED"
    LOG_SIGNATURE_WRONG = "LOG_SIGNATURE_WRONG"
    LOG_TIMESTAMP_WRONG = "LOG_TIMESTAMP_WRONG"
    LOG_FORKED = "LOG_FORKED"
    LOG_TRUNCATED = "LOG_TRUNCATED"
    EVENT_DELETED = "EVENT_DELETED"
    EVENT_ALTERED = "EVENT_ALTERED"
    EVENT_REORDERED = "EVENT_REORDERED"
    EVENT_INSERTED = "EVENT_INSERTED"
    CATALOGUE_ROLLED_BACK = "CATALOGUE_ROLLED_BACK"


CLAUSES = {
    FindingCode.DECLARATION_MISSING: "RFC 8493 §2.1.1",
    FindingCode.DECLARATION_MALFORMED: "RFC 8493 §2.1.1",
    FindingCode.VERSION_UNKNOWN: "RFC 8493 §2.1.1",
    FindingCode.TAG_ENCODING: "RFC 8493 §2.1.1, §2.3",
    FindingCode.PAYLOAD_DIRECTORY_MISSING: "RFC 8493 §2.1.2",
    FindingCode.PAYLOAD_MANIFEST_MISSING: "RFC 8493 §2.1.3",
    FindingCode.ALGORITHM_UNKNOWN: "RFC 8493 §2.4",
    FindingCode.MANIFEST_MALFORMED: "RFC 8493 §2.1.3",
    FindingCode.MANIFEST_PATH_OUTSIDE: "RFC 8493 §2.1.3",
    FindingCode.MANIFEST_DUPLICATE: "RFC 8493 §2.1.3",
    FindingCode.MANIFEST_INCOMPLETE: "RFC 8493 §2.1.3",
    FindingCode.MANIFEST_ASTERISK: "RFC 8493 §6.1.3",
    FindingCode.PATH_UNSAFE: "RFC 8493 §5.1",
    FindingCode.PATH_ENCODING: "RFC 8493 §2.1.3, §2.2.3",
    FindingCode.PATH_DOT: "RFC 8493 §2.1.3",
    FindingCode.PATHS_COLLIDE: "RFC 8493 §6.1.1",
    FindingCode.TAG_MANIFEST_OMITS: "RFC 8493 §2.2.1",
    FindingCode.TAG_MANIFEST_SELF: "RFC 8493 §2.2.1",
    FindingCode.BAG_INFO_MALFORMED: "RFC 8493 §2.2.2",
    FindingCode.OXUM_MALFORMED: "RFC 8493 §2.2.2",
    FindingCode.OXUM_REPEATED: "RFC 8493 §2.2.2",
    FindingCode.OXUM_MISMATCH: "RFC 8493 §2.2.2, §3",
    FindingCode.FETCH_MALFORMED: "RFC 8493 §2.2.3",
    FindingCode.FETCH_NOT_LISTED: "RFC 8493 §2.2.3",
    FindingCode.FETCH_ADDRESS: "RFC 8493 §5.2",
    FindingCode.PATH_RESERVED: "RFC 8493 §6.1.2",
    FindingCode.LINK_REFUSED: "RFC 8493 §5.1",
    FindingCode.HARD_LINK: "RFC 8493 §5.1",
    FindingCode.SPECIAL_FILE: "RFC 8493 §2.1.2",
    FindingCode.NAME_NOT_UTF8: "RFC 8493 §2.1.3",
    FindingCode.MEMBER_REPEATED: "BagIt 0.97, Serialization; RFC 8493 §2.1.3",
    FindingCode.SERIALIZATION_DAMAGED: "BagIt 0.97, Serialization",
    FindingCode.SERIALIZATION_EXCESSIVE: "RFC 8493 §5",
    FindingCode.SERIALIZATION_TOP: "BagIt 0.97, Serialization",
    FindingCode.FILE_MISSING: "RFC 8493 §3",
    FindingCode.FILE_UNEXPECTED: "RFC 8493 §3",
    FindingCode.FILE_UNREADABLE: "RFC 8493 §3",
    FindingCode.FILE_CHANGED: "RFC 8493 §3",
    FindingCode.TOO_MANY_FINDINGS: "docs/findings.md",
    FindingCode.PROFILE_IDENTIFIER: "BagIt Profiles 1.4, Implementation details 1",
    FindingCode.PROFILE_OTHER: "BagIt Profiles 1.4, Implementation details 1",
    FindingCode.PROFILE_BAG_INFO: "BagIt Profiles 1.4, Bag-Info",
    FindingCode.PROFILE_MANIFESTS: "BagIt Profiles 1.4, Manifests",
    FindingCode.PROFILE_TAG_MANIFESTS: "BagIt Profiles 1.4, Tag-Manifests",
    FindingCode.PROFILE_FETCH: "BagIt Profiles 1.4, Fetch.txt",
    FindingCode.PROFILE_DATA_EMPTY: "BagIt Profiles 1.4, Data-Empty",
    FindingCode.PROFILE_SERIALIZATION: "BagIt Profiles 1.4, Serialization",
    FindingCode.PROFILE_VERSION: "BagIt Profiles 1.4, Accept-BagIt-Version",
    FindingCode.PROFILE_TAG_FILES: "BagIt Profiles 1.4, Tag-Files",
    FindingCode.PROFILE_PAYLOAD_FILES: "BagIt Profiles 1.4, Payload-Files",
    FindingCode.OBJECT_MISSING: "RFC 8493 §3",
    FindingCode.OBJECT_UNREADABLE: "RFC 8493 §3",
    FindingCode.OBJECT_CHANGED: "RFC 8493 §3",
    FindingCode.OBJECT_UNEXPECTED: "RFC 8493 §3",
    FindingCode.OBJECT_UNVERIFIABLE: "DESIGN §7",
    FindingCode.OBJECT_UNDECODABLE: "DESIGN §7",
    FindingCode.COPY_OVERDUE: "DESIGN §7",
    FindingCode.MANIFEST_ALTERED: "RFC 8493 §2.2.1",
    FindingCode.CATALOGUE_ALTERED: "DESIGN §7",
    FindingCode.COPIES_TOO_FEW: "NDSA Levels 2.0, Storage",
    FindingCode.LOG_SEGMENT_ALTERED: "docs/tamper-evidence.md",
    FindingCode.LOG_SIGNATURE_WRONG: "docs/tamper-evidence.md",
    FindingCode.LOG_TIMESTAMP_WRONG: "docs/tamper-evidence.md",
    FindingCode.LOG_FORKED: "docs/tamper-evidence.md",
    FindingCode.LOG_TRUNCATED: "docs/tamper-evidence.md",
    FindingCode.EVENT_DELETED: "docs/tamper-evidence.md",
    FindingCode.EVENT_ALTERED: "docs/tamper-evidence.md",
    FindingCode.EVENT_REORDERED: "docs/tamper-evidence.md",
    FindingCode.EVENT_INSERTED: "docs/tamper-evidence.md",
    FindingCode.CATALOGUE_ROLLED_BACK: "docs/tamper-evidence.md",
}
"""Where each rule stands."""

MOST_FINDINGS = 50_000
"""Findings of one bag that are listed. A hostile manifest could have millions, and each is held until the verdict is given."""

INVALID_ONLY = frozenset([FindingCode.FILE_CHANGED])
"""A bag with only these is complete and not valid (RFC 8493 §3); any other finding makes it incomplete as well."""

WARNINGS = frozenset(
    [
        FindingCode.MANIFEST_ASTERISK,
        FindingCode.PATH_DOT,
        FindingCode.HARD_LINK,
        FindingCode.FETCH_ADDRESS,
        FindingCode.PATH_RESERVED,
        FindingCode.PROFILE_OTHER,
    ]
)
"""Deviations that a reader accepts and warns of; the bag stays valid. Nothing is fetched from a refused address."""

TOLERABLE = frozenset(
    [
        FindingCode.ALGORITHM_UNKNOWN,
        FindingCode.BAG_INFO_MALFORMED,
        FindingCode.MANIFEST_INCOMPLETE,
        FindingCode.OXUM_MALFORMED,
        FindingCode.OXUM_REPEATED,
        FindingCode.PATH_ENCODING,
        FindingCode.PATHS_COLLIDE,
        FindingCode.SERIALIZATION_TOP,
        FindingCode.TAG_MANIFEST_OMITS,
    ]
)
"""What ``--lenient`` names and lets pass: others' tools write it, and every payload file is still proven by a digest."""

TO_BE_FETCHED = "it is to be fetched"
"""What there is of a missing file that the fetch file names."""

PROFILES = frozenset(code for code in FindingCode if code.startswith("PROFILE_"))
"""A bag with these is valid or not by the RFC all the same; it does not satisfy the profile that was asked for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: Which rule.
        where: The file it is about, with the path of its bag before it.
        expected: What should be there, or empty.
        actual: What is there, or empty.
        store: Name of the store, or empty.
        next: What to type or do now.
    """

    code: FindingCode
    where: str
    expected: str = ""
    actual: str = ""
    store: str = ""
    next: str = ""

    @property
    def clause(self) -> str:
        """Where the rule stands."""
        return CLAUSES[self.code]


class FindingList:
    """Findings in the order in which they were met: so many are listed, and the others are counted.

    Args:
        most: How many are listed.

    Attributes:
        omitted: How many more there are.
    """

    def __init__(self, most: int = MOST_FINDINGS) -> None:
        self.omitted = 0
        self._most = most
        self._listed: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        """Yield those that are listed."""
        return iter(self._listed)

    def add(self, code: FindingCode, where: str, *, expected: str = "", actual: str = "") -> None:
        """Take a finding; of what is there 500 characters are kept."""
        self.take(Finding(code, where, expected=expected, actual=actual[:500]))

    def take(self, finding: Finding) -> None:
        """Take a finding as it is."""
        if len(self._listed) < self._most:
            self._listed.append(finding)
        else:
            self.omitted += 1


@dataclass(frozen=True, slots=True)
class BagVerdict:
    """What was found out about one bag.

    Attributes:
        prefix: Its place in the store, ending in ``/``; empty when the store's root is the bag.
        findings: Everything wrong with it.
        tolerated: Codes that are named and do not count.
    """

    prefix: str
    findings: tuple[Finding, ...]
    tolerated: frozenset[FindingCode] = WARNINGS

    @property
    def is_complete(self) -> bool:
        """Tell whether everything listed is there and everything there is listed (RFC 8493 §3)."""
        return all(code in INVALID_ONLY | PROFILES for code in self._counted())

    @property
    def is_valid(self) -> bool:
        """Tell whether it is complete and every digest agrees (RFC 8493 §3)."""
        return all(code in PROFILES for code in self._counted())

    @property
    def is_sound(self) -> bool:
        """Tell whether it is valid and satisfies the profile that was asked for."""
        return not self._counted()

    def _counted(self) -> list[FindingCode]:
        return [finding.code for finding in self.findings if finding.code not in self.tolerated]
