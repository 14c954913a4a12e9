"""How loud a recording is and what that says of it: EBU R 128, peaks, silence, clipping."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SILENCE = -60.0
"""dBFS. What never rises above it is silent: a 16-bit recording's own noise lies far below, music far above."""
ALIVE = -40.0
"""dBFS. A channel that is silent is suspicious where another one rises above this."""
CLIPPED_RUN = 4
"""Samples at full scale, one after the other: two or three happen in sound recordings, a flat top is longer."""
CLIPPED_EACH_MINUTE = 6.0
"""Flat tops in a minute from which a recording is called clipped."""


class Sign(StrEnum):
    """Stable codes of what levels say; `docs/loudness.md` has a line for each."""

    SILENT = "AUDIO_SILENT"
    MOSTLY_SILENT = "AUDIO_MOSTLY_SILENT"
    CLIPPED = "AUDIO_CLIPPED"
    CHANNEL_DEAD = "AUDIO_CHANNEL_DEAD"


@dataclass(frozen=True, slots=True)
class Loudness:
    """What was measured of one recording; None where there is nothing to measure (digital silence, less than 0.4 seconds).

    Attributes:
        seconds: Decoded.
        integrated: LUFS (EBU R 128, ITU-R BS.1770).
        range: LU, the loudness range (EBU Tech 3342).
        true_peak: dBTP, between the samples.
        peaks: dBFS of the highest sample of each channel.
        clipped: Flat tops: runs of at least `CLIPPED_RUN` samples at full scale.
        silent: Seconds below `SILENCE`, counted in stretches of a twentieth of a second.
        longest_silence: Seconds of the longest such stretch.
    """

    seconds: float
    integrated: float | None
    range: float | None
    true_peak: float | None
    peaks: tuple[float | None, ...]
    clipped: int
    silent: float
    longest_silence: float

    @property
    def signs(self) -> tuple[Sign, ...]:
        """What of it is suspicious."""
        heard = [peak for peak in self.peaks if peak is not None and peak > SILENCE]
        if not heard:
            return (Sign.SILENT,)
        found = []
        if len(heard) < len(self.peaks) and max(heard) > ALIVE and len(self.peaks) == 2:
            found.append(Sign.CHANNEL_DEAD)
        if self.clipped >= max(CLIPPED_EACH_MINUTE, CLIPPED_EACH_MINUTE * self.seconds / 60):
            found.append(Sign.CLIPPED)
        if self.silent > self.seconds / 2:
            found.append(Sign.MOSTLY_SILENT)
        return tuple(found)

    def in_words(self) -> str:
        """Return it on one line."""
        peaks = ", ".join("silence" if peak is None else f"{peak:.1f}" for peak in self.peaks)
        lufs = "no loudness" if self.integrated is None else f"{self.integrated:.1f} LUFS"
        between = "" if self.true_peak is None else f", true peak {self.true_peak:.1f} dBTP"
        extent = "" if self.range is None else f", range {self.range:.1f} LU"
        rest = f"{self.clipped} flat tops, {self.silent:.0f} of {self.seconds:.0f} s silent"
        return f"{lufs}{extent}{between}, peaks {peaks} dBFS, {rest}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; keys are promises (`docs/loudness.md`)."""
        return {**asdict(self), "peaks": list(self.peaks), "signs": [sign.value for sign in self.signs]}


def parse_loudness(record: dict[str, Any]) -> Loudness:
    """Read what `Loudness.to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: It is something else.
    """

    def level(value: Any) -> float | None:
        return None if value is None else float(value)

    return Loudness(
        seconds=float(record["seconds"]),
        integrated=level(record["integrated"]),
        range=level(record["range"]),
        true_peak=level(record["true_peak"]),
        peaks=tuple(map(level, record["peaks"])),
        clipped=int(record["clipped"]),
        silent=float(record["silent"]),
        longest_silence=float(record["longest_silence"]),
    )
