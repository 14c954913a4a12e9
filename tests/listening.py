"""Recordings for tests, made on the spot: no sound of anybody's."""

from __future__ import annotations

import base64
import io
import math
import struct
import zlib
from typing import Any

import av
import mutagen.flac
import numpy as np


def recording(
    seconds: float = 2.0, *, rate: int = 44_100, channels: int = 2, form: str = "flac", codec: str = "flac", **tags: str
) -> bytes:
    """A chord with a slow tremolo in any container that PyAV writes."""
    count = int(seconds * rate)
    time = np.arange(count) / rate
    wave = sum(np.sin(2 * math.pi * hertz * time) for hertz in (220.0, 277.18, 329.63)) / 3
    samples = (wave * (0.6 + 0.3 * np.sin(2 * math.pi * 0.5 * time)) * 20_000).astype(np.int16)
    return encoded(np.tile(samples, (channels, 1)), rate=rate, form=form, codec=codec, **tags)


def encoded(samples: np.ndarray, *, rate: int = 44_100, form: str = "flac", codec: str = "flac", **tags: str) -> bytes:
    """Samples of 16 bits, one row for each channel, in a container."""
    file = io.BytesIO()
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    with av.open(file, "w", format=form) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(codec, rate=rate)
        stream.codec_context.layout = layout
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout=layout, rate=rate)
        for at in range(0, samples.shape[1], 4096):
            part = np.ascontiguousarray(samples[:, at : at + 4096].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, at
            for turned in resampler.resample(frame):
                container.mux(stream.encode(turned))
        container.mux(stream.encode(None))
    return file.getvalue()


def with_picture(flac: bytes, picture: bytes, mime: str = "image/png", kind: int = 3) -> bytes:
    """A FLAC file with an embedded picture."""
    file = io.BytesIO(flac)
    tagged = mutagen.flac.FLAC(file)
    one = mutagen.flac.Picture()
    one.data, one.mime, one.type = picture, mime, kind
    tagged.add_picture(one)
    file.seek(0)
    tagged.save(file)
    return file.getvalue()


def png(width: int = 4, height: int = 4, *, padding: int = 0) -> bytes:
    """A grey picture, with bytes in a chunk of its own to make it as long as is wanted."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"prVt", bytes(padding)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def comments_of(opus: bytes) -> dict[str, str]:
    """The comments of an Opus file, read by mutagen."""
    import mutagen.oggopus

    return {key: "; ".join(values) for key, values in mutagen.oggopus.OggOpus(io.BytesIO(opus)).tags.items()}


def decoded(content: bytes) -> np.ndarray:
    """Every sample of a file, one row for each channel, as floats."""
    with av.open(io.BytesIO(content)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AR//Z"
)
"""One grey point."""
