"""Examine one file: every tool asked, every answer kept, nothing believed of one alone."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

from archiver.audio.decoding import Decoded, decode
from archiver.audio.structure import walk
from archiver.core.examinations import Examination, Format, Noted, Remark, ToolOutcome, hopeless

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE = 0.06
"""Seconds. Encoder delay and padding make declared and decoded length differ by a frame or two."""
EXTENSIONS = {
    "mp3": {"mp3", "mp2", "mpga"},
    "flac": {"flac", "fla"},
    "ogg": {"ogg", "oga", "opus", "spx", "ogv", "ogx"},
    "wav": {"wav", "wave", "bwf"},
    "aiff": {"aiff", "aif", "aifc"},
    "mov,mp4,m4a,3gp,3g2,mj2": {"m4a", "mp4", "m4b", "mov", "3gp", "aac", "m4r"},
    "shn": {"shn"},
    "wv": {"wv"},
}
MOST_TAGS, LONGEST_TAG = 200, 2000


def examine(path: Path, *, name: str) -> Examination:
    """Say what a file is and how far it plays.

    Args:
        path: Absolute.
        name: What it is called at its source.
    """
    try:
        walked = walk(path)
    except OSError as error:
        return hopeless(name, Remark.UNREADABLE, str(error.strerror or error))
    if any(remark.code is Remark.EMPTY for remark in walked.remarks):
        return Examination(name, remarks=walked.remarks)
    puid, format_name = _identify(path)
    facts, tags = _read_tags(path)
    seen = decode(path, bit_depth=facts.get("bit_depth"))
    remarks = [*walked.remarks, *seen.remarks, *_compared(seen, facts), *_named(seen, name)]
    tools = [
        ToolOutcome("pyav", _version("av"), "decoded" if seen.samples else "refused"),
        ToolOutcome("structure", _version("archiver"), "sound" if not walked.remarks else "remarks"),
    ]
    if not seen.samples:
        second = _second_decoder(path)
        tools.append(
            ToolOutcome("libsndfile", _version("soundfile"), f"decoded {second} samples" if second else "refused")
        )
        remarks = _refused(remarks, second)
    return Examination(
        path=name,
        format=_format(puid, format_name, seen, facts),
        remarks=tuple(remarks),
        tools=tuple(tools),
        tags=tuple((tags or seen.tags).items())[:MOST_TAGS],
        packets_sha256=seen.packets_sha256 if seen.samples else "",
        pcm_md5=seen.pcm_md5,
        levels=seen.levels,
    )


def _format(puid: str, name: str, seen: Decoded, facts: dict[str, Any]) -> Format:
    rate = seen.rate or None
    return Format(
        puid=puid,
        name=name,
        container=seen.container,
        codec=seen.codec,
        sample_rate=rate,
        channels=seen.channels or None,
        bit_depth=facts.get("bit_depth"),
        bitrate=seen.bitrate or facts.get("bitrate"),
        bitrate_mode=facts.get("bitrate_mode", ""),
        encoder=facts.get("encoder", "") or seen.tags.get("encoder", ""),
        samples=seen.samples or None,
        seconds=round(seen.samples / rate, 6) if rate and seen.samples else None,
    )


def _identify(path: Path) -> tuple[str, str]:
    import pygfried

    try:
        matches = pygfried.identify(str(path), detailed=True)["files"][0]["matches"]
        return (matches[0]["id"], matches[0]["format"]) if matches and matches[0]["id"] != "UNKNOWN" else ("", "")
    except Exception:  # noqa: BLE001 - a foreign scanner over hostile bytes: without its word the rest still holds
        return "", ""


def _read_tags(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return technical facts and tags as mutagen reads them; nothing where it cannot."""
    import mutagen

    try:
        file = mutagen.File(path)
        if file is None:
            return {}, {}
        return _facts(file.info), {str(key)[:100]: _shown(value) for key, value in dict(file.tags or {}).items()}
    except Exception:  # noqa: BLE001 - IndexError and others besides its own, over hostile bytes
        return {}, {}


def _facts(info: Any) -> dict[str, Any]:
    mode = str(getattr(info, "bitrate_mode", "")).rpartition(".")[2]
    return {
        "bit_depth": getattr(info, "bits_per_sample", None) or None,
        "bitrate": getattr(info, "bitrate", None) or None,
        "bitrate_mode": "" if mode == "UNKNOWN" else mode,
        "encoder": str(getattr(info, "encoder_info", "") or "")[:200],
        "length": getattr(info, "length", None),
        "is_estimated": getattr(info, "sketchy", False) or mode == "UNKNOWN",
        "total_samples": getattr(info, "total_samples", None),
        "md5": getattr(info, "md5_signature", None),
    }


def _shown(value: Any) -> str:
    """A tag's value as text, cut; bytes (covers) as their number alone."""
    data = getattr(value, "data", value)
    if isinstance(data, bytes):
        return f"{len(data)} bytes"
    return "; ".join(str(one) for one in value)[:LONGEST_TAG] if isinstance(value, list) else str(value)[:LONGEST_TAG]


def _compared(seen: Decoded, facts: dict[str, Any]) -> list[Noted]:
    """Compare what the headers declare with what was decoded."""
    if not seen.samples or not facts:
        return []
    noted = []
    total, length = facts["total_samples"], facts["length"]
    if seen.container == "flac" and total:
        if total != seen.samples:
            noted.append(Noted(Remark.LENGTH, "pyav", f"samples: declared {total}, decoded {seen.samples}"))
    elif length and not facts["is_estimated"] and abs(length - seen.samples / seen.rate) > TOLERANCE:
        noted.append(
            Noted(Remark.LENGTH, "pyav", f"seconds: declared {length:.3f}, decoded {seen.samples / seen.rate:.3f}")
        )
    if seen.container == "flac" and facts["md5"] is not None:
        noted += _flac_digest(facts["md5"], seen)
    return noted


def _flac_digest(declared: int, seen: Decoded) -> list[Noted]:
    if not declared:
        return [Noted(Remark.PCM_DIGEST_UNSET, "pyav", "STREAMINFO has no MD5")]
    if f"{declared:032x}" != seen.pcm_md5:
        return [Noted(Remark.PCM_DIGEST, "pyav", f"MD5: declared {declared:032x}, decoded {seen.pcm_md5}")]
    return []


def _named(seen: Decoded, name: str) -> list[Noted]:
    extension = name.rpartition(".")[2].lower()
    known = {one for names in EXTENSIONS.values() for one in names}
    fitting = EXTENSIONS.get(seen.container)
    if seen.samples and fitting and extension in known and extension not in fitting:
        return [Noted(Remark.EXTENSION, "archiver", f"named .{extension}, and it is {seen.container}")]
    return []


def _second_decoder(path: Path) -> int:
    """Return how many samples libsndfile decodes, 0 where it refuses."""
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as file:
            return sum(len(block) for block in file.blocks(blocksize=65536, dtype="float32"))
    except (RuntimeError, OSError, ValueError, TypeError, MemoryError):
        return 0


def _refused(remarks: list[Noted], second: int) -> list[Noted]:
    """A file that one decoder plays is not undecodable, whatever the other says."""
    if not second:
        return [*remarks, Noted(Remark.NOT_DECODED, "archiver", "neither decoder made a sample of it")]
    kept = [remark for remark in remarks if remark.code is not Remark.DECODER_ERROR]
    return [*kept, Noted(Remark.REFUSED_BY_ONE, "pyav", f"refused, and libsndfile decodes {second} samples")]


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        from archiver import __version__

        return __version__
