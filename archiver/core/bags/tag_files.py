"""The tag files of a bag that say what it promises: which they are, and what is written in them (RFC 8493 §2.1.1, §2.2.2, §2.3)."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING

from archiver.core.bags.manifests import split_lines
from archiver.core.findings import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from archiver.core.findings import FindingList

DECLARATION = "bagit.txt"
LARGEST_TAG_FILE = 256 << 20
"""Bytes. A manifest of a million files has about 150 MB; of a larger one no bag of ours would be made."""
LARGEST_INFO = 4 << 20
"""Bytes of a bag declaration or of bag metadata, which are held in memory."""


MANIFEST = re.compile(r"(tag)?manifest-([A-Za-z0-9_-]+)\.txt")
"""Name of a payload manifest or a tag manifest, and the algorithm in it."""
OLD_INFO = "package-info.txt"
"""Name of the bag metadata before 0.96."""
_TAG_FILES = {DECLARATION, "bag-info.txt", OLD_INFO, "fetch.txt"}
_FIRST_LINE = re.compile(r"BagIt-Version: ([0-9]{1,3})\.([0-9]{1,3})")
_SECOND_LINE = re.compile(r"Tag-File-Character-Encoding: (\S{1,40})")
_NO_CHARACTERS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
"""Codecs of Python that are no character encodings in any registry, and some of which take time that grows with the square."""
_VERSIONS = {"0.93", "0.94", "0.95", "0.96", "0.97", "1.0"}


def tag_files_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the tag files that a plan needs, out of the names of everything in a bag, in order."""
    return tuple(sorted({name for name in names if is_tag_file(name)}))


def is_tag_file(name: str) -> bool:
    """Tell whether a file is one of the tag files that a plan needs."""
    return "/" not in name and (name in _TAG_FILES or MANIFEST.fullmatch(name) is not None)


def largest(name: str) -> int:
    """Return how many bytes of a tag file are read."""
    return LARGEST_INFO if name in {DECLARATION, "bag-info.txt", OLD_INFO} else LARGEST_TAG_FILE


class TagFiles:
    """Reads tag files as text; what is wrong with them becomes findings.

    Args:
        files: The tag files of `tag_files_of`, as files that can be read again from their beginning.
        found: Takes the findings.

    Attributes:
        version: As declared, or (1, 0) where nothing can be read.
        encoding: Of every tag file but the declaration.
    """

    def __init__(self, files: Mapping[str, BinaryIO], found: FindingList) -> None:
        self.version = (1, 0)
        self.encoding = "utf-8"
        self._files = files
        self._found = found

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a tag file of this name."""
        return name in self._files

    def read_declaration(self) -> None:
        """Learn version and character encoding; until then they are those of 1.0."""
        content = self._content(DECLARATION)
        if content is None:
            self._found.add(FindingCode.DECLARATION_MISSING, DECLARATION, expected="a bag declaration")
            return
        try:
            lines = split_lines(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            self._found.add(FindingCode.DECLARATION_MALFORMED, DECLARATION, expected="UTF-8", actual=str(error))
            return
        first = _FIRST_LINE.fullmatch(lines[0]) if lines else None
        second = _SECOND_LINE.fullmatch(lines[1]) if len(lines) > 1 else None
        if first is None or second is None or len(lines) != 2:
            self._found.add(
                FindingCode.DECLARATION_MALFORMED,
                DECLARATION,
                expected="'BagIt-Version: M.N' and 'Tag-File-Character-Encoding: NAME', two lines in this order",
                actual=repr(content[:200]),
            )
        if first is not None:
            self.version = (int(first[1]), int(first[2]))
            if f"{first[1]}.{first[2]}" not in _VERSIONS:
                self._found.add(
                    FindingCode.VERSION_UNKNOWN, DECLARATION, expected="0.93 to 1.0", actual=f"{first[1]}.{first[2]}"
                )
        if second is not None:
            self._take_encoding(second[1])

    def _content(self, name: str) -> bytes | None:
        if name not in self._files:
            return None
        self._files[name].seek(0)
        return self._files[name].read(LARGEST_INFO)

    def _take_encoding(self, name: str) -> None:
        try:
            codec = codecs.lookup(name)
            is_text = codec._is_text_encoding  # noqa: SLF001 - the only way to tell text codecs from rot13 and zip
            is_text = is_text and codec.name.replace("_", "-") not in _NO_CHARACTERS
        except (LookupError, AttributeError, ValueError):
            is_text = False
        if not is_text:
            self._found.add(FindingCode.TAG_ENCODING, DECLARATION, expected="a character encoding", actual=name)
            return
        self.encoding = name

    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of a tag file, ended by LF, CR or CRLF; none at all where one byte is not in the encoding."""
        file = self._files.get(name)
        if file is None:
            return
        try:
            self._decode(file)
        except (UnicodeError, ValueError) as error:
            self._found.add(FindingCode.TAG_ENCODING, name, expected=self.encoding, actual=str(error))
            return
        file.seek(0)
        if codecs.lookup(self.encoding).name == "utf-8" and file.read(3) == codecs.BOM_UTF8:
            self._found.add(FindingCode.TAG_ENCODING, name, expected="no byte-order mark in UTF-8", actual="one")
        else:
            file.seek(0)
        reader = io.TextIOWrapper(file, self.encoding, newline=None)
        try:
            while line := reader.readline(LARGEST_INFO):
                yield line[:-1] if line[-1] == "\n" else line
                while line and line[-1] != "\n":  # what is cut here is longer than any path, and so refused
                    line = reader.readline(LARGEST_INFO)
        finally:
            reader.detach()

    def _decode(self, file: BinaryIO) -> None:
        """Read a file once and only see whether it can be decoded.

        Raises:
            ValueError: It cannot.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)()
        file.seek(0)
        before = 0
        while chunk := file.read(1 << 20):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise ValueError(f"{error.reason} within {len(chunk)} bytes from {before} on") from error
            before += len(chunk)
        decoder.decode(b"", final=True)

    def elements(self, name: str) -> list[tuple[str, str]]:
        """Return the elements of bag metadata, label and value, in order."""
        elements: list[tuple[str, list[str]]] = []
        for number, line in enumerate(self.lines(name), start=1):
            if line[:1] in {" ", "\t"} and elements:
                elements[-1][1].append(line.strip())
                continue
            label, colon, value = line.partition(":")
            strict = self.version >= (1, 0)
            if not colon or not label.strip() or (strict and (label != label.rstrip() or value[:1] not in {" ", "\t"})):
                if line.strip() or strict:
                    self._found.add(
                        FindingCode.BAG_INFO_MALFORMED, f"{name}:{number}", expected="'Label: value'", actual=repr(line)
                    )
                continue
            elements.append((label.strip(), [value.strip()]))
        return [(label, " ".join(values)) for label, values in elements]
