"""What examining one file found out: what it is, what each tool said of it, and how far it plays.

A verdict is an answer about the bytes and never a reason to drop them: a file that nobody can decode today is kept as it
was published.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How far a file plays, from best to worst."""

    VALID = "valid"
    WARNING = "warning"
    """It plays, and something about it is not as its format or its name says."""
    DAMAGED = "damaged"
    """A part of it is missing or cannot be decoded."""
    UNDECODABLE = "undecodable"
    """Two decoders made no sound of it, or decoding broke a limit."""


class Remark(StrEnum):
    """Stable codes of what can be wrong with a file; `docs/examination.md` has a line for each."""

    EMPTY = "AUDIO_EMPTY"
    NOT_DECODED = "AUDIO_NOT_DECODED"
    DECODER_ERROR = "AUDIO_DECODER_ERROR"
    REFUSED_BY_ONE = "AUDIO_REFUSED_BY_ONE_DECODER"
    LENGTH = "AUDIO_LENGTH_DIFFERS"
    PCM_DIGEST = "AUDIO_PCM_DIGEST_DIFFERS"
    PCM_DIGEST_UNSET = "AUDIO_PCM_DIGEST_UNSET"
    STRUCTURE = "AUDIO_STRUCTURE_BROKEN"
    TRUNCATED = "AUDIO_TRUNCATED"
    JUNK = "AUDIO_FOREIGN_BYTES"
    STALE_HEADER = "AUDIO_HEADER_STALE"
    EXTENSION = "AUDIO_EXTENSION_DIFFERS"
    NOT_AUDIO = "AUDIO_IS_SOMETHING_ELSE"
    UNSUPPORTED = "AUDIO_NOT_ALL_SUPPORTED"
    TAGS = "AUDIO_TAGS_DAMAGED"
    SHORTER = "AUDIO_SHORTER_THAN_DECLARED"
    LONGER = "AUDIO_LONGER_THAN_DECLARED"
    LIMIT = "AUDIO_LIMIT_EXCEEDED"
    WORKER_DIED = "AUDIO_EXAMINER_DIED"
    UNREADABLE = "AUDIO_UNREADABLE"


WARNINGS = frozenset(
    (
        Remark.REFUSED_BY_ONE,
        Remark.PCM_DIGEST_UNSET,
        Remark.JUNK,
        Remark.STALE_HEADER,
        Remark.EXTENSION,
        Remark.UNSUPPORTED,
        Remark.TAGS,
        Remark.LONGER,
    )
)
"""Remarks about files that play: encoders and taggers of good faith leave these."""
HOPELESS = frozenset((Remark.EMPTY, Remark.NOT_DECODED, Remark.LIMIT, Remark.WORKER_DIED, Remark.UNREADABLE))
"""Remarks that leave nothing to listen to."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One remark about a file, with the tool that made it and what it saw."""

    code: Remark
    tool: str
    detail: str


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What one tool, in one version, made of a file."""

    tool: str
    version: str
    outcome: str

    @property
    def agent(self) -> str:
        """The tool as PREMIS names an agent."""
        return f"{self.tool} {self.version}"

    @property
    def identifies(self) -> bool:
        """Whether the tool only says what a format is."""
        return self.tool == "pygfried"

    @property
    def is_content(self) -> bool:
        """Whether the tool had nothing to remark."""
        return not self.outcome.startswith(("refused", "remarks", "not identified", "decoded with errors"))


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is. Texts are empty and numbers None where no tool could say.

    Attributes:
        puid: PRONOM identifier.
        name: PRONOM's name of the format.
        container: The demuxer that opened it.
        codec: The decoder.
        sample_rate: In hertz.
        channels: Of the first audio stream.
        bit_depth: Bits of a sample, for lossless formats.
        bitrate: In bits per second.
        bitrate_mode: ``CBR``, ``VBR`` or ``ABR``.
        encoder: As the file names it.
        samples: Decoded samples of one channel.
        seconds: Decoded duration.
    """

    puid: str = ""
    name: str = ""
    container: str = ""
    codec: str = ""
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    bitrate: int | None = None
    bitrate_mode: str = ""
    encoder: str = ""
    samples: int | None = None
    seconds: float | None = None


SILENCE = 10 ** (-60 / 20)
"""The peak below which nothing is to be heard: -60 dBFS."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How loud the decoded samples are.

    Attributes:
        peak_dbfs: Their peak; None for digital silence, and for lossy sound that is not silent: measuring all of that is what
            loudness is for.
        is_silent: Nothing is to be heard.
    """

    peak_dbfs: float | None
    is_silent: bool

    @classmethod
    def of_peak(cls, peak: float, *, is_whole: bool) -> Levels:
        """Return the levels of samples whose greatest one is ``peak``, of 1.

        Args:
            peak: As far as was listened.
            is_whole: Whether all of it was listened to; where not, a peak that is to be heard may not be the greatest.
        """
        is_silent = peak < SILENCE
        is_known = peak > 0 and (is_whole or is_silent)
        return cls(round(20 * math.log10(peak), 2) if is_known else None, is_silent=is_silent)


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture in a file's tags: what kind it says it is, its bytes and their SHA-256 in lower-case hexadecimal."""

    mime: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Description:
    """What tags say of a recording, under one name whatever the container calls it. Claims, not facts.

    Attributes:
        fields: Name and value: ``title``, ``artist``, ``album``, ``album_artist``, ``composer``, ``date``, ``track``, ``disc``,
            ``genre``, ``copyright``, ``publisher``, ``comment``.
        isrc: Codes of the recording (ISO 3901), as they stand.
        musicbrainz: MusicBrainz identifiers by kind, such as ``recording`` or ``release``.
        licence: What is said of a licence, as it stands; the licence gate reads the file itself and not this.
        covers: Pictures.
    """

    fields: tuple[tuple[str, str], ...] = ()
    isrc: tuple[str, ...] = ()
    musicbrainz: tuple[tuple[str, str], ...] = ()
    licence: tuple[str, ...] = ()
    covers: tuple[Cover, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "fields": dict(self.fields),
            "isrc": list(self.isrc),
            "musicbrainz": dict(self.musicbrainz),
            "licence": list(self.licence),
            "covers": [asdict(cover) for cover in self.covers],
        }


