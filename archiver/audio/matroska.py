"""Matroska and WebM: the simple tags of a segment (RFC 9559, EBML in RFC 8794)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.audio.spans import DamagedTagError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

SEGMENT, CLUSTER, TAGS, TAG, SIMPLE_TAG = 0x18538067, 0x1F43B675, 0x1254C367, 0x7373, 0x67C8
TAG_NAME, TAG_STRING = 0x45A3, 0x4487
MOST_ELEMENTS = 500_000
DEEPEST = 6
_TOLD = ("LICEN", "COPYRIGHT", "RIGHTS", "TERMS", "COMMENT", "DESCRIPTION")


def read_matroska(file: Span, out: Gathering) -> None:
    """Read the tags.

    Raises:
        DamagedTagError: The elements cannot be walked to their end.
    """
    for name, body in _elements(file):
        if name == SEGMENT:
            for inner, content in _elements(body):
                if inner == TAGS:
                    _tags(content, out, depth=0)


def _tags(span: Span, out: Gathering, *, depth: int) -> None:
    if depth > DEEPEST:
        out.unread("Matroska: tags in tags, deeper than is read")
        return
    label, value = "", None
    for name, body in _elements(span):
        if name in {TAG, SIMPLE_TAG}:
            _tags(body, out, depth=depth + 1)
        elif name == TAG_NAME:
            label = body.peek(0, 100).decode("utf-8", "replace").strip("\0 ").upper()
        elif name == TAG_STRING:
            value = body
    if value is not None and any(word in label for word in _TOLD):
        out.long(f"matroska.{label}", value, "utf-8")


def _elements(span: Span) -> Iterator[tuple[int, Span]]:
    offset = 0
    for _ in range(MOST_ELEMENTS):
        if offset >= span.size:
            return
        head = span.peek(offset, 12)
        name_length = 9 - head[0].bit_length()
        size_at = head[name_length:]
        if name_length > 4 or not size_at or not size_at[0]:
            raise DamagedTagError(f"Matroska: no element at byte {offset}")
        size_length = 9 - size_at[0].bit_length()
        if len(size_at) < size_length:
            raise DamagedTagError("Matroska: the file ends inside an element's head")
        size = int.from_bytes(size_at[:size_length], "big") & ((1 << 7 * size_length) - 1)
        body = offset + name_length + size_length
        name = int.from_bytes(head[:name_length], "big")
        if size == (1 << 7 * size_length) - 1:  # a size that nobody knew when it was written
            if name == CLUSTER:
                raise DamagedTagError("Matroska: a cluster of unknown size; tags behind it are not read")
            size = span.size - body
        yield name, span.part(body, max(0, min(size, span.size - body)))
        offset = body + size
    raise DamagedTagError(f"Matroska: more than {MOST_ELEMENTS} elements")
