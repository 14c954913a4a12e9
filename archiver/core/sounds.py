"""What a recording is apart from its tags and its container, and which recordings are the same.

same packets        the same encoded sound: tags were changed, nothing else
same samples        the same lossless sound, whatever it is packed in
alike               fingerprints agree: another encoding of the same recording, perhaps
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archiver.core.examinations import Verdict

if TYPE_CHECKING:
    from archiver.core.items import ItemId


@dataclass(frozen=True, slots=True)
class Sound:
    """One examined file of a bag, as the catalogue knows it.

    Attributes:
        path: Path inside the bag, beginning with ``data/``.
        verdict: How far it plays.
        codes: What was remarked about it, each code once.
        codec: The decoder.
        seconds: Decoded length, or None.
        sample_rate: In hertz, or None.
        channels: Or None.
        packets_sha256: Over the encoded sound, lower-case hexadecimal, or empty.
        pcm_md5: Over the samples of lossless sound, lower-case hexadecimal, or empty.
        fingerprint: Chromaprint's 32-bit numbers in hexadecimal, or empty.
    """

    path: str
    verdict: Verdict
    codes: tuple[str, ...]
    codec: str
    seconds: float | None
    sample_rate: int | None
    channels: int | None
    packets_sha256: str
    pcm_md5: str
    fingerprint: str = ""


class Sameness(StrEnum):
    """In what two recordings are the same."""

    PACKETS = "packets"
    SAMPLES = "samples"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Placed:
    """A recording in the archive: whose it is, and under which licence."""

    item: ItemId
    version: int
    licence: str
    sound: Sound


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Recordings that are the same.

    Attributes:
        sameness: In what.
        key: The digest that they share, or the agreement of fingerprints in percent.
        members: At least two, in the order of items and paths.
    """

    sameness: Sameness
    key: str
    members: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class DuplicateReport:
    """What is held more than once: the groups, and how many recordings were compared, how many by fingerprint as well."""

    groups: tuple[DuplicateGroup, ...]
    recordings: int
    fingerprints: int


def sounds_in(technical: bytes) -> tuple[Sound, ...]:
    """Read what ``metadata/technical.json`` says of recordings; nothing where it is of an earlier form or no such file."""
    try:
        record: dict[str, Any] = json.loads(technical)
        return tuple(_sound(entry) for entry in record["files"] if "examined" in entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _sound(entry: dict[str, Any]) -> Sound:
    found = entry["examined"]
    form = found["format"]
    return Sound(
        path=str(entry["path"]),
        verdict=Verdict(found["verdict"]),
        codes=tuple(dict.fromkeys(str(remark["code"]) for remark in found["remarks"])),
        codec=str(form["codec"]),
        seconds=None if form["seconds"] is None else float(form["seconds"]),
        sample_rate=_number(form["sample_rate"]),
        channels=_number(form["channels"]),
        packets_sha256=str(found["packets_sha256"]),
        pcm_md5=str(found["pcm_md5"]),
        fingerprint=str(found.get("fingerprint", "")),
    )


def _number(value: Any) -> int | None:
    """Return a number that every database takes; a bag that somebody wrote by hand may hold any."""
    return value if isinstance(value, int) and 0 < value < 1 << 31 else None


MOST_FINDINGS = 20


def findings_of(sounds: tuple[Sound, ...]) -> tuple[str, ...]:
    """Return what is to be said of recordings that do not simply play, ``CODE:PATH`` each; a long list is cut."""
    found = [f"{code}:{sound.path}" for sound in sounds if sound.verdict is not Verdict.VALID for code in sound.codes]
    left = len(found) - MOST_FINDINGS
    return (*found[:MOST_FINDINGS], f"AUDIO_FINDINGS_MORE:{left}") if left > 0 else tuple(found)
