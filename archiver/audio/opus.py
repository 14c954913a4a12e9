"""Ogg Opus (RFC 7845) by libopus, the same bytes for the same samples: fixed serial number, no time, no encoder's version."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archiver.audio.sounding import Converter
from archiver.audio.structure import walk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RATE = 48_000
BITRATE = 75_000
_LAST_PAGES = 1 << 17


class OpusWriter:
    """Encodes what it takes, in constant memory.

    Args:
        path: A new file.
        channels: Of what is encoded; more than two become two.
        tags: Name and value of each comment, in order.
    """

    def __init__(self, path: Path, *, channels: int, tags: Iterable[tuple[str, str]]) -> None:
        import av
        from av.codec.context import Flags

        layout = "mono" if channels == 1 else "stereo"
        self.path = path
        self.samples = 0
        self._converter = Converter(form="s16", layout=layout, rate=RATE)
        self._container = av.open(f"file:{path}", "w", format="ogg", options={"fflags": "+bitexact"})
        stream = self._container.add_stream("libopus", rate=RATE, options={"vbr": "constrained"})
        context = stream.codec_context
        context.layout = layout
        context.bit_rate = BITRATE
        context.format = "s16"
        context.flags |= Flags.bitexact
        context.thread_count = 1
        self._stream: Any = stream
        for name, value in tags:
            self._container.metadata[name] = value

    def took(self, frame: Any) -> None:
        """Encode a frame."""
        for turned in self._converter.turned(frame):
            turned.pts, turned.time_base = self.samples, Fraction(1, RATE)
            self.samples += turned.samples
            self._container.mux(self._stream.encode(turned))

    def finish(self) -> None:
        """Encode what is still inside and close the file.

        Raises:
            ValueError: The file is not what was encoded: a page is broken, or it has another length.
        """
        self.took(None)
        self._container.mux(self._stream.encode(None))
        self._container.close()
        for remark in walk(self.path, demuxer=lambda: "ogg").remarks:
            raise ValueError(f"Ogg: {remark.detail}")
        length = length_of(self.path)
        if length != self.samples:
            raise ValueError(f"samples: expected {self.samples}, actual {length}")

    def abandon(self) -> None:
        """Close the file as it is."""
        self._container.close()


def length_of(path: Path) -> int:
    """Return the samples that an Ogg Opus file of ours plays: the last page's position without the pre-skip."""
    with path.open("rb") as file:
        pre_skip = int.from_bytes(file.read(28 + 12)[28 + 10 : 28 + 12], "little")
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _LAST_PAGES))
        tail = file.read()
    at = tail.rfind(b"OggS\0")
    return int.from_bytes(tail[at + 6 : at + 14], "little") - pre_skip if at >= 0 else 0
