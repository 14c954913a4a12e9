"""Decode every frame of a file in one pass, in constant memory, and keep what the pass shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from archiver.audio.metering import LOSSLESS, Meter
from archiver.core.examinations import Levels, Noted, Remark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEMUXERS = (
    "mp3,flac,ogg,wav,w64,aiff,mov,mp4,m4a,aac,shn,wv,ape,tta,caf,au,matroska,webm,asf,ac3,eac3,dts,dsf,iff,amr,mpc,mpc8,"
    "tak,voc,rm"
)
"""Containers that hold one file's own audio. Not `concat`, `hls`, `sdp`: those make the decoder open other files."""
OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
MOST_SECONDS = 48 * 3600
FASTEST = 768_000
"""Hertz, where a file states no rate."""
MOST_CHANNELS = 64
MOST_ERRORS = 10
_PICTURES = frozenset(("png", "mjpeg", "jpeg", "bmp", "gif", "webp", "tiff", "pnm"))
"""Decoders of covers, whose complaints say nothing about the sound."""
_OF_TAGS = ("BOM", "comment frame", "reading frame", "frame UFID", "picture", "attached pic", "Invalid ID3", "id3v2")


@dataclass(slots=True)
class Decoded:
    """What one pass over a file gathers.

    Attributes:
        starts: Seconds at which the stream's own clock begins.
        is_limited: Whether a limit of ours ended the pass.
        is_lossless: Whether every sample was looked at, and not only until one was heard.
    """

    container: str = ""
    codec: str = ""
    rate: int = 0
    channels: int = 0
    bit_depth: int = 0
    bitrate: int = 0
    starts: float = 0.0
    samples: int = 0
    peak: float = 0.0
    packets_sha256: str = ""
    pcm_md5: str = ""
    is_limited: bool = False
    is_lossless: bool = False
    remarks: list[Noted] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def levels(self) -> Levels | None:
        """The peak as far as it was measured, or None where nothing was decoded."""
        return Levels.of_peak(self.peak, is_whole=self.is_lossless) if self.samples else None

    def note(self, code: Remark, detail: object) -> None:
        """Add a remark of the decoder's."""
        self.remarks.append(Noted(code, "pyav", str(detail)[:300]))


class TooMuchError(Exception):
    """A limit of ours was reached."""


@cache
def decoder_version() -> str:
    """Return the versions of PyAV and of the libraries of FFmpeg that it brings along."""
    import av

    versions = ".".join(str(part) for part in av.library_versions.get("libavcodec", ()))
    return f"{av.__version__} with libavcodec {versions}"


def demuxer_of(path: Path) -> str:
    """Return the name of the demuxer that opens a file, or nothing where none does."""
    import av
    import av.logging

    av.logging.set_level(av.logging.PANIC)
    try:
        with av.open(f"file:{path}", options=OPTIONS, metadata_errors="replace") as container:
            return str(container.format.name)
    except (av.FFmpegError, ValueError, OSError, IndexError, UnicodeError):
        return ""


def decode(path: Path, *, bit_depth: int | None, ends: int | None = None, has_digest: bool = False) -> Decoded:
    """Decode the first audio stream of a file with PyAV.

    Args:
        path: The file; no other one is opened.
        bit_depth: Bits of a sample as the headers state them, for the digest of the decoded samples.
        ends: The byte at which sound ends and tags begin, which the decoder is not to take for sound.
        has_digest: The file has a digest of its samples: then checksums of single frames show nothing more.
    """
    import av
    import av.logging

    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else the same message about the next file is swallowed
    seen = Decoded(bit_depth=bit_depth or 0)
    with av.logging.Capture(local=False) as log:
        try:
            _decode(path, seen, ends, checks_frames=not has_digest)
        except TooMuchError as error:
            seen.is_limited = True
            seen.note(Remark.LIMIT, error)
        except (av.FFmpegError, ValueError, OSError, IndexError, UnicodeError) as error:
            _failed(seen, error, path)
    for who, text in _heard(log):
        is_of_tags = any(word in text for word in _OF_TAGS)
        seen.note(Remark.TAGS if is_of_tags else Remark.DECODER_ERROR, f"{who}: {text}")
    seen.remarks = list(dict.fromkeys(seen.remarks))
    return seen


def _heard(log: list[tuple[int, str, str]]) -> list[tuple[str, str]]:
    """Return what the libraries complained about, each once, in order."""
    lines = dict.fromkeys((str(who), str(text).strip()) for _, who, text in log if who not in _PICTURES)
    return list(lines)[:MOST_ERRORS]


