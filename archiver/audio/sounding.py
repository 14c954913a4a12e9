"""The sound of a file, frame by frame, in constant memory: what every derivative is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.audio.decoding import MOST_CHANNELS, MOST_SECONDS, OPTIONS, TooMuchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 15
"""Samples of one channel that are handed on at once."""
MOST_ERRORS = 10_000
"""Packets that cannot be decoded before a file is given up."""


class Sound:
    """One file's first audio stream.

    Attributes:
        rate: In hertz, as the headers say; 0 where nothing could be opened.
        channels: As the headers say.
        declared: Seconds that the headers promise, or None.
        samples: Of one channel, decoded so far.
        errors: Packets that could not be decoded.
        decoder: Which library decodes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rate = 0
        self.channels = 0
        self.declared: float | None = None
        self.samples = 0
        self.errors = 0
        self.decoder = "pyav"

    def frames(self) -> Iterator[Any]:
        """Yield every frame that can be decoded, without time stamps; by libsndfile where PyAV makes none of the file.

        Raises:
            TooMuchError: A limit of ours was reached.
        """
        for frame in self._by_pyav():
            yield self._counted(frame)
        if not self.samples:
            self.decoder = "libsndfile"
            for frame in self._by_libsndfile():
                yield self._counted(frame)

    def _counted(self, frame: Any) -> Any:
        self.samples += frame.samples
        if self.samples > MOST_SECONDS * (frame.sample_rate or 1):
            raise TooMuchError(f"duration: expected at most {MOST_SECONDS} seconds")
        frame.pts = None  # a damaged file's time stamps jump; what is decoded follows one another
        return frame

    def _by_pyav(self) -> Iterator[Any]:
        import av

        try:
            container = av.open(f"file:{self.path}", options=OPTIONS, metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError, UnicodeError):
            return
        with container:
            if not container.streams.audio:
                return
            stream = container.streams.audio[0]
            stream.codec_context.thread_count = 1
            self.rate, self.channels = stream.codec_context.sample_rate, stream.codec_context.channels
            self.declared = container.duration / av.time_base if container.duration and container.duration > 0 else None
            if self.channels > MOST_CHANNELS:
                raise TooMuchError(f"channels: expected at most {MOST_CHANNELS}, actual {self.channels}")
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    return
                except (av.FFmpegError, ValueError, OSError):
                    self.errors += 1
                    return
                yield from self._decoded(packet)

    def _decoded(self, packet: Any) -> list[Any]:
        import av

        try:
            decoded: list[Any] = packet.decode()
        except (av.FFmpegError, ValueError):
            self.errors += 1
            if self.errors > MOST_ERRORS:
                raise TooMuchError(f"errors: expected at most {MOST_ERRORS} packets that cannot be decoded") from None
            return []
        return decoded

    def _by_libsndfile(self) -> Iterator[Any]:
        import av
        import numpy as np
        import soundfile

        try:
            with soundfile.SoundFile(str(self.path)) as file:
                self.rate, self.channels = file.samplerate, file.channels
                layout = {1: "mono", 2: "stereo"}.get(file.channels)
                if layout is None:
                    return
                self.declared = file.frames / file.samplerate if file.frames > 0 else None
                for block in file.blocks(blocksize=4096, dtype="int16", always_2d=True):
                    packed = np.ascontiguousarray(block).reshape(1, -1)
                    frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
                    frame.sample_rate = file.samplerate
                    yield frame
        except (RuntimeError, OSError, ValueError, TypeError, MemoryError):
            self.errors += 1


class Converter:
    """Turns frames of whatever form into frames of one form; what the file changes on the way changes nothing."""

    def __init__(self, *, form: str, layout: str = "", rate: int = 0) -> None:
        self._form = form
        self._layout = layout
        self._rate = rate
        self._key: tuple[Any, ...] = ()
        self._resampler: Any = None

    def turned(self, frame: Any) -> Iterator[Any]:
        """Yield what a frame becomes; with None, what is still inside."""
        import av

        if frame is None:
            if self._resampler is not None:
                yield from self._resampler.resample(None)
                self._resampler = None
            return
        key = (frame.format.name, frame.layout.name, frame.sample_rate)
        if key != self._key:
            yield from self.turned(None)
            self._key = key
            layout, rate = self._layout or frame.layout.name, self._rate or frame.sample_rate
            self._resampler = av.AudioResampler(format=self._form, layout=layout, rate=rate)
        yield from self._resampler.resample(frame)


class Blocks:
    """Samples as arrays of 16 bits, one row for each channel, in large blocks: the same cost for frames of any size."""

    def __init__(self) -> None:
        self._converter = Converter(form="s16")  # packed: PyAV reads beyond the eighth plane of a planar frame
        self._waiting: list[NDArray[np.int16]] = []
        self._count = 0

    def took(self, frame: Any) -> Iterator[NDArray[np.int16]]:
        """Take a frame (None at the end) and yield the blocks that are full, and at the end the rest."""
        for turned in self._converter.turned(frame):
            samples = turned.to_ndarray().reshape(-1, turned.layout.nb_channels).T
            if self._waiting and samples.shape[0] != self._waiting[0].shape[0]:
                yield self._emptied()
            self._waiting.append(samples)
            self._count += samples.shape[1]
            if self._count >= BLOCK:
                yield self._emptied()
        if frame is None and self._waiting:
            yield self._emptied()

    def _emptied(self) -> NDArray[np.int16]:
        import numpy as np

        block: NDArray[np.int16] = np.concatenate(self._waiting, axis=1)
        self._waiting, self._count = [], 0
        return block
