"""Make derivatives of one file: one pass of decoding feeds everything that was ordered."""

from __future__ import annotations

import importlib.metadata
import json
from typing import TYPE_CHECKING, Any, Protocol

from archiver.audio.covers import NoCoverError, cover_of
from archiver.audio.decoding import TooMuchError
from archiver.audio.loudness import LoudnessMeter
from archiver.audio.opus import RATE, OpusWriter
from archiver.audio.previews import Preview
from archiver.audio.sounding import Blocks, Sound
from archiver.audio.spectrogram import Spectrogram
from archiver.audio.waveform import Waveform, outline_svg, peaks_json
from archiver.core.derivatives import Because, Kind
from archiver.core.error_pages import is_error_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Facts = dict[str, Any]
Answer = dict[str, Any]
Tags = tuple[tuple[str, str], ...]


class _Listener(Protocol):
    """Hears every frame once, in order, then writes what it made of them."""

    def took(self, frame: Any) -> None: ...
    def finish(self, into: Path) -> Iterator[tuple[str, Facts]]: ...


def derive(path: Path, *, kinds: tuple[Kind, ...], tags: Tags, into: Path) -> dict[str, Any]:
    """Make what is ordered of a file and return JSON values: what was made, what was not, by which tools.

    Args:
        path: Absolute.
        kinds: What to make.
        tags: For what can be played.
        into: An empty directory; products are named by kind and suffix.
    """
    sound_kinds = tuple(kind for kind in kinds if kind is not Kind.COVER)
    made, unmade = _cover(path, into) if Kind.COVER in kinds else ([], [])
    if sound_kinds:
        heard, unheard = _of_sound(path, sound_kinds, tags, into)
        made, unmade = made + heard, unmade + unheard
    names = {
        "av",
        "numpy",
        *(("pydub",) if Kind.PREVIEW in kinds else ()),
        *(("mutagen",) if Kind.COVER in kinds else ()),
    }
    tools = {name: importlib.metadata.version(name) for name in sorted(names)}
    return {"made": made, "unmade": unmade, "tools": tools}


def _cover(path: Path, into: Path) -> tuple[list[Answer], list[Answer]]:
    try:
        content, suffix = cover_of(path)
    except NoCoverError as error:
        return [], _unmade((Kind.COVER,), error.reason, error.detail)
    (into / f"{Kind.COVER}{suffix}").write_bytes(content)
    return [{"kind": Kind.COVER, "suffix": suffix, "facts": {}}], []


def _of_sound(path: Path, kinds: tuple[Kind, ...], tags: Tags, into: Path) -> tuple[list[Answer], list[Answer]]:
    sound = Sound(path)
    listeners: dict[Kind, _Listener] = {}
    deaf: list[Answer] = []
    try:
        for frame in sound.frames():
            if not listeners and not deaf:  # now the headers are read
                listeners = {kind: _LISTENERS[kind](sound, into, tags) for kind in kinds}
            deaf += _told(frame, listeners)
    except TooMuchError as error:
        return [], _unmade(kinds, Because.LIMIT, str(error))
    if not sound.samples:
        with path.open("rb") as file:
            is_page = is_error_page("", content_type="", head=file.read(512))
        reason = Because.WEB_PAGE if is_page else Because.NO_AUDIO
        return [], _unmade(kinds, reason, "no decoder made a sample of it")
    made, unmade = _finished(listeners, sound, into)
    return made, [*deaf, *unmade]


def _told(frame: Any, listeners: dict[Kind, _Listener]) -> list[Answer]:
    """Let everybody hear a frame; who cannot is let go, and the others hear on."""
    import av

    deaf: list[Answer] = []
    for kind, listener in tuple(listeners.items()):
        try:
            listener.took(frame)
        except (av.FFmpegError, ValueError) as error:
            del listeners[kind]
            deaf += _unmade((kind,), Because.UNSUPPORTED, f"{type(error).__name__}: {error}")
    return deaf


