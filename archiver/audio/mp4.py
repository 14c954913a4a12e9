"""MP4 and QuickTime: boxes (ISO/IEC 14496-12), iTunes lists, 3GPP and QuickTime user data, XMP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.audio.spans import MOST_AT_ONCE, DamagedTagError
from archiver.audio.xmp import read_xmp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

MOST_BOXES = 20_000
DEEPEST = 8
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_CONTAINERS = {b"moov", b"udta", b"trak", b"mdia", b"ilst"}
_TEXTS = {
    b"cprt": "mp4.cprt",
    b"\xa9cpy": "mp4.©cpy",
    b"\xa9cmt": "mp4.©cmt",
    b"\xa9des": "mp4.©des",
    b"desc": "mp4.desc",
    b"ldes": "mp4.ldes",
}


def read_mp4(file: Span, out: Gathering) -> None:
    """Read what the boxes say.

    Raises:
        DamagedTagError: They cannot be walked to their end.
    """
    _walk(file, out, depth=0, in_list=False)


def _walk(span: Span, out: Gathering, *, depth: int, in_list: bool) -> None:
    if depth > DEEPEST:
        out.unread("MP4: boxes in boxes, deeper than is read")
        return
    for name, body in _boxes(span):
        if name in _CONTAINERS:
            _walk(body, out, depth=depth + 1, in_list=name == b"ilst")
        elif name == b"meta":
            # In QuickTime it is a plain box, in ISO files it has a version first.
            is_plain = body.peek(4, 4) == b"hdlr"
            _walk(body if is_plain else body.rest(min(4, body.size)), out, depth=depth + 1, in_list=False)
        else:
            _leaf(name, body, out, in_list=in_list)


def _leaf(name: bytes, body: Span, out: Gathering, *, in_list: bool) -> None:
    if name == b"uuid" and body.peek(0, 16) == _XMP:
        _xmp(body.rest(16), out)
    elif name == b"XMP_":
        _xmp(body, out)
    elif in_list and (name in _TEXTS or name == b"----"):
        _item(name, body, out)
    elif name in _TEXTS:
        _user_data(name, body, out)


def _item(name: bytes, body: Span, out: Gathering) -> None:
    """Read an entry of an iTunes list; a free one names itself."""
    field = _TEXTS.get(name, "")
    for part, content in _boxes(body):
        if part == b"name" and not field:
            label = content.rest(min(4, content.size)).peek(0, 100).decode("utf-8", "replace")
            field = f"mp4.----:{label}"
        elif part == b"data" and content.size >= 8:
            kind = content.at(3, 1)[0]
            out.long(field or "mp4.----:", content.rest(8), "utf-16-be" if kind == 2 else "utf-8")


def _user_data(name: bytes, body: Span, out: Gathering) -> None:
    if name == b"cprt":  # 3GPP TS 26.244: version and flags, language, text
        content = body.rest(min(6, body.size))
        is_wide = content.peek(0, 2) in {b"\xfe\xff", b"\xff\xfe"}
        out.long(_TEXTS[name], content, "utf-16" if is_wide and content.size < MOST_AT_ONCE else "utf-8")
    elif name[:1] == b"\xa9":  # QuickTime: length, language, text
        inner = [part for part, _ in _boxes(body)] if body.peek(4, 4) == b"data" else []
        if inner:
            _item(name, body, out)
        else:
            out.long(_TEXTS[name], body.rest(min(4, body.size)), "latin-1")


def _xmp(body: Span, out: Gathering) -> None:
    if body.size > MOST_AT_ONCE:
        out.unread(f"an XMP packet of {body.size} bytes")
    else:
        read_xmp(body.at(0, body.size), out)


def _boxes(span: Span) -> Iterator[tuple[bytes, Span]]:
    offset = 0
    for _ in range(MOST_BOXES):
        if offset + 8 > span.size:
            return
        header = span.at(offset, 8)
        size, head = int.from_bytes(header[:4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(span.at(offset + 8, 8), "big"), 16
        elif size == 0:
            size = span.size - offset
        if size < head:
            if not any(header):
                return  # QuickTime ends a list with zeros
            raise DamagedTagError(f"MP4: a box of {size} bytes")
        yield header[4:], span.part(offset + head, min(size, span.size - offset) - head)
        offset += size
    raise DamagedTagError(f"MP4: more than {MOST_BOXES} boxes")
