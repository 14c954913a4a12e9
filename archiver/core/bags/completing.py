"""What a bag may be completed with from its fetch file (RFC 8493 §2.2.3): pure, facts in, files that may be asked for out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.bags.validating import Reading, compare
from archiver.core.findings import WARNINGS, Finding, FindingCode
from archiver.core.fixity import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.fixity import Digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payload file that is not there and may be asked for.

    Attributes:
        path: In the bag, below ``data/``.
        url: Absolute, http or https. Whether its host may be asked is for whoever asks to judge, at each redirect anew.
        length: Bytes, or None where the fetch file does not say.
        digests: One of each payload manifest.
    """

    path: str
    url: str
    length: int | None
    digests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one file.

    Attributes:
        path: In the bag.
        url: Where it was asked for.
        bytes: Of the file, or 0.
        reason: Why it is not there, a stable code, or empty.
        detail: The same for people.
        transient: Whether the same command may do better later.
    """

    path: str
    url: str
    bytes: int = 0
    reason: str = ""
    detail: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What stands between a bag and its being complete.

    Attributes:
        wanted: What may be asked for, in the order of the fetch file, each file once.
        findings: What else is wrong with the bag as far as it can be told without payload; warnings are left out. Where
            there is one, nothing should be asked for: the bag will not be valid.
        contradictions: What would be wrong with it if the fetch file tells the right lengths.
    """

    wanted: tuple[Wanted, ...]
    findings: tuple[Finding, ...]
    contradictions: tuple[Finding, ...] = ()

    @property
    def refusal(self) -> str:
        """Why nothing should be asked for, in short."""
        codes = dict.fromkeys(f"{one.code.value} ({one.where})" for one in self.findings[:3])
        return f"it would not be valid with it: {', '.join(codes)}" if self.findings else ""


def completion_of(sizes: Mapping[str, int], tags: Mapping[str, bytes]) -> Completion:
    """Return what a bag lacks and may be completed with.

    Each file must stand in every payload manifest, also where an older version of BagIt asks for one only, and the bag must
    promise nothing else that is not there. A tag file read here that is not the one its tag manifests list is a finding: the fetch file could be
    anybody's.

    Args:
        sizes: Every file in the bag with its size in bytes.
        tags: The content of the tag files of `archiver.core.bags.validating.tag_files_of`.
    """
    reading, _ = _read(sizes, tags)
    fetches: dict[str, tuple[str, int | None]] = {}
    for path, url, length in reading.fetches():
        if path not in sizes:
            fetches.setdefault(path, (url, length))
    completed, promised = _read({**sizes, **{path: length or 0 for path, (_, length) in fetches.items()}}, tags)
    is_measured = all(length is not None for _, length in fetches.values())
    faults = [one for one in completed.found if one.code not in WARNINGS]
    findings = [one for one in faults if one.code is not FindingCode.OXUM_MISMATCH]
    findings += _altered(tags, promised)
    manifests = sum(name.startswith("manifest-") for name in tags)
    wanted = [Wanted(path, url, length, promised.get(path, ())) for path, (url, length) in fetches.items()]
    findings += [
        Finding(FindingCode.FETCH_NOT_LISTED, f"fetch.txt: {one.path}", expected="an entry in every payload manifest")
        for one in wanted
        if len(one.digests) != manifests
    ]
    sums = tuple(one for one in faults if one.code is FindingCode.OXUM_MISMATCH and is_measured)
    return Completion(tuple(wanted), tuple(dict.fromkeys(findings)), sums)


def is_only_incomplete(findings: Iterable[Finding], wanted: Iterable[Wanted], *, prefix: str = "") -> bool:
    """Tell whether what was found wrong with a bag is nothing but the files that it may be completed with.

    Args:
        findings: Of its verdict, warnings aside.
        wanted: Of its `Completion`, which has no findings of its own.
        prefix: Of the verdict.
    """
    paths = {prefix + one.path for one in wanted}
    return all(
        one.code is FindingCode.OXUM_MISMATCH or (one.code is FindingCode.FILE_MISSING and one.where in paths)
        for one in findings
    )


def _read(sizes: Mapping[str, int], tags: Mapping[str, bytes]) -> tuple[Reading, dict[str, tuple[Digest, ...]]]:
    there = [(path, size, 0) for path, size in sizes.items()]
    reading = Reading(there, {name: io.BytesIO(content) for name, content in tags.items()}, in_order=sorted)
    return reading, {one.path: one.digests for one in reading.promises()}


def _altered(tags: Mapping[str, bytes], promised: Mapping[str, tuple[Digest, ...]]) -> Iterable[Finding]:
    for name, content in tags.items():
        expected = promised.get(name, ())
        yield from compare(name, expected=expected, actual=[digest_of(content, one.algorithm) for one in expected])
