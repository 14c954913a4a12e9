"""What examining one file found out: what it is, what each tool said of it, and how far it plays.

A verdict is an answer about the bytes and never a reason to drop them: a file that nobody can decode today is kept as it
was published.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
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
    """How loud the decoded samples are: their peak in dBFS (None for digital silence)."""

    peak_dbfs: float | None
    is_silent: bool

    @classmethod
    def of_peak(cls, peak: float) -> Levels:
        """Return the levels of samples whose greatest one is ``peak``, of 1."""
        return cls(round(20 * math.log10(peak), 2) if peak > 0 else None, is_silent=peak < SILENCE)


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
    """

    path: str
    format: Format = Format()
    remarks: tuple[Noted, ...] = ()
    tools: tuple[ToolOutcome, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    packets_sha256: str = ""
    pcm_md5: str = ""
    levels: Levels | None = None

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
            "packets_sha256": self.packets_sha256,
            "pcm_md5": self.pcm_md5,
            "levels": asdict(self.levels) if self.levels else None,
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
    )


def hopeless(path: str, code: Remark, detail: str) -> Examination:
    """Return the answer about a file of which examining itself had to be given up."""
    return Examination(path, remarks=(Noted(code, "archiver", detail),))