def parse_description(record: dict[str, Any]) -> Description:
    """Read what `Description.to_json` wrote."""
    return Description(
        fields=tuple(record["fields"].items()),
        isrc=tuple(record["isrc"]),
        musicbrainz=tuple(record["musicbrainz"].items()),
        licence=tuple(record["licence"]),
        covers=tuple(Cover(**cover) for cover in record["covers"]),
    )


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that examining one file found out.

    Attributes:
        path: Of the file, as it was given.
        format: What it is.
        remarks: Everything that is not as it should be.
        tools: What each tool made of it.
        tags: Name and value, in the file's order, cut at a bound.
        packets_sha256: Lower-case hexadecimal, over the demuxed packets: unchanged by retagging.
        pcm_md5: Over the decoded samples as little-endian integers, for lossless audio: equal across containers.
        levels: None where nothing was decoded.
        description: What its tags say, under one set of names.
        fingerprint: Chromaprint's, as hexadecimal of 32-bit numbers; empty where none was asked for.
    """

    path: str
    format: Format = Format()
    remarks: tuple[Noted, ...] = ()
    tools: tuple[ToolOutcome, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    packets_sha256: str = ""
    pcm_md5: str = ""
    levels: Levels | None = None
    description: Description = Description()
    fingerprint: str = ""

    @property
    def verdict(self) -> Verdict:
        """Weigh the remarks: the worst one decides."""
        codes = {remark.code for remark in self.remarks}
        if codes & HOPELESS:
            return Verdict.UNDECODABLE
        if codes - WARNINGS:
            return Verdict.DAMAGED
        return Verdict.WARNING if codes else Verdict.VALID

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; keys are promises (`docs/examination.md`)."""
        return {
            "file": self.path,
            "verdict": self.verdict.value,
            "format": asdict(self.format),
            "remarks": [asdict(remark) for remark in self.remarks],
            "tools": [asdict(tool) for tool in self.tools],
            "tags": [list(pair) for pair in self.tags],
            "description": self.description.to_json(),
            "packets_sha256": self.packets_sha256,
            "pcm_md5": self.pcm_md5,
            "levels": asdict(self.levels) if self.levels else None,
            **({"fingerprint": self.fingerprint} if self.fingerprint else {}),
        }


def parse_examination(record: dict[str, Any]) -> Examination:
    """Read what `Examination.to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: It is something else.
    """
    return Examination(
        path=record["file"],
        format=Format(**record["format"]),
        remarks=tuple(Noted(Remark(one["code"]), one["tool"], one["detail"]) for one in record["remarks"]),
        tools=tuple(ToolOutcome(**one) for one in record["tools"]),
        tags=tuple((name, value) for name, value in record["tags"]),
        packets_sha256=record["packets_sha256"],
        pcm_md5=record["pcm_md5"],
        levels=Levels(**record["levels"]) if record["levels"] else None,
        description=parse_description(record["description"]),
        fingerprint=record.get("fingerprint", ""),
    )


def hopeless(path: str, code: Remark, detail: str) -> Examination:
    """Return the answer about a file of which examining itself had to be given up."""
    return Examination(path, remarks=(Noted(code, "archiver", detail),))


_SHORTER, _SLACK = 0.95, 2.0
"""A recording may be so much shorter than its source says, in parts and in seconds: sources round, and so do players."""


def compared_with_source(found: Examination, declared: str) -> Examination:
    """Compare the decoded length with the one that the source declares: a preview may bear a full track's name.

    Args:
        found: What examining found.
        declared: The source's word for the length: seconds, or hours, minutes and seconds with colons; anything else says
            nothing.
    """
    wanted, seconds = recognise_seconds(declared), found.format.seconds
    if wanted is None or seconds is None or any(remark.code is Remark.LIMIT for remark in found.remarks):
        return found
    detail = f"seconds: the source says {wanted:.2f}, decoded {seconds:.2f}"
    if seconds < wanted * _SHORTER - _SLACK:
        return replace(found, remarks=(*found.remarks, Noted(Remark.SHORTER, "archiver", detail)))
    if wanted < seconds * _SHORTER - _SLACK:
        return replace(found, remarks=(*found.remarks, Noted(Remark.LONGER, "archiver", detail)))
    return found


_LENGTH = re.compile(r"(?:(\d{1,4}):)?(?:(\d{1,6}):)?(\d{1,9}(?:\.\d{1,9})?)")


def recognise_seconds(text: str) -> float | None:
    """Read a length as sources write it (``245.3``, ``4:05``, ``1:02:03``), or return None; nought says nothing."""
    match = _LENGTH.fullmatch(text.strip())
    if match is None or not text.isascii():
        return None
    parts = [part for part in match.groups() if part is not None]
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + float(part)
    return seconds or None
