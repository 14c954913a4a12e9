"""Examine one file: every tool asked, every answer kept, nothing believed of one alone."""

from __future__ import annotations

import importlib.metadata
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from archiver.audio.decoding import Decoded, decode, decoder_version, demuxer_of
from archiver.audio.metering import LOSSLESS
from archiver.audio.naming import described
from archiver.audio.structure import CHAINED, FREE_FORMAT, walk
from archiver.core.examinations import Description, Examination, Format, Noted, Remark, ToolOutcome, hopeless

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.audio.structure import Walked

TOLERANCE = 0.06
"""Seconds. Encoder delay and padding make declared and decoded length differ by a frame or two."""
EXTENSIONS = {
    "mp3": {"mp3", "mp2", "mpga"},
    "flac": {"flac", "fla"},
    "ogg": {"ogg", "oga", "opus", "spx", "ogv", "ogx"},
    "wav": {"wav", "wave", "bwf"},
    "w64": {"w64", "wav"},
    "aiff": {"aiff", "aif", "aifc"},
    "aac": {"aac"},
    "mov,mp4,m4a,3gp,3g2,mj2": {"m4a", "mp4", "m4b", "mov", "3gp", "aac", "m4r"},
    "shn": {"shn"},
    "wv": {"wv"},
}
MOST_TAGS, LONGEST_TAG = 200, 2000


def examine(path: Path, *, name: str, puid: str = "", format_name: str = "") -> Examination:
    """Say what a file is and how far it plays.

    Args:
        path: Absolute.
        name: What it is called at its source.
        puid: PRONOM's identifier, or empty; to ask for it is the business of another process.
        format_name: PRONOM's name of the format, or empty.
    """
    try:
        walked = walk(path, demuxer=lambda: demuxer_of(path))
    except OSError as error:
        return hopeless(name, Remark.UNREADABLE, str(error.strerror or error))
    if any(remark.code is Remark.EMPTY for remark in walked.remarks):
        return Examination(name, remarks=walked.remarks)
    facts, tags, read = _read_tags(path)
    seen = decode(path, bit_depth=facts.get("bit_depth"), ends=walked.ends, has_digest=bool(facts.get("md5")))
    remarks = [*walked.remarks, *_understood(seen, walked), *_compared(seen, facts, walked), *_named(seen, name)]
    tools = [
        ToolOutcome("pygfried", _version("pygfried"), f"identified {puid}" if puid else "not identified"),
        ToolOutcome("mutagen", _version("mutagen"), "read" if facts else "nothing to read"),
        ToolOutcome("pyav", decoder_version(), _decoded(seen)),
        ToolOutcome("structure", _version("archiver"), _outcome_of(walked)),
    ]
    if not seen.samples:
        second = _second_decoder(path)
        tools.append(
            ToolOutcome("libsndfile", _version("soundfile"), f"decoded {second} samples" if second else "refused")
        )
        remarks = _refused(remarks, second, walked)
    return Examination(
        path=name,
        format=_format(puid, format_name, seen, facts),
        remarks=tuple(remarks),
        tools=tuple(tools),
        tags=tuple((tags or seen.tags).items())[:MOST_TAGS],
        packets_sha256=seen.packets_sha256 if seen.samples else "",
        pcm_md5=seen.pcm_md5,
        levels=seen.levels,
        description=_described(read, seen),
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
        bit_depth=facts.get("bit_depth") if seen.codec in LOSSLESS or seen.codec.startswith("pcm_") else None,
        bitrate=seen.bitrate or facts.get("bitrate"),
        bitrate_mode=facts.get("bitrate_mode", ""),
        encoder=facts.get("encoder", "") or seen.tags.get("encoder", ""),
        samples=seen.samples or None,
        seconds=round(seen.samples / rate, 6) if rate and seen.samples else None,
    )


def _decoded(seen: Decoded) -> str:
    if not seen.samples:
        return "refused"
    return "decoded with errors" if seen.remarks else "decoded"