def _failed(seen: Decoded, error: Exception, path: Path) -> None:
    """Take down why the pass ended; a path on this machine has no place in a record."""
    code = _code_of(error)
    what = str(error).partition("; last error log")[0].partition(f": 'file:{path}")[0]
    seen.note(code, f"{type(error).__name__}: {what}")


def _decode(path: Path, seen: Decoded, ends: int | None, *, checks_frames: bool) -> None:
    import av

    with av.open(f"file:{path}", options=OPTIONS, metadata_errors="replace") as container:
        seen.container = container.format.name
        seen.tags = {str(key): str(value) for key, value in container.metadata.items()}
        if not container.streams.audio:
            raise ValueError("no audio stream")
        stream = container.streams.audio[0]
        codec = stream.codec_context
        if codec is None:
            raise ValueError("no decoder for this codec")
        codec.thread_count = 1
        if codec.name in LOSSLESS and checks_frames:
            codec.options = {"err_detect": "crccheck"}  # each frame has its own checksum (FLAC: RFC 9639 §9.3)
        seen.codec, seen.rate, seen.channels = codec.name, max(0, codec.sample_rate), max(0, codec.channels)
        seen.bitrate = container.bit_rate or 0
        seen.starts = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
        if seen.channels > MOST_CHANNELS:
            raise TooMuchError(f"channels: expected at most {MOST_CHANNELS}, actual {seen.channels}")
        meter = Meter(codec=seen.codec, bit_depth=seen.bit_depth)
        try:
            _all_frames(_packets(container, stream, ends), seen, meter)
        finally:
            meter.finish()
            seen.peak, seen.pcm_md5, seen.is_lossless = meter.peak, meter.digest(), meter.is_exact
            if meter.changes:
                seen.note(Remark.STRUCTURE, f"rate, channels or sample format change {meter.changes} times")


def _packets(container: Any, stream: Any, ends: int | None) -> Iterator[Any]:
    for packet in container.demux(stream):
        if not packet.size and packet.pts is not None:
            continue  # an empty packet within a stream is legal and says nothing (Vorbis I §4.3)
        if ends is None or packet.pos is None or packet.pos < ends or not packet.size:
            yield packet


def _all_frames(packets: Iterator[Any], seen: Decoded, meter: Meter) -> None:
    import av

    digest, errors = hashlib.sha256(), 0
    numbers = _FrameNumbers(seen) if seen.container == "flac" else None
    try:
        for packet in packets:
            if packet.size:
                digest.update(packet)
            if numbers is not None:
                numbers.take(packet)
            try:
                for frame in packet.decode():
                    seen.samples += frame.samples
                    meter.take(frame)
            except av.FFmpegError as error:
                errors += 1
                _failed_packet(seen, error, is_told=errors <= MOST_ERRORS)
            if seen.samples > MOST_SECONDS * (seen.rate or FASTEST):
                raise TooMuchError(f"duration: expected at most {MOST_SECONDS} seconds")
    finally:
        seen.packets_sha256 = digest.hexdigest()


class _FrameNumbers:
    """Each frame of FLAC carries its own number: a gap is a frame that is not there."""

    def __init__(self, seen: Decoded) -> None:
        self._seen = seen
        self._next: int | None = None
        self._gaps = 0

    def take(self, packet: Any) -> None:
        """Compare the number of one frame with where the one before it ends."""
        if packet.pts is None:
            return
        if self._next not in {None, packet.pts}:
            self._gaps += 1
            if self._gaps <= MOST_ERRORS:
                self._seen.note(Remark.STRUCTURE, f"frames: expected the one at {self._next}, actual {packet.pts}")
        self._next = packet.pts + packet.duration if packet.duration else None


def _failed_packet(seen: Decoded, error: Exception, *, is_told: bool) -> None:
    if is_told:
        seen.note(_code_of(error), f"{type(error).__name__}: {str(error).partition(';')[0]}")


def _code_of(error: Exception) -> Remark:
    """Tell a gap in the library from damage.

    Raises:
        MemoryError: The library had no memory left, which is a limit of ours and says nothing about the file.
    """
    import av

    if isinstance(error, av.error.MemoryError):
        raise MemoryError(str(error)) from error  # noqa: TRY004 - memory is no type
    return Remark.UNSUPPORTED if isinstance(error, av.error.PatchWelcomeError) else Remark.DECODER_ERROR
