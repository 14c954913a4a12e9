"""Vorbis comments: in FLAC, and in Ogg with Vorbis, Opus, Speex or FLAC inside (xiph.org, RFC 3533, 7845, 9639)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.audio.spans import DamagedTagError

if TYPE_CHECKING:
    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

MOST_COMMENTS = 10_000
MOST_BLOCKS = 1000
MOST_PAGES = 20_000
LONGEST_KEY = 100
_COMMENT_BLOCK = 4
_PREFIXES = ((b"\x03vorbis", 7), (b"OpusTags", 8), (b"\x81theora", 7))
_TOLD = frozenset(["COMMENT", "DESCRIPTION", "CONTACT", "NOTES", "ORGANIZATION"])
"""Keys without a word of rights in their name that may speak of rights all the same."""
_WORDS = ("LICEN", "COPYRIGHT", "RIGHTS", "USAGE", "TERMS")


def read_comments(block: Span, out: Gathering, *, prefix: str = "vorbis") -> None:
    """Read one block of comments.

    Raises:
        DamagedTagError: It cannot be walked to its end.
    """
    offset = 4 + _length(block, 0)
    count = _length(block, offset)
    offset += 4
    for _ in range(min(count, MOST_COMMENTS)):
        length = _length(block, offset)
        entry = block.part(offset + 4, length)
        _take(entry, out, prefix)
        offset += 4 + length
    if count > MOST_COMMENTS:
        out.unread(f"Vorbis comments: {count} of them")


def _take(entry: Span, out: Gathering, prefix: str) -> None:
    head = entry.peek(0, LONGEST_KEY)
    key, is_there, _ = head.partition(b"=")
    name = key.decode("ascii", "replace").strip().upper()
    if is_there and (name in _TOLD or any(word in name for word in _WORDS)):
        out.long(f"{prefix}.{name}", entry.rest(len(key) + 1), "utf-8")


def _length(block: Span, offset: int) -> int:
    return int.from_bytes(block.at(offset, 4), "little")


def read_flac(file: Span, out: Gathering) -> None:
    """Read the metadata blocks behind ``fLaC`` (RFC 9639 §8.1).

    Raises:
        DamagedTagError: They cannot be walked to their end.
    """
    offset = 4
    for _ in range(MOST_BLOCKS):
        header = file.at(offset, 4)
        length = int.from_bytes(header[1:], "big")
        block = file.part(offset + 4, length)
        if header[0] & 0x7F == _COMMENT_BLOCK:
            read_comments(block, out)
        offset += 4 + length
        if header[0] & 0x80:
            return
    out.unread(f"FLAC: more than {MOST_BLOCKS} blocks of metadata")


def read_ogg(file: Span, out: Gathering) -> None:
    """Read the comments of every logical stream that begins at the beginning of the file.

    Raises:
        DamagedTagError: The pages, or comments in them, cannot be walked.
    """
    streams = _Streams()
    offset = 0
    for _ in range(MOST_PAGES):
        if offset >= file.size or not streams.is_wanting:
            break
        offset = streams.page(file, offset)
    else:
        out.unread("Ogg: the headers take more pages than are read")
    for first, places in streams.second_packets():
        _read_packet(first, file.joined(places), out)


def _read_packet(first: bytes, packet: Span, out: Gathering) -> None:
    head = packet.peek(0, 8)
    for magic, skipped in _PREFIXES:
        if head.startswith(magic):
            read_comments(packet.rest(skipped), out)
            return
    if first.startswith(b"\x7fFLAC") and head and head[0] & 0x7F == _COMMENT_BLOCK:
        read_comments(packet.rest(4), out)
    elif first.startswith(b"Speex   "):
        read_comments(packet, out)


class _Streams:
    """The first two packets of each logical stream, found page by page."""

    def __init__(self) -> None:
        self._first: dict[int, bytes] = {}
        self._numbers: dict[int, int] = {}
        self._places: dict[int, list[tuple[int, int]]] = {}
        self._is_beginning = True

    @property
    def is_wanting(self) -> bool:
        """Tell whether the second packet of a stream is not yet complete."""
        return self._is_beginning or any(number < 2 for number in self._numbers.values())

    def page(self, file: Span, offset: int) -> int:
        """Take the page at an offset and return the offset of the next one (RFC 3533 §6)."""
        header = file.at(offset, 27)
        if header[:4] != b"OggS":
            raise DamagedTagError(f"Ogg: no page at byte {offset}")
        serial = int.from_bytes(header[14:18], "little")
        lacing = file.at(offset + 27, header[26])
        body = offset + 27 + len(lacing)
        if header[5] & 0x02:
            self._first[serial] = file.peek(body, min(16, sum(lacing)))
            self._numbers.setdefault(serial, 0)
        else:
            self._is_beginning = False
        self._packets(serial, lacing, body)
        return body + sum(lacing)

    def _packets(self, serial: int, lacing: bytes, body: int) -> None:
        place = body
        for value in lacing:
            number = self._numbers.get(serial, 2)
            if number == 1 and value:
                _add(self._places.setdefault(serial, []), place, value)
            place += value
            if value < 255 and number < 2:
                self._numbers[serial] = number + 1

    def second_packets(self) -> list[tuple[bytes, list[tuple[int, int]]]]:
        """Return the beginning of each stream's first packet, and where its second one lies."""
        return [(self._first.get(serial, b""), places) for serial, places in self._places.items()]


def _add(places: list[tuple[int, int]], place: int, length: int) -> None:
    """Add a stretch, in one with the one before where they touch."""
    if places and sum(places[-1]) == place:
        places[-1] = (places[-1][0], places[-1][1] + length)
    else:
        places.append((place, length))