def _described(read: Any, seen: Decoded) -> Description:
    try:
        tags, pictures = getattr(read, "tags", None), getattr(read, "pictures", None)
        return described(tags, pictures, {} if tags else seen.tags)
    except Exception:  # noqa: BLE001 - values of a foreign library over hostile bytes
        return Description()


def _read_tags(path: Path) -> tuple[dict[str, Any], dict[str, str], Any]:
    """Return technical facts, tags and the object they came from, as mutagen reads them; nothing where it cannot."""
    import mutagen

    try:
        file = mutagen.File(path)
        if file is None:
            return {}, {}, None
        return _facts(file.info), {str(key)[:100]: _shown(value) for key, value in dict(file.tags or {}).items()}, file
    except Exception:  # noqa: BLE001 - IndexError and others besides its own, over hostile bytes
        return {}, {}, None


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


def _outcome_of(walked: Walked) -> str:
    if not walked.kind:
        return "no walk for this format"
    return "remarks" if walked.remarks else "sound"


def _understood(seen: Decoded, walked: Walked) -> list[Noted]:
    """Take the decoder's word that it knows no such thing where the thing is legal, and for an error elsewhere."""
    is_gap = any(remark.code is Remark.UNSUPPORTED for remark in seen.remarks)
    if is_gap and walked.kind == CHAINED and not walked.remarks:
        return [remark for remark in seen.remarks if remark.code is not Remark.DECODER_ERROR]
    return [
        replace(remark, code=Remark.DECODER_ERROR) if remark.code is Remark.UNSUPPORTED else remark
        for remark in seen.remarks
    ]


def _compared(seen: Decoded, facts: dict[str, Any], walked: Walked) -> list[Noted]:
    """Compare what the headers declare with what was decoded."""
    if not seen.samples or not facts or seen.is_limited:
        return []
    noted = []
    total, length = facts["total_samples"], facts["length"]
    if seen.container == "flac" and total:
        if total != seen.samples:
            noted.append(Noted(Remark.LENGTH, "pyav", f"samples: declared {total}, decoded {seen.samples}"))
    elif length and _is_telling(seen, facts, walked):
        seconds = seen.samples / seen.rate + (seen.starts if seen.container == "ogg" else 0.0)
        if abs(length - seconds) > _tolerance(seen):
            noted.append(Noted(Remark.LENGTH, "pyav", f"seconds: declared {length:.3f}, decoded {seconds:.3f}"))
    if seen.container == "flac" and facts["md5"] is not None:
        noted += _flac_digest(facts["md5"], seen)
    return noted


def _is_telling(seen: Decoded, facts: dict[str, Any], walked: Walked) -> bool:
    """Tell whether a length that mutagen states is a declaration of the file, and not an estimate of the library's."""
    if facts["is_estimated"] or walked.kind == CHAINED or seen.container == "aac" or not seen.rate:
        return False
    # The length of compressed WAVE and AIFF is counted in blocks, which mutagen takes for samples.
    return seen.container not in {"wav", "aiff"} or seen.codec.startswith("pcm_")


def _tolerance(seen: Decoded) -> float:
    """Return seconds: encoders' delay and padding are a few frames, and an MP4 edit list may cut some more."""
    if seen.container.startswith("mov"):
        return 0.3
    return max(TOLERANCE, 2 * 1152 / seen.rate) if seen.container == "mp3" else TOLERANCE


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


def _refused(remarks: list[Noted], second: int, walked: Walked) -> list[Noted]:
    """A file that one decoder plays is not undecodable, whatever the other says."""
    if any(remark.code is Remark.LIMIT for remark in remarks):
        return remarks
    if not second:
        return [*remarks, Noted(Remark.NOT_DECODED, "archiver", "neither decoder made a sample of it")]
    kept = [remark for remark in remarks if remark.code not in {Remark.DECODER_ERROR, Remark.UNSUPPORTED}]
    if walked.kind == FREE_FORMAT:
        return kept  # FFmpeg reads no free format: that says nothing about the file
    return [*kept, Noted(Remark.REFUSED_BY_ONE, "pyav", f"refused, and libsndfile decodes {second} samples")]


@cache
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        from archiver import __version__

        return __version__
