"""Bodies of answers that are metadata: unpacked by us, bounded before and after, read as text and JSON with suspicion."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from archiver.core.errors import SourceProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PIECE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXTUAL = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(jp|kr)"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read to its end.

    Attributes:
        url: Where it came from after all redirects, without what is secret.
        status: 200, or one that the caller said is an answer too.
        headers: Of the answer; look-ups do not mind the case.
        body: Unpacked.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """As stated, lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def kind(self) -> str:
        """What the body is by its own looks: ``json``, ``html``, ``xml``, ``empty`` or ``other``; no header is believed."""
        return kind_of(self.body)

    def text(self) -> str:
        """Return the body as a text, never failing: by its byte order mark, as stated, as UTF-8, else as Windows-1252."""
        stated = re.search(
            r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", self.headers.get("Content-Type", ""), re.IGNORECASE
        )
        return text_of(self.body, stated[1] if stated else "")

    def json(self, *, what: str) -> Any:
        """Return the body as JSON, whatever type the header states.

        Raises:
            SourceProtocolError: It is none; says what it is in its place.
        """
        return json_of(self.body, what=what)


def kind_of(body: bytes) -> str:
    """Tell what a body is by its first characters."""
    mark, charset = next(((mark, charset) for mark, charset in _MARKS if body.startswith(mark)), (b"", "utf-8"))
    start = (body[:512] if charset != "utf-8" else body[len(mark) : 512]).decode(charset, "replace").lstrip().lower()
    if not start:
        return "empty"
    if start[0] in "{[":
        return "json"
    if start.startswith(("<!doctype html", "<html", "<head", "<body", "<title")) or (
        start.startswith("<?xml") and "<html" in start
    ):
        return "html"
    return "xml" if start.startswith("<") else "other"


def text_of(body: bytes, stated: str) -> str:
    """Return bytes as a text; a stated character set is used where it is a known one and fits."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return body.decode(charset, "replace").lstrip("\ufeff")
    for charset in (
        ("utf-8", stated.lower()) if not stated or "8859" in stated or "1252" in stated else (stated.lower(), "utf-8")
    ):
        if _TEXTUAL.fullmatch(charset):
            with suppress(UnicodeDecodeError, LookupError):
                return body.decode(charset)
    return body.decode("cp1252", "replace")


def json_of(body: bytes, *, what: str) -> Any:
    """Read JSON; numbers that JSON cannot write again stay texts.

    Raises:
        SourceProtocolError: It is none.
    """
    try:
        return json.loads(body, parse_float=_number, parse_constant=str)
    except (ValueError, RecursionError) as error:
        kind = {"html": "a web page", "xml": "XML", "empty": "nothing"}.get(kind_of(body), "none")
        start = body[:60].decode("utf-8", "replace")
        raise SourceProtocolError(f"{what}: expected JSON, actual {kind}: it begins {start!r}") from error


def unpacked(pieces: Iterable[bytes], encoding: str, *, limit: int, what: str) -> Iterator[bytes]:
    """Yield a body without its content coding, never more than 64 KiB at once and never more than ``limit`` bytes in all.

    Only gzip and deflate are known: others cannot be unpacked within bounded memory here, and none were asked for.

    Raises:
        SourceProtocolError: Another coding, damaged, or more bytes than allowed (a decompression bomb).
    """
    coding = encoding.strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise SourceProtocolError(f"{what}: packed as {encoding[:60]!r}, which nobody asked for")
    total = 0
    steps = _inflated(pieces, what) if coding in {"gzip", "x-gzip", "deflate"} else pieces
    for piece in steps:
        total += len(piece)
        if total > limit:
            raise SourceProtocolError(f"{what}: the answer is longer than {limit} bytes")
        yield piece


def _inflated(pieces: Iterable[bytes], what: str) -> Iterator[bytes]:
    engine: Any = None
    for piece in pieces:
        data = piece
        while data:
            if engine is None:
                # 47 takes gzip and zlib; a bare stream, which some servers call deflate, begins with neither's first byte.
                engine = zlib.decompressobj(47 if data[0] in {0x1F, 0x78} else -15)
            try:
                yield engine.decompress(data, _PIECE)
            except zlib.error as error:
                raise SourceProtocolError(f"{what}: the packed answer is damaged: {error}") from error
            data = engine.unconsumed_tail
            if engine.eof:
                data = engine.unused_data.lstrip(b"\0")
                engine = None
    if engine is not None:
        yield engine.flush()
    if engine is not None and not engine.eof:
        raise SourceProtocolError(f"{what}: the packed answer is cut short")


def _number(text: str) -> float | str:
    number = float(text)
    return number if isfinite(number) else text
