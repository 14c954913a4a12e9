"""The rules of a complete and valid bag (RFC 8493 §3), for versions 0.93 to 1.0. Pure: facts in, findings out.

A bag is judged in three steps, so that each byte is read once and a reader may be a directory, an archive or a store:

    tag_files_of(names) ── the caller reads them ──> Reading(names, tag files) ── the caller digests each file ──> compare(…)

Nothing here holds a bag in memory. What is there, and each line of each manifest and of the fetch file, is a row that begins with a
path; the rows are put in order, on the disk where they are many, and everything that is said of one path then comes together.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from archiver.core.bags.collisions import check_names
from archiver.core.bags.fetching import refused_address
from archiver.core.bags.manifests import recognise_entry
from archiver.core.bags.paths import ORDINARY, decode_path, is_well_encoded, unsafe_because
from archiver.core.bags.tag_files import MANIFEST, OLD_INFO, TagFiles
from archiver.core.findings import TO_BE_FETCHED, Finding, FindingCode, FindingList
from archiver.core.fixity import Algorithm, Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from archiver.core.bags.rows import InOrder, Row, There


_OXUM = re.compile(r"([0-9]{1,30})\.([0-9]{1,18})")
_FETCH = re.compile(r"(?i)(https?://[^/\s]\S*)[ \t]+([0-9]{1,18}|-)[ \t]+([^ \t].*)", re.DOTALL)
_THERE, _FETCHED = 0, 1
"""What a row tells: that a file is there; that it is to be fetched. Higher numbers are those of the manifests."""
_FIRST_MANIFEST = 2


@dataclass(frozen=True, slots=True)
class BagPlan:
    """What a bag promises, and what is wrong with the promise itself.

    Attributes:
        version: As declared, or (1, 0) where nothing can be read.
        expected: The digests promised for each file, by its path in the bag.
        findings: Everything that can be told without reading payload.
        info: The elements of ``bag-info.txt``, label and value, in order.
    """

    version: tuple[int, int]
    expected: Mapping[str, tuple[Digest, ...]]
    findings: tuple[Finding, ...]
    info: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Promised:
    """A file that is there and whose digests are promised.

    Attributes:
        path: In the bag.
        size: Bytes, as listed.
        place: Where a reader finds it.
        digests: What its bytes must have, one of each manifest whose algorithm is known.
    """

    path: str
    size: int
    place: int
    digests: tuple[Digest, ...]


def plan_of(sizes: Mapping[str, int], tags: Mapping[str, bytes]) -> BagPlan:
    """Read what a bag promises, all of it in memory.

    Args:
        sizes: Every file in the bag, payload and tag files, with its size in bytes.
        tags: The content of the tag files of `tag_files_of`.
    """
    there = [(path, size, 0) for path, size in sizes.items()]
    reading = Reading(there, {name: io.BytesIO(content) for name, content in tags.items()}, in_order=sorted)
    expected = {one.path: one.digests for one in reading.promises()}
    return BagPlan(reading.version, expected, tuple(reading.found), tuple(reading.info))


def compare(path: str, *, expected: Iterable[Digest], actual: Iterable[Digest]) -> Iterator[Finding]:
    """Yield a finding for each digest of a file that is not the promised one."""
    found = {digest.algorithm: digest for digest in actual}
    for digest in expected:
        other = found[digest.algorithm]
        if other != digest:
            yield Finding(FindingCode.FILE_CHANGED, path, expected=str(digest), actual=str(other))


class Reading:
    """Reads what a bag promises; iterate over `promises` to the end, then ask for what was found.

    Args:
        there: Every file in the bag; iterated over twice.
        tags: The tag files of `tag_files_of`, as files that can be read again from their beginning.
        in_order: Returns rows in order.

    Attributes:
        info: The elements of ``bag-info.txt``, label and value, in order.
        found: Everything that can be told without reading payload.
    """

    def __init__(self, there: Iterable[There], tags: Mapping[str, BinaryIO], *, in_order: InOrder) -> None:
        self.info: list[tuple[str, str]] = []
        self.found = FindingList()
        self._there = there
        self._text = TagFiles(tags, self.found)
        self._in_order = in_order
        self._manifests = sorted(name for name in tags if MANIFEST.fullmatch(name))
        self._algorithms = {name: _algorithm(name) for name in self._manifests}
        self._payload_manifests = [name for name in self._manifests if not name.startswith("tag")]
        self._tag_manifests = [name for name in self._manifests if name.startswith("tag")]
        self._vouched: dict[str, set[str]] = {name: set() for name in self._tag_manifests}
        self._bytes = self._files = self._present = 0

    @property
    def version(self) -> tuple[int, int]:
        """The version as declared, or (1, 0) where nothing can be read."""
        return self._text.version

    def promises(self) -> Iterator[Promised]:
        """Yield every file whose bytes can be compared, in the order of the paths."""
        self._text.read_declaration()
        if not self._payload_manifests:
            self.found.add(FindingCode.PAYLOAD_MANIFEST_MISSING, "manifest-sha512.txt", expected="a payload manifest")
        rows = chain(
            ((path, _THERE, place, size) for path, size, place in self._there),
            self._fetch_rows(),
            *(self._manifest_rows(kind, name) for kind, name in enumerate(self._manifests, start=_FIRST_MANIFEST)),
        )
        for path, said in groupby(self._in_order(rows), key=itemgetter(0)):
            promised = self._judge(path, said)
            if promised is not None:
                yield promised
        self._check_tag_manifests()
        check_names(self._there, self._present, in_order=self._in_order, found=self.found)
        self._read_info()

    def fetches(self) -> Iterator[tuple[str, str, int | None]]:
        """Yield path, URL and length of each line of the fetch file that may be followed; after `promises` alone."""
        for number, line in enumerate(self._text.lines("fetch.txt"), start=1):
            entry = _fetch_entry(line)
            path = self._entry_path("fetch.txt", number, entry[2]) if entry else None
            if entry is not None and path is not None and path.startswith("data/"):
                yield path, entry[0], entry[1]

    def _judge(self, path: str, said: Iterable[Row]) -> Promised | None:
        """Judge one path by everything that is said of it."""
        here, entries, is_fetched = self._gathered(path, said)
        if path.startswith("data/"):
            self._judge_payload(path, entries, here, is_fetched=is_fetched)
        elif here is None:
            for name in entries:
                self.found.add(
                    FindingCode.FILE_MISSING, path, expected=f"a tag file, as listed in {name}", actual="nothing"
                )
        if here is None:
            return None
        self._present += 1
        place, size = here
        digests = tuple(
            Digest(algorithm, value) for name, value in entries.items() if (algorithm := self._algorithms[name])
        )
        return Promised(path, size, place, digests) if digests else None

    def _gathered(self, path: str, said: Iterable[Row]) -> tuple[tuple[int, int] | None, dict[str, str], bool]:
        """Return place and size of what is there, its digest by each manifest, and whether it is to be fetched."""
        here: tuple[int, int] | None = None
        is_fetched = False
        entries: dict[str, str] = {}
        for _, kind, at, what in said:
            if kind >= _FIRST_MANIFEST:
                self._enter(entries, self._manifests[kind - _FIRST_MANIFEST], path, what)
            elif kind == _FETCHED:
                is_fetched = True
            elif here is None:
                here = at, what
            else:
                self.found.add(
                    FindingCode.MEMBER_REPEATED, path, expected="a plain file", actual="a second member of this name"
                )
        return here, entries, is_fetched

    def _enter(self, entries: dict[str, str], name: str, path: str, digest: str) -> None:
        if name not in entries:
            entries[name] = digest
        # Before 1.0 the same line twice was no fault; other digests for one file always are.
        elif entries[name] != digest or self._text.version >= (1, 0):
            self.found.add(FindingCode.MANIFEST_DUPLICATE, f"{name}: {path}", expected="each file once")

    def _judge_payload(
        self, path: str, entries: Mapping[str, str], here: tuple[int, int] | None, *, is_fetched: bool
    ) -> None:
        if here is not None:
            self._files += 1
            self._bytes += here[1]
        if here is None and entries:
            hint = TO_BE_FETCHED if is_fetched else "nothing"
            self.found.add(FindingCode.FILE_MISSING, path, expected="a file, as listed", actual=hint)
        elif here is not None and not entries:
            self.found.add(FindingCode.FILE_UNEXPECTED, path, expected="an entry in a payload manifest")
        if len(entries) < len(self._payload_manifests):
            self._judge_omissions(path, entries, is_here=here is not None, is_fetched=is_fetched)

    def _judge_omissions(self, path: str, entries: Mapping[str, str], *, is_here: bool, is_fetched: bool) -> None:
        is_strict = self._text.version >= (1, 0)
        for name in self._payload_manifests:
            if name in entries:
                continue
            if is_strict and is_here and entries:
                self.found.add(FindingCode.MANIFEST_INCOMPLETE, f"{name}: {path}", expected="every payload file")
            if is_fetched and (is_strict or not entries):
                self.found.add(FindingCode.FETCH_NOT_LISTED, f"fetch.txt: {path}", expected=f"an entry in {name}")

    def _manifest_rows(self, kind: int, name: str) -> Iterator[Row]:
        """Yield a row for each entry; a digest that cannot be computed here is empty."""
        algorithm = self._algorithms[name]
        match = MANIFEST.fullmatch(name)
        written = match[2] if match else ""
        if algorithm is None or written != algorithm.value:
            expected = algorithm.value if algorithm else ", ".join(Algorithm)
            self.found.add(FindingCode.ALGORITHM_UNKNOWN, name, expected=expected, actual=written)
        length = algorithm.hex_length if algorithm else 0
        is_tag = name.startswith("tag")
        ordinary = re.compile(f"([0-9a-f]{{{length or '1,'}}}) [ \\t]*(data/{ORDINARY})").fullmatch
        for number, line in enumerate(self._text.lines(name), start=1):
            if not is_tag and (match := ordinary(line)):
                # Nearly every line: nothing about it could be wrong, and asking for each fault takes several times as long.
                yield match[2], kind, number, match[1] if algorithm else ""
                continue
            entry = recognise_entry(line)
            if entry is None or (length and len(entry[0]) != length):
                self.found.add(
                    FindingCode.MANIFEST_MALFORMED, f"{name}:{number}", expected="digest and path", actual=repr(line)
                )
                continue
            path = self._entry_path(name, number, entry[1])
            if path is not None and self._is_allowed(name, path, is_tag=is_tag):
                if is_tag and path in self._payload_manifests:
                    self._vouched[name].add(path)
                yield path, kind, number, entry[0] if algorithm else ""

    def _entry_path(self, name: str, number: int, written: str) -> str | None:
        is_old = self._text.version < (1, 0)
        if not is_old and not is_well_encoded(written):
            self.found.add(
                FindingCode.PATH_ENCODING, f"{name}:{number}", expected="'%25', '%0A' or '%0D' for '%'", actual=written
            )
        path = decode_path(written, is_old=is_old)
        if path.startswith("*"):
            self.found.add(
                FindingCode.MANIFEST_ASTERISK, f"{name}:{number}", expected="no '*' before the path", actual=path
            )
            path = path[1:]
        if path.startswith("./"):
            self.found.add(FindingCode.PATH_DOT, f"{name}:{number}", expected="no './' before the path", actual=path)
            path = path.removeprefix("./")
        because = unsafe_because(path)
        if not because and path.startswith("data/"):
            because = unsafe_because(path.removeprefix("data/"))
        if because:
            self.found.add(
                FindingCode.PATH_UNSAFE,
                f"{name}:{number}",
                expected="a path inside the bag",
                actual=f"{path!r}: {because}",
            )
            return None
        return path

    def _is_allowed(self, name: str, path: str, *, is_tag: bool) -> bool:
        if not is_tag and not path.startswith("data/"):
            self.found.add(
                FindingCode.MANIFEST_PATH_OUTSIDE, f"{name}: {path}", expected="a path below data/", actual=path
            )
            return False
        if is_tag and path.startswith("data/"):
            self.found.add(FindingCode.MANIFEST_PATH_OUTSIDE, f"{name}: {path}", expected="a tag file", actual=path)
            return False
        if is_tag and path.startswith("tag") and MANIFEST.fullmatch(path):
            self.found.add(
                FindingCode.TAG_MANIFEST_SELF, f"{name}: {path}", expected="no tag manifest in a tag manifest"
            )
            return False
        return True

    def _fetch_rows(self) -> Iterator[Row]:
        """Yield a row for each payload file that is to be fetched."""
        for number, line in enumerate(self._text.lines("fetch.txt"), start=1):
            entry = _fetch_entry(line)
            where = f"fetch.txt:{number}"
            if entry is None:
                self.found.add(
                    FindingCode.FETCH_MALFORMED, where, expected="absolute URL, length or '-', path", actual=repr(line)
                )
                continue
            url, _, written = entry
            path = self._entry_path("fetch.txt", number, written)
            if path is not None and not path.startswith("data/"):
                self.found.add(FindingCode.FETCH_MALFORMED, where, expected="a path below data/", actual=path)
            elif path is not None:
                yield path, _FETCHED, number, ""
            self._check_address(where, url)

    def _check_address(self, where: str, url: str) -> None:
        because = refused_address(url)
        if because:
            self.found.add(FindingCode.FETCH_ADDRESS, where, expected="a public host", actual=f"{url[:200]}: {because}")

    def _check_tag_manifests(self) -> None:
        if self._text.version < (1, 0):
            return
        for name, vouched in self._vouched.items():
            for manifest in self._payload_manifests:
                if manifest not in vouched:
                    self.found.add(FindingCode.TAG_MANIFEST_OMITS, name, expected=f"an entry for {manifest}")

    def _read_info(self) -> None:
        name = "bag-info.txt" if "bag-info.txt" in self._text else OLD_INFO
        self.info = self._text.elements(name)
        oxums = [value for label, value in self.info if label.lower() == "payload-oxum"]
        if len(oxums) > 1:
            self.found.add(
                FindingCode.OXUM_REPEATED, name, expected="Payload-Oxum at most once", actual=str(len(oxums))
            )
        for oxum in oxums:
            match = _OXUM.fullmatch(oxum.strip())
            if match is None:
                self.found.add(FindingCode.OXUM_MALFORMED, name, expected="BYTES.FILES", actual=oxum)
                continue
            if (int(match[1]), int(match[2])) != (self._bytes, self._files):
                actual = f"{self._bytes}.{self._files}"
                self.found.add(FindingCode.OXUM_MISMATCH, name, expected=oxum.strip(), actual=actual)


def _fetch_entry(line: str) -> tuple[str, int | None, str] | None:
    """Return URL, length and path (still encoded) of a line of a fetch file (RFC 8493 §2.2.3), or None when it is none."""
    match = _FETCH.fullmatch(line)
    if match is None or not match[1].isprintable():
        return None
    return match[1], None if match[2] == "-" else int(match[2]), match[3]


def _algorithm(manifest: str) -> Algorithm | None:
    match = MANIFEST.fullmatch(manifest)
    try:
        return Algorithm(match[2].lower().replace("-", "")) if match else None
    except ValueError:
        return None
