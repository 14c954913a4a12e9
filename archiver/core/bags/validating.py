"""The rules of a complete and valid bag (RFC 8493 §3), for versions 0.93 to 1.0. Pure: facts in, findings out.

A bag is judged in three steps, so that each byte is read once and a reader may be a directory, an archive or a store:

    tag_files_of(names) ── the caller reads them ──> plan_of(names, tag files) ── the caller digests each file ──> compare(…)
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.bags.fetching import refused_address
from archiver.core.bags.manifests import recognise_entry, split_lines
from archiver.core.bags.paths import collision_key, decode_path, unsafe_because
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest, recognise_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DECLARATION = "bagit.txt"
LARGEST_TAG_FILE = 256 << 20
"""Bytes. A manifest of a million files has about 150 MB; a larger tag file is not read into memory."""

_MANIFEST = re.compile(r"(tag)?manifest-([A-Za-z0-9_-]+)\.txt")
_FIRST_LINE = re.compile(r"BagIt-Version: ([0-9]{1,3})\.([0-9]{1,3})")
_SECOND_LINE = re.compile(r"Tag-File-Character-Encoding: (\S{1,40})")
_OXUM = re.compile(r"([0-9]{1,30})\.([0-9]{1,18})")
_OLD_INFO = "package-info.txt"
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
_VERSIONS = {(0, 93), (0, 94), (0, 95), (0, 96), (0, 97), (1, 0)}


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


def tag_files_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the tag files that `plan_of` needs, out of the names of everything in a bag."""
    wanted = {DECLARATION, "bag-info.txt", _OLD_INFO, "fetch.txt"}
    return tuple(sorted(name for name in names if name in wanted or _MANIFEST.fullmatch(name)))


def plan_of(sizes: Mapping[str, int], tags: Mapping[str, bytes]) -> BagPlan:
    """Read what a bag promises.

    Args:
        sizes: Every file in the bag, payload and tag files, with its size in bytes.
        tags: The content of the tag files of `tag_files_of`.
    """
    return _Planner(sizes, tags).plan()


def compare(path: str, *, expected: Iterable[Digest], actual: Iterable[Digest]) -> Iterator[Finding]:
    """Yield a finding for each digest of a file that is not the promised one."""
    found = {digest.algorithm: digest for digest in actual}
    for digest in expected:
        other = found[digest.algorithm]
        if other != digest:
            yield Finding(FindingCode.FILE_CHANGED, path, expected=str(digest), actual=str(other))


