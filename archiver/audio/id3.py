"""ID3v1 and ID3v2.2 to 2.4: the frames that speak of rights, walked without loading the tag (id3.org, versions 2.2.0 to 2.4.0)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from archiver.audio.spans import DamagedTagError
from archiver.audio.xmp import read_xmp

if TYPE_CHECKING:
    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

HEADER = 10
MOST_FRAMES = 5000
LONGEST_UNPACKED = 256 << 10
"""Bytes of a frame that must be unpacked in memory: compressed, or with unsynchronisation."""

_URLS = {"WCOP": "WCOP", "WOAF": "WOAF", "WCP": "WCOP", "WAF": "WOAF", "WPUB": "WPUB", "WOAS": "WOAS"}
_TEXTS = {"TCOP": "TCOP", "TCR": "TCOP", "TOWN": "TOWN"}
_DESCRIBED = {"TXXX": "TXXX", "TXX": "TXXX", "WXXX": "WXXX", "WXX": "WXXX"}
_COMMENTS = {"COMM": "COMM", "COM": "COMM", "USER": "USER"}
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")


def id3v2_size(header: bytes) -> int:
    """Return the bytes of a whole tag from its header, or 0 where none begins."""
    if len(header) < HEADER or header[:3] != b"ID3" or header[3] == 0xFF or any(byte & 0x80 for byte in header[6:10]):
        return 0
    footer = HEADER if header[3] == 4 and header[5] & 0x10 else 0
    return HEADER + _syncsafe(header[6:10]) + footer


def read_id3v2(tag: Span, out: Gathering) -> None:
    """Read one tag.

    Args:
        tag: From its header on; it may be cut short.
        out: Takes what is found, also what was found before damage.

    Raises:
        DamagedTagError: It cannot be walked to its end.
    """
    header = tag.at(0, HEADER)
    version, flags = header[3], header[5]
    if version not in {2, 3, 4}:
        raise DamagedTagError(f"ID3v2.{version} is no known version")
    end = min(HEADER + _syncsafe(header[6:10]), tag.size)
    whole = bool(flags & 0x80) and version < 4
    offset = HEADER + _extended_header(tag, version, flags)
    for _ in range(MOST_FRAMES):
        step = _frame(tag, offset, end, version, is_unsynchronised=whole or bool(flags & 0x80), out=out)
        if not step:
            break
        offset += step
    else:
        out.unread(f"ID3: more than {MOST_FRAMES} frames")
    if end < HEADER + _syncsafe(header[6:10]):
        raise DamagedTagError("ID3: the tag is longer than the file")


def _extended_header(tag: Span, version: int, flags: int) -> int:
    if version < 3 or not flags & 0x40:
        return 0
    size = tag.at(HEADER, 4)
    return _syncsafe(size) if version == 4 else 4 + int.from_bytes(size, "big")


def _frame(tag: Span, offset: int, end: int, version: int, *, is_unsynchronised: bool, out: Gathering) -> int:
    """Read the frame at an offset; return the bytes to the next one, or 0 at the end of the frames."""
    head = 6 if version == 2 else 10
    if offset + head >= end:
        return 0
    raw = tag.at(offset, head)
    name_length = 3 if version == 2 else 4
    if not raw[0]:
        return 0  # padding
    name = raw[:name_length].decode("ascii", "replace").rstrip("\0 ")
    if not name.isascii() or not name.isalnum():
        raise DamagedTagError(f"ID3: {raw[:name_length]!r} is no frame")
    size = _frame_size(tag, raw, offset, end, version)
    available = min(size, end - offset - head)
    frame = tag.part(offset + head, available)
    if size > available:
        out.note(f"ID3: the frame {name} is longer than its tag")
    # In versions 2.2 and 2.3 the size counts the bytes before unsynchronisation: what is here may be a few bytes longer.
    if is_unsynchronised and version < 4 and available:
        frame, extra = _grown(tag, offset + head, available, end)
    else:
        extra = 0
    if name in _URLS or name in _TEXTS or name in _DESCRIBED or name in _COMMENTS or name == "PRIV":
        flags = raw[9] if version > 2 else 0
        _take(name, frame, version, flags, is_unsynchronised=is_unsynchronised, out=out)
    return head + size + extra


def _grown(tag: Span, offset: int, size: int, end: int) -> tuple[Span, int]:
    """Return a frame with the zeros that unsynchronisation put behind each FF, and how many those are."""
    if size > LONGEST_UNPACKED:
        return tag.part(offset, size), 0
    extra = 0
    while True:
        content = tag.at(offset, min(size + extra, end - offset))
        needed = content.count(b"\xff\x00")
        if needed == extra or offset + size + extra >= end:
            return tag.part(offset, len(content)), extra
        extra = needed


def _frame_size(tag: Span, raw: bytes, offset: int, end: int, version: int) -> int:
    if version == 2:
        return int.from_bytes(raw[3:6], "big")
    plain = int.from_bytes(raw[4:8], "big")
    if version == 3 or any(byte & 0x80 for byte in raw[4:8]):
        return plain
    # iTunes has written plain sizes into version 2.4: what makes a frame or padding follow is right.
    safe = _syncsafe(raw[4:8])
    if safe != plain and not _follows(tag, offset + 10 + safe, end) and _follows(tag, offset + 10 + plain, end):
        return plain
    return safe


def _follows(tag: Span, offset: int, end: int) -> bool:
    if offset >= end:
        return offset == end
    name = tag.peek(offset, 4)
    return not name[0] or (len(name) == 4 and name.isalnum() and name.upper() == name)


def _take(name: str, frame: Span, version: int, flags: int, *, is_unsynchronised: bool, out: Gathering) -> None:
    is_compressed = bool(flags & (0x08 if version == 4 else 0x80)) and version > 2
    if version > 2 and flags & (0x04 if version == 4 else 0x40):
        out.unread(f"ID3: the frame {name} is encrypted")
        return
    skipped = 1 if version > 2 and flags & (0x40 if version == 4 else 0x20) else 0  # the byte of a group
    if version == 4 and flags & 0x01:
        skipped += 4  # the length before unsynchronisation and compression
    elif version == 3 and is_compressed:
        skipped += 4
    frame = frame.rest(min(skipped, frame.size))
    is_folded = (version < 4 and is_unsynchronised) or (version == 4 and bool(flags & 0x02 or is_unsynchronised))
    if is_compressed or (is_folded and b"\xff\x00" in frame.peek(0, LONGEST_UNPACKED)):
        _take_bytes(name, _unpacked(name, frame, is_compressed=is_compressed, is_folded=is_folded, out=out), out)
    elif frame.size <= LONGEST_UNPACKED:
        _take_bytes(name, frame.at(0, frame.size), out)
    else:
        _take_long(name, frame, out)


def _unpacked(name: str, frame: Span, *, is_compressed: bool, is_folded: bool, out: Gathering) -> bytes:
    content = frame.peek(0, LONGEST_UNPACKED)
    is_whole = frame.size <= LONGEST_UNPACKED
    if is_folded:
        content = content.replace(b"\xff\x00", b"\xff")
    if is_compressed:
        inflater = zlib.decompressobj()
        try:
            content = inflater.decompress(content, LONGEST_UNPACKED)
        except zlib.error as error:
            raise DamagedTagError(f"ID3: the frame {name} cannot be inflated: {error}") from error
        is_whole = is_whole and inflater.eof
    if not is_whole:
        out.unread(f"ID3: the packed frame {name} is longer than is read")
    return content


def _take_bytes(name: str, content: bytes, out: Gathering) -> None:
    if name == "PRIV":
        owner, _, private = content.partition(b"\0")
        if owner == b"XMP":
            read_xmp(private, out)
    elif name in _URLS:
        out.encoded(f"id3.{_URLS[name]}", content, "latin-1")
    elif content:
        encoding = _ENCODINGS[content[0]] if content[0] < len(_ENCODINGS) else "latin-1"
        _take_text(name, content[1:], encoding, out)


def _take_text(name: str, content: bytes, encoding: str, out: Gathering) -> None:
    if name in _TEXTS:
        out.encoded(f"id3.{_TEXTS[name]}", content, encoding)
        return
    content = content[3:] if name in _COMMENTS else content  # the language
    if name == "USER":
        out.encoded("id3.USER", content, encoding)
        return
    description, value = _split(content, encoding)
    field = f"id3.{_DESCRIBED[name]}:{description}" if name in _DESCRIBED else f"id3.{_COMMENTS[name]}"
    if name in {"WXXX", "WXX"}:
        encoding = "latin-1"
    out.encoded(field, value, encoding)


def _split(content: bytes, encoding: str) -> tuple[str, bytes]:
    """Split a description from the value behind it."""
    if not encoding.startswith("utf-16"):
        description, _, value = content.partition(b"\0")
        return description.decode(encoding, "replace").strip()[:100], value
    for index in range(0, len(content) - 1, 2):
        if content[index : index + 2] == b"\0\0":
            break
    else:
        return content.decode(encoding, "replace").strip("\ufeff ")[:100], b""
    return content[:index].decode(encoding, "replace").strip("\ufeff ")[:100], content[index + 2 :]


def _take_long(name: str, frame: Span, out: Gathering) -> None:
    """Take a frame that is too long to be held: its head says how to read it, its text comes in pieces."""
    if name == "PRIV":
        if frame.peek(0, 4) == b"XMP\0":
            out.unread(f"ID3: an XMP packet of {frame.size} bytes")
        return
    if name in _URLS:
        out.long(f"id3.{_URLS[name]}", frame, "latin-1")
        return
    kind = frame.at(0, 1)[0]
    encoding = _ENCODINGS[kind] if kind < len(_ENCODINGS) else "latin-1"
    head = frame.at(1, 4096)
    skipped, field = 0, f"id3.{_TEXTS.get(name, name)}"
    if name in _COMMENTS:
        skipped, head, field = 3, head[3:], f"id3.{_COMMENTS[name]}"
    if name in _DESCRIBED or name in {"COMM", "COM"}:
        description, value = _split(head, encoding)
        skipped += len(head) - len(value) if value else 0
        field = f"id3.{_DESCRIBED[name]}:{description}" if name in _DESCRIBED else field
    if encoding == "utf-16":
        encoding = "utf-16-be" if frame.peek(1 + skipped, 2) == b"\xfe\xff" else "utf-16-le"
    out.long(field, frame.rest(1 + skipped), encoding)


def read_id3v1(tag: bytes, out: Gathering) -> None:
    """Read the 128 bytes at a file's end; only the comment can speak of rights, cut to 28 or 30 bytes."""
    comment = tag[97:127]
    if comment[28] == 0:
        comment = comment[:28]
    out.encoded("id3v1.comment", comment.partition(b"\0")[0], "latin-1")


def _syncsafe(size: bytes) -> int:
    value = 0
    for byte in size:
        value = value << 7 | byte & 0x7F
    return value
