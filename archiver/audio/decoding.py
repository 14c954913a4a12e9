"""Decode every frame of a file in one pass, in constant memory, and keep what the pass shows."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archiver.core.examinations import Levels, Noted, Remark

if TYPE_CHECKING:
    from pathlib import Path

DEMUXERS = "mp3,flac,ogg,wav,w64,aiff,mov,mp4,m4a,aac,shn,wv,ape,tta"
"""Containers that hold one file's own audio. Not `concat`, `hls`, `sdp`: those make the decoder open other files."""
LOSSLESS = {"flac", "alac", "wavpack", "shorten", "ape", "tta"}
MOST_SECONDS = 48 * 3600
MOST_CHANNELS = 64
MOST_ERRORS = 10


@dataclass(slots=True)
class Decoded:
    """What one pass over a file gathers."""

    container: str = ""
    codec: str = ""
    rate: int = 0
    channels: int = 0
    bitrate: int = 0
    samples: int = 0
    peak: float = 0.0
    packets_sha256: str = ""
    pcm_md5: str = ""
    remarks: list[Noted] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def levels(self) -> Levels | None:
        """The peak, or None where nothing was decoded."""
        if not self.samples:
            return None
        peak = round(20 * math.log10(self.peak), 2) if self.peak > 0 else None
        return Levels(peak, is_silent=self.peak < 10 ** (-60 / 20))


class TooMuchError(Exception):
    """A limit of ours was reached."""


def decode(path: Path, *, bit_depth: int | None) -> Decoded:
    """Decode the first audio stream of a file with PyAV.

    Args:
        path: The file; no other one is opened.
        bit_depth: Bits of a sample as the headers state them, for the digest of the decoded samples.
    """
    import av
    import av.logging

    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else the same message about the next file is swallowed
    seen = Decoded()
    with av.logging.Capture(local=False) as log:
        try:
            _decode(path, seen, bit_depth)
        except TooMuchError as error:
            seen.remarks.append(Noted(Remark.LIMIT, "pyav", str(error)))
        except (av.FFmpegError, ValueError, OSError, IndexError, UnicodeError) as error:
            seen.remarks.append(Noted(Remark.DECODER_ERROR, "pyav", f"{type(error).__name__}: {error}"[:300]))
    seen.remarks += [
        Noted(Remark.DECODER_ERROR, "pyav", f"{who}: {text.strip()}"[:300]) for _, who, text in log[:MOST_ERRORS]
    ]
    return seen


def _decode(path: Path, seen: Decoded, bit_depth: int | None) -> None:
    import av

    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
        seen.container = container.format.name
        seen.tags = {str(key): str(value) for key, value in container.metadata.items()}
        if not container.streams.audio:
            raise ValueError("no audio stream")
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        seen.codec = stream.codec_context.name
        seen.rate, seen.channels = stream.codec_context.sample_rate, stream.codec_context.channels
        seen.bitrate = container.bit_rate
        if seen.channels > MOST_CHANNELS:
            raise TooMuchError(f"channels: expected at most {MOST_CHANNELS}, actual {seen.channels}")
        _all_frames(container, stream, seen, _Meter(seen, bit_depth))


def _all_frames(container: Any, stream: Any, seen: Decoded, meter: _Meter) -> None:
    import av

    packets, errors = hashlib.sha256(), 0
    for packet in container.demux(stream):
        if packet.size:
            packets.update(packet)
        try:
            for frame in packet.decode():
                meter.took(frame)
        except av.FFmpegError as error:
            errors += 1
            if errors <= MOST_ERRORS:
                seen.remarks.append(Noted(Remark.DECODER_ERROR, "pyav", f"{type(error).__name__}: {error}"[:300]))
    seen.packets_sha256 = packets.hexdigest()
    seen.pcm_md5 = meter.digest()


class _Meter:
    """Counts, digests and measures frames as they pass."""

    def __init__(self, seen: Decoded, bit_depth: int | None) -> None:
        self.seen = seen
        self.bit_depth = bit_depth
        self.is_exact = seen.codec in LOSSLESS or seen.codec.startswith("pcm_")
        self.md5 = hashlib.md5(usedforsecurity=False)

    def took(self, frame: Any) -> None:
        """Take one frame."""
        import numpy as np

        self.seen.samples += frame.samples
        if self.seen.samples > MOST_SECONDS * (frame.sample_rate or 1):
            raise TooMuchError(f"duration: expected at most {MOST_SECONDS} seconds")
        samples = frame.to_ndarray()
        if frame.format.is_planar:
            samples = samples.T
        flat = np.ascontiguousarray(samples).reshape(-1)
        if self.is_exact and flat.dtype.kind in "iu":
            self.md5.update(self._as_integers(flat))
        self._measure(flat)

    def _as_integers(self, flat: Any) -> Any:
        """Samples as FLAC digests them: signed, little-endian, in whole bytes (RFC 9639 §8.2)."""
        import numpy as np

        if flat.dtype == np.int32 and self.bit_depth and 16 < self.bit_depth <= 24:
            return flat.astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
        return flat.tobytes()

    def _measure(self, flat: Any) -> None:
        import numpy as np

        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        if flat.dtype == np.uint8:
            peak = max(abs(low - 128), abs(high - 128)) / 128
        else:
            scale = float(np.iinfo(flat.dtype).max) if flat.dtype.kind == "i" else 1.0
            peak = max(-low, high) / scale
        if math.isfinite(peak):
            self.seen.peak = max(self.seen.peak, peak)

    def digest(self) -> str:
        """Return the digest of the samples, or nothing where they are not exact."""
        return self.md5.hexdigest() if self.is_exact and self.seen.samples else ""
