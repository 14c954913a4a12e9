"""The front cover embedded in a file: handed on bit for bit when it is a picture of a safe kind and size, else not at all."""

from __future__ import annotations

import base64
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver.core.derivatives import Because

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 5_000_000
MOST_PIXELS = 8000
"""On a side."""
FRONT = 3
"""The picture type of a front cover (ID3v2.4 §4.14, RFC 9639 §8.8)."""
MOST_PICTURES = 100
MOST_MEMORY = 200 << 20
"""Bytes for reading tags: forty pictures of the largest kind."""


class NoCoverError(Exception):
    """There is no cover to hand on; `reason` says why."""

    def __init__(self, reason: Because, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def cover_of(path: Path) -> tuple[bytes, str]:
    """Return the cover and the suffix of its kind.

    Raises:
        NoCoverError: There is none, or it is not one to hand on.
    """
    pictures = list(_pictures(path))
    if not pictures:
        raise NoCoverError(Because.NO_COVER)
    content = max(pictures, key=lambda one: one[0] == FRONT)[1]
    if len(content) > LARGEST:
        raise NoCoverError(Because.COVER_SIZE, f"bytes: expected at most {LARGEST}, actual {len(content)}")
    suffix, width, height = _looked_at(content)
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise NoCoverError(Because.COVER_SIZE, f"pixels: expected 1 to {MOST_PIXELS} a side, actual {width} x {height}")
    return content, suffix


def _pictures(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each embedded picture, at most so many."""
    import mutagen

    try:
        with _little_memory():
            file = mutagen.File(path)
            found = list(_embedded(file))[:MOST_PICTURES] if file is not None else []
    except MemoryError as error:
        raise NoCoverError(Because.COVER_SIZE, f"tags: expected at most {MOST_MEMORY} bytes of them") from error
    except Exception:  # noqa: BLE001 - IndexError and others besides its own, over hostile bytes
        return
    yield from found


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let the tag reader, which loads whole tags, have little more memory than the process has now.

    In a process that makes derivatives and nothing else: the limit holds for all of it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        now = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except OSError:
        yield  # not Linux: the limit of the whole process has to do
        return
    limit = now + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit if soft == resource.RLIM_INFINITY else min(limit, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _embedded(file: Any) -> Iterator[tuple[int, bytes]]:
    for picture in getattr(file, "pictures", None) or ():
        yield int(picture.type), bytes(picture.data)
    tags = file.tags
    if tags is None:
        return
    if hasattr(tags, "getall"):
        for frame in tags.getall("APIC"):
            yield int(frame.type), bytes(frame.data)
        return
    for block in _values(tags, "metadata_block_picture"):
        from mutagen.flac import Picture

        picture = Picture(base64.b64decode(block))  # type: ignore[no-untyped-call]
        yield int(picture.type), bytes(picture.data)
    for image in _values(tags, "covr"):
        yield FRONT, bytes(image)


def _values(tags: Any, name: str) -> Any:
    try:
        return tags.get(name) or ()
    except (ValueError, KeyError, TypeError):
        return ()


def _looked_at(content: bytes) -> tuple[str, int, int]:
    """Return suffix, width and height as the picture's own header has them.

    Raises:
        NoCoverError: It is none of the kinds that are handed on; an SVG, which can run scripts, is none.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return ".png", int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg", *_jpeg_size(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp", *_webp_size(content)
    raise NoCoverError(Because.COVER_KIND, f"expected JPEG, PNG or WebP, actual bytes {content[:12]!r}")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Walk the markers to the frame header (ITU-T T.81 §B.2.2)."""
    at = 2
    for _ in range(1000):
        if at + 9 > len(content) or content[at] != 0xFF:
            break
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + length
    raise NoCoverError(Because.COVER_KIND, "a JPEG without a frame header")


def _webp_size(content: bytes) -> tuple[int, int]:
    head = content[12:16]
    if head == b"VP8X" and len(content) >= 30:
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if head == b"VP8L" and len(content) >= 25 and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head == b"VP8 " and len(content) >= 30 and content[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
    raise NoCoverError(Because.COVER_KIND, "a WebP without a frame header")
