"""APEv2 tags, at the end of a file or at its beginning; also in Monkey's Audio, WavPack and Musepack files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.audio.spans import DamagedTagError

if TYPE_CHECKING:
    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

SIZE = 32
MAGIC = b"APETAGEX"
MOST_ITEMS = 5000
_TOLD = ("licen", "copyright", "rights", "comment", "usage", "terms", "publicationright")


def read_ape(file: Span, edge: int, out: Gathering) -> int:
    """Read the tag whose footer ends at an offset, and return where the tag begins; the offset itself where there is none.

    Raises:
        DamagedTagError: It cannot be walked to its end.
    """
    footer = file.peek(edge - SIZE, SIZE) if edge >= SIZE else b""
    if not footer.startswith(MAGIC):
        return edge
    size = int.from_bytes(footer[12:16], "little")
    _read(file.part(edge - size, size - SIZE), int.from_bytes(footer[16:20], "little"), out)
    return edge - size


def read_leading_ape(file: Span, out: Gathering) -> None:
    """Read a tag that begins the file.

    Raises:
        DamagedTagError: It cannot be walked to its end.
    """
    header = file.at(0, SIZE)
    size = int.from_bytes(header[12:16], "little")
    _read(file.part(SIZE, size), int.from_bytes(header[16:20], "little"), out)


def _read(tag: Span, count: int, out: Gathering) -> None:
    offset = 0
    for _ in range(min(count, MOST_ITEMS)):
        if offset + 9 > tag.size:
            return
        head = tag.at(offset, 8)
        size, flags = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
        key, is_there, _ = tag.peek(offset + 8, 256).partition(b"\0")
        if not is_there:
            raise DamagedTagError("APE: an item without a key")
        value = tag.part(offset + 8 + len(key) + 1, size)
        name = key.decode("ascii", "replace")
        if not flags & 0b110 and any(word in name.lower() for word in _TOLD):
            out.long(f"ape.{name}", value, "utf-8")
        offset += 8 + len(key) + 1 + size
    if count > MOST_ITEMS:
        out.unread(f"APE: {count} items")