class _Planner:
    """Collects findings while the tag files are read; lives for one call of `plan_of`."""

    def __init__(self, sizes: Mapping[str, int], tags: Mapping[str, bytes]) -> None:
        self.sizes = sizes
        self.tags = tags
        self.findings: list[Finding] = []
        self.version = (1, 0)
        self.encoding = "utf-8"

    def plan(self) -> BagPlan:
        self.read_declaration()
        manifests = {name: self.read_manifest(name) for name in sorted(self.tags) if _MANIFEST.fullmatch(name)}
        payload_manifests = {name: entries for name, entries in manifests.items() if name.startswith("manifest-")}
        tag_manifests = {name: entries for name, entries in manifests.items() if name.startswith("tagmanifest-")}
        if not payload_manifests:
            self.found(FindingCode.PAYLOAD_MANIFEST_MISSING, "manifest-sha512.txt", expected="a payload manifest")
        fetched = self.read_fetch()
        self.check_payload(payload_manifests, fetched)
        self.check_tags(payload_manifests, tag_manifests)
        self.check_collisions()
        info = self.read_info()
        expected: dict[str, tuple[Digest, ...]] = {}
        for entries in (*payload_manifests.values(), *tag_manifests.values()):
            for path, digest in entries.items():
                if path in self.sizes and digest is not None:
                    expected[path] = (*expected.get(path, ()), digest)
        return BagPlan(self.version, expected, tuple(self.findings), tuple(info))

    def found(self, code: FindingCode, where: str, *, expected: str = "", actual: str = "") -> None:
        self.findings.append(Finding(code, where, expected=expected, actual=actual[:500]))

    def read_declaration(self) -> None:
        content = self.tags.get(DECLARATION)
        if content is None:
            self.found(FindingCode.DECLARATION_MISSING, DECLARATION, expected="a bag declaration")
            return
        try:
            lines = split_lines(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            self.found(FindingCode.DECLARATION_MALFORMED, DECLARATION, expected="UTF-8", actual=str(error))
            return
        first = _FIRST_LINE.fullmatch(lines[0]) if lines else None
        second = _SECOND_LINE.fullmatch(lines[1]) if len(lines) > 1 else None
        if first is None or second is None or len(lines) != 2:
            self.found(
                FindingCode.DECLARATION_MALFORMED,
                DECLARATION,
                expected="'BagIt-Version: M.N' and 'Tag-File-Character-Encoding: NAME', two lines in this order",
                actual=repr(content[:200]),
            )
        if first is not None:
            self.version = (int(first[1]), int(first[2]))
            if self.version not in _VERSIONS:
                self.found(
                    FindingCode.VERSION_UNKNOWN, DECLARATION, expected="0.93 to 1.0", actual=f"{first[1]}.{first[2]}"
                )
        if second is not None:
            self.take_encoding(second[1])

    def take_encoding(self, name: str) -> None:
        try:
            codec = codecs.lookup(name)
            is_text = codec._is_text_encoding  # noqa: SLF001 - the only way to tell text codecs from rot13 and zip
        except (LookupError, AttributeError):
            is_text = False
        if not is_text:
            self.found(FindingCode.TAG_ENCODING, DECLARATION, expected="a character encoding", actual=name)
            return
        self.encoding = name

    def lines(self, name: str) -> list[str]:
        content = self.tags[name]
        try:
            return split_lines(content.decode(self.encoding))
        except (UnicodeDecodeError, ValueError) as error:
            self.found(FindingCode.TAG_ENCODING, name, expected=self.encoding, actual=str(error))
            return []

    def read_manifest(self, name: str) -> dict[str, Digest | None]:
        """Return path and digest of each entry; a digest that cannot be computed here is None."""
        match = _MANIFEST.fullmatch(name)
        algorithm = _algorithm(match[2]) if match else None
        if algorithm is None:
            self.found(
                FindingCode.ALGORITHM_UNKNOWN, name, expected=", ".join(Algorithm), actual=match[2] if match else ""
            )
        entries: dict[str, Digest | None] = {}
        is_tag = name.startswith("tag")
        for number, line in enumerate(self.lines(name), start=1):
            entry = recognise_entry(line)
            digest = recognise_digest(algorithm, entry[0]) if entry and algorithm else None
            if entry is None or (algorithm is not None and digest is None):
                self.found(
                    FindingCode.MANIFEST_MALFORMED, f"{name}:{number}", expected="digest and path", actual=repr(line)
                )
                continue
            path = self.entry_path(name, number, entry[1])
            if path is not None and self.is_allowed(name, path, is_tag=is_tag):
                self.enter(entries, name, path, digest)
        return entries

    def enter(self, entries: dict[str, Digest | None], name: str, path: str, digest: Digest | None) -> None:
        if path in entries:
            # Before 1.0 the same line twice was no fault; other digests for one file always are.
            if entries[path] != digest or self.version >= (1, 0):
                self.found(FindingCode.MANIFEST_DUPLICATE, f"{name}: {path}", expected="each file once")
            return
        entries[path] = digest

    def entry_path(self, name: str, number: int, written: str) -> str | None:
        path = decode_path(written)
        if path.startswith("*"):
            self.found(
                FindingCode.MANIFEST_ASTERISK, f"{name}:{number}", expected="no '*' before the path", actual=path
            )
            path = path[1:]
        path = path.removeprefix("./")
        because = unsafe_because(path)
        if not because and path.startswith("data/"):
            because = unsafe_because(path.removeprefix("data/"))
        if because:
            self.found(
                FindingCode.PATH_UNSAFE,
                f"{name}:{number}",
                expected="a path inside the bag",
                actual=f"{path!r}: {because}",
            )
            return None
        return path

    def is_allowed(self, name: str, path: str, *, is_tag: bool) -> bool:
        if not is_tag and not path.startswith("data/"):
            self.found(FindingCode.MANIFEST_PATH_OUTSIDE, f"{name}: {path}", expected="a path below data/", actual=path)
            return False
        if is_tag and path.startswith("data/"):
            self.found(FindingCode.MANIFEST_PATH_OUTSIDE, f"{name}: {path}", expected="a tag file", actual=path)
            return False
        if is_tag and path.startswith("tagmanifest-"):
            self.found(FindingCode.TAG_MANIFEST_SELF, f"{name}: {path}", expected="no tag manifest in a tag manifest")
            return False
        return True

    def read_fetch(self) -> set[str]:
        """Return the payload files that are to be fetched."""
        fetched: set[str] = set()
        for number, line in enumerate(self.lines("fetch.txt") if "fetch.txt" in self.tags else [], start=1):
            parts = line.split(None, 2)
            where = f"fetch.txt:{number}"
            if (
                len(parts) != 3
                or not re.match(r"(?i)https?://[^/]", parts[0])
                or not re.fullmatch(r"[0-9]{1,18}|-", parts[1])
            ):
                self.found(
                    FindingCode.FETCH_MALFORMED, where, expected="absolute URL, length or '-', path", actual=repr(line)
                )
                continue
            path = self.entry_path("fetch.txt", number, parts[2])
            if path is not None and not path.startswith("data/"):
                self.found(FindingCode.FETCH_MALFORMED, where, expected="a path below data/", actual=path)
            elif path is not None:
                fetched.add(path)
            self.check_address(where, parts[0])
        return fetched

    def check_address(self, where: str, url: str) -> None:
        because = refused_address(url)
        if because:
            self.found(FindingCode.FETCH_ADDRESS, where, expected="a public host", actual=f"{url[:200]}: {because}")

    def check_payload(self, manifests: Mapping[str, Mapping[str, Digest | None]], fetched: set[str]) -> None:
        listed = set().union(*manifests.values())
        present = {path for path in self.sizes if path.startswith("data/")}
        for path in sorted(listed - present):
            hint = "it is to be fetched" if path in fetched else ""
            self.found(FindingCode.FILE_MISSING, path, expected="a file, as listed", actual=hint or "nothing")
        for path in sorted(present - listed):
            self.found(FindingCode.FILE_UNEXPECTED, path, expected="an entry in a payload manifest")
        self.check_fetched(manifests, fetched)
        if self.version >= (1, 0):
            for name, entries in sorted(manifests.items()):
                for path in sorted((listed & present) - entries.keys()):
                    self.found(FindingCode.MANIFEST_INCOMPLETE, f"{name}: {path}", expected="every payload file")

    def check_fetched(self, manifests: Mapping[str, Mapping[str, Digest | None]], fetched: set[str]) -> None:
        listed = set().union(*manifests.values())
        for path in sorted(fetched):
            for name, entries in sorted(manifests.items()):
                if path not in entries and (self.version >= (1, 0) or path not in listed):
                    self.found(FindingCode.FETCH_NOT_LISTED, f"fetch.txt: {path}", expected=f"an entry in {name}")

    def check_tags(
        self,
        payload_manifests: Mapping[str, object],
        tag_manifests: Mapping[str, Mapping[str, Digest | None]],
    ) -> None:
        for name, entries in sorted(tag_manifests.items()):
            for path in sorted(entries.keys() - self.sizes.keys()):
                self.found(
                    FindingCode.FILE_MISSING, path, expected=f"a tag file, as listed in {name}", actual="nothing"
                )
            for manifest in sorted(payload_manifests):
                if manifest not in entries and self.version >= (1, 0):
                    self.found(FindingCode.TAG_MANIFEST_OMITS, name, expected=f"an entry for {manifest}")

    def check_collisions(self) -> None:
        seen: dict[str, str] = {}
        for path in sorted(self.sizes):
            key = collision_key(path)
            if key in seen:
                self.found(
                    FindingCode.PATHS_COLLIDE, path, expected="names that differ by more than case", actual=seen[key]
                )
            seen[key] = path
            if any(part.partition(".")[0].upper().rstrip() in _RESERVED for part in path.split("/")):
                self.found(FindingCode.PATH_RESERVED, path, expected="a name that Windows can store", actual=path)

    def read_info(self) -> list[tuple[str, str]]:
        name = "bag-info.txt" if "bag-info.txt" in self.tags else _OLD_INFO
        elements = self.elements(name)
        oxums = [value for label, value in elements if label.lower() == "payload-oxum"]
        if len(oxums) > 1:
            self.found(FindingCode.OXUM_REPEATED, name, expected="Payload-Oxum at most once", actual=str(len(oxums)))
        for oxum in oxums:
            match = _OXUM.fullmatch(oxum.strip())
            if match is None:
                self.found(FindingCode.OXUM_MALFORMED, name, expected="BYTES.FILES", actual=oxum)
                continue
            sizes = [size for path, size in self.sizes.items() if path.startswith("data/")]
            actual = f"{sum(sizes)}.{len(sizes)}"
            if (int(match[1]), int(match[2])) != (sum(sizes), len(sizes)):
                self.found(FindingCode.OXUM_MISMATCH, name, expected=oxum.strip(), actual=actual)
        return elements

    def elements(self, name: str) -> list[tuple[str, str]]:
        elements: list[tuple[str, str]] = []
        for number, line in enumerate(self.lines(name) if name in self.tags else [], start=1):
            if line[:1] in {" ", "\t"} and elements:
                label, value = elements[-1]
                elements[-1] = (label, f"{value} {line.strip()}")
                continue
            label, colon, value = line.partition(":")
            strict = self.version >= (1, 0)
            if not colon or not label.strip() or (strict and (label != label.rstrip() or value[:1] not in {" ", "\t"})):
                if line.strip() or strict:
                    self.found(
                        FindingCode.BAG_INFO_MALFORMED, f"{name}:{number}", expected="'Label: value'", actual=repr(line)
                    )
                continue
            elements.append((label.strip(), value.strip()))
        return elements


def _algorithm(name: str) -> Algorithm | None:
    try:
        return Algorithm(name.lower().replace("-", ""))
    except ValueError:
        return None
