"""Where tags end at the head of a file and begin at its tail: what stands between them is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

MOST_TAGS = 8
LYRICS_1 = 5100
"""Bytes at most of a Lyrics3 tag of the first version."""


def behind_id3(data: mmap.mmap) -> int:
    """Return where the ID3v2 tags at the head end, or 0 (ID3v2.4 §3.1: sizes are synchsafe; some files have several)."""
    at = 0
    for _ in range(MOST_TAGS):
        head = data[at : at + 10]
        if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
            break
        at += 10 + _synchsafe(head[6:10]) + (10 if head[5] & 0x10 else 0)
    return at


def audio_ends(data: mmap.mmap, first: int) -> int:
    """Return where the tags at the tail begin, and the zeros before them that some writers leave.

    ID3v1 with its extension, APEv1 and APEv2, Lyrics3 of both versions, ID3v2 with a footer; in any order.
    """
    end = len(data)
    for _ in range(MOST_TAGS):
        begins = _one_tag(data, end)
        if begins >= end or begins < first:
            break
        end = begins
    return _behind_zeros(data, first, end)


def _one_tag(data: mmap.mmap, end: int) -> int:  # noqa: PLR0911 - one line for each kind of tag
    """Return where the tag begins that ends at a place; that place itself where there is none."""
    if data[end - 128 : end - 125] == b"TAG":
        return end - 128
    if data[end - 227 : end - 223] == b"TAG+":
        return end - 227
    footer = data[max(0, end - 32) : end]
    if footer[:8] == b"APETAGEX" and len(footer) == 32:
        return end - int.from_bytes(footer[12:16], "little") - (32 if footer[23] & 0x80 else 0)
    if data[end - 9 : end] == b"LYRICS200" and data[end - 15 : end - 9].isdigit():
        return end - int(data[end - 15 : end - 9]) - 15
    if data[end - 9 : end] == b"LYRICSEND":
        found = data.rfind(b"LYRICSBEGIN", max(0, end - LYRICS_1 - 20), end)
        return found if found >= 0 else end
    foot = data[max(0, end - 10) : end]
    if foot[:3] == b"3DI" and len(foot) == 10:
        return end - _synchsafe(foot[6:10]) - 20
    return end


def _behind_zeros(data: mmap.mmap, first: int, end: int) -> int:
    while end > first:
        block = data[max(first, end - 65536) : end]
        kept = len(block.rstrip(b"\0"))
        if kept:
            # A frame may itself end with zeros: only a long run is padding.
            run = len(block) - kept
            return end - run if run >= 512 else end
        end -= len(block)
    return end


def _synchsafe(four: bytes) -> int:
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]