def _finished(listeners: dict[Kind, _Listener], sound: Sound, into: Path) -> tuple[list[Answer], list[Answer]]:
    heard: Facts = {"decoder": sound.decoder, **({"errors": sound.errors} if sound.errors else {})}
    made: list[Answer] = []
    unmade: list[Answer] = []
    for kind, listener in listeners.items():
        try:
            for suffix, facts in listener.finish(into):
                made.append({"kind": kind, "suffix": suffix, "facts": {**heard, **facts}})
        except ValueError as error:
            unmade += _unmade((kind,), Because.NOT_PROVEN, str(error))
    return made, unmade


def _unmade(kinds: tuple[Kind, ...], reason: Because, detail: str) -> list[Answer]:
    return [{"kind": kind, "reason": reason, "detail": detail[:300]} for kind in kinds]


class _Opus:
    def __init__(self, sound: Sound, into: Path, tags: Tags) -> None:
        self._writer = OpusWriter(into / f"{Kind.OPUS}.opus", channels=sound.channels, tags=tags)

    def took(self, frame: Any) -> None:
        self._writer.took(frame)

    def finish(self, into: Path) -> Iterator[tuple[str, Facts]]:  # noqa: ARG002 - a listener's signature
        self._writer.finish()
        yield ".opus", {"seconds": round(self._writer.samples / RATE, 6)}


class _Waveform:
    def __init__(self, sound: Sound, into: Path, tags: Tags) -> None:  # noqa: ARG002 - a listener's signature
        self._rate = sound.rate
        self._blocks, self._wave = Blocks(), Waveform()

    def took(self, frame: Any) -> None:
        for block in self._blocks.took(frame):
            self._wave.took(block)

    def finish(self, into: Path) -> Iterator[tuple[str, Facts]]:
        self.took(None)
        for suffix, content in ((".json", peaks_json(self._wave, rate=self._rate)), (".svg", outline_svg(self._wave))):
            (into / f"{Kind.WAVEFORM}{suffix}").write_bytes(content)
            yield suffix, {}


class _Spectrogram:
    def __init__(self, sound: Sound, into: Path, tags: Tags) -> None:  # noqa: ARG002 - a listener's signature
        self._blocks, self._picture = Blocks(), Spectrogram()
        self._top = sound.rate / 2

    def took(self, frame: Any) -> None:
        for block in self._blocks.took(frame):
            self._picture.took(block)

    def finish(self, into: Path) -> Iterator[tuple[str, Facts]]:
        self.took(None)
        (into / f"{Kind.SPECTROGRAM}.png").write_bytes(self._picture.png())
        yield ".png", {"top_hertz": self._top}


class _Preview:
    def __init__(self, sound: Sound, into: Path, tags: Tags) -> None:  # noqa: ARG002 - a listener's signature
        self._tags = tags
        self._preview = Preview(sound.declared)

    def took(self, frame: Any) -> None:
        self._preview.took(frame)

    def finish(self, into: Path) -> Iterator[tuple[str, Facts]]:
        self.took(None)
        yield ".opus", self._preview.write(into / f"{Kind.PREVIEW}.opus", tags=self._tags)


class _Loudness:
    def __init__(self, sound: Sound, into: Path, tags: Tags) -> None:  # noqa: ARG002 - a listener's signature
        self._sound = sound
        self._meter = LoudnessMeter()

    def took(self, frame: Any) -> None:
        self._meter.took(frame)

    def finish(self, into: Path) -> Iterator[tuple[str, Facts]]:
        self.took(None)
        record = self._meter.found().to_json()
        (into / f"{Kind.LOUDNESS}.json").write_text(json.dumps(record, sort_keys=True) + "\n")
        yield ".json", {"loudness": record}


_LISTENERS: dict[Kind, Callable[[Sound, Path, Tags], _Listener]] = {
    Kind.OPUS: _Opus,
    Kind.WAVEFORM: _Waveform,
    Kind.SPECTROGRAM: _Spectrogram,
    Kind.PREVIEW: _Preview,
    Kind.LOUDNESS: _Loudness,
}
