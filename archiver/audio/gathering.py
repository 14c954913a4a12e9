"""Gathering what tags say of rights, within bounds: texts become declarations, what was too much is said, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.audio.spans import DamagedTagError
from archiver.core.embedded import UNREAD, EmbeddedPreference, EmbeddedTags, reserves_in, speaks_of_rights
from archiver.core.licences.evidence import Declaration, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.audio.spans import Span

PIECE = 128 << 10
"""Bytes of one text that are read at once; they become one declaration."""
OVERLAP = 2 << 10
"""Bytes of the piece before that are read again, so that no sentence falls between two pieces."""
MOST_DECLARATIONS = 256
"""Declarations of one file."""
MOST_LATER_PIECES = 16
"""Pieces behind the first one that are kept of one text, out of those that speak of rights."""
MOST_NOTES = 20
_OTHER_ENCODINGS = ("cp932", "cp1251", "gb18030", "euc_kr")
"""What Latin-1 fields of tags really hold, often enough: kept as well where it keeps rights."""


class Gathering:
    """Takes the texts of one file's tags.

    Args:
        subject: The file's name, for the declarations.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._said: dict[tuple[str, str], None] = {}
        self._preferences: dict[EmbeddedPreference, None] = {}
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Say what could not be read."""
        if len(self._notes) < MOST_NOTES and text not in self._notes:
            self._notes.append(text[:300])

    def text(self, field: str, text: str) -> None:
        """Take a text; parts between NUL characters are texts of their own, so that nothing hides behind one."""
        for part in text.replace("\ufeff", "").split("\0"):
            stripped = part.strip()
            if not stripped:
                continue
            if len(self._said) >= MOST_DECLARATIONS:
                self.unread("more declarations in one file than are read")
                return
            self._said[(field[:200], stripped)] = None

    def encoded(self, field: str, content: bytes, encoding: str) -> None:
        """Take bytes said to be of an encoding; where that is Latin-1 by default, also as what they may be in truth."""
        text = content.decode(encoding, "replace")
        if encoding == "latin-1" and not content.isascii():
            for other in _OTHER_ENCODINGS:
                if reserves_in(content, other):
                    self.text(field, content.decode(other))
            text = _as_utf8(content) or text
        self.text(field, text)

    def long(self, field: str, span: Span, encoding: str) -> None:
        """Take a text of any length: the first piece whole, of the rest the pieces that speak of rights."""
        kept = 0
        for number, piece in enumerate(_pieces(span)):
            if number == 0:
                self.encoded(field, piece, encoding)
            elif speaks_of_rights(piece.decode(encoding, "replace")):
                kept += 1
                if kept > MOST_LATER_PIECES:
                    self.unread(f"{field}: a text of {span.size} bytes speaks of rights in more places than are kept")
                    return
                self.encoded(field, piece, encoding)
        if span.size > PIECE:
            self.note(f"{field}: {span.size} bytes; kept are the first {PIECE} and what else speaks of rights")

    def unread(self, why: str) -> None:
        """Say that there is something that was not read: then nobody can know what it declares."""
        self._said[(UNREAD, why[:300])] = None

    def preference(self, name: str, raw: str) -> None:
        """Take a preference signal."""
        if len(self._preferences) < MOST_NOTES:
            self._preferences[EmbeddedPreference(name, raw.strip()[:1000])] = None

    def tags(self) -> EmbeddedTags:
        """Return what was gathered."""
        declarations = tuple(Declaration(field, Scope.FILE, raw, self._subject) for field, raw in self._said)
        return EmbeddedTags(declarations, tuple(self._preferences), tuple(self._notes))


def _pieces(span: Span) -> Iterator[bytes]:
    offset = 0
    while offset < span.size:
        length = min(PIECE, span.size - offset)
        yield span.at(offset, length)
        if offset + length >= span.size:
            return
        offset += length - OVERLAP


def text_of(span: Span, *, longest: int = 1 << 16) -> bytes:
    """Return a short text whole.

    Raises:
        DamagedTagError: It is longer than a short text can be.
    """
    if span.size > longest:
        raise DamagedTagError(f"a name of {span.size} bytes")
    return span.at(0, span.size)


def _as_utf8(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
