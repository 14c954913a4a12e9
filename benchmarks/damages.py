"""Make 75 kinds of damage, and some more, from music made here or given, and say which of them `archiver examine` finds.

    python benchmarks/damages.py [--music FILE] [--keep DIRECTORY] [--seed 1]

The kinds are those of the project's measurements of decoders: truncation, dropped frames and pages, flipped bits, zeros,
wrong headers, foreign bytes, false names. Seven of them (flipped bits in AAC, ALAC, PCM and Shorten, zeros in PCM, flipped bits
in Ogg under a page checksum made anew) show to nobody without a digest from outside. Files without damage come along: none may
give an alarm.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import soundfile

from archiver.audio.mpeg import frame_bytes
from archiver.audio.ogg_pages import page_checksum
from archiver.audio.pool import Pool
from archiver.core.examinations import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archiver.core.examinations import Examination

HTML = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>"
    + b"<p>Try later.</p>" * 200
    + b"</body></html>"
)
UNSEEN = {
    "aac.m4a bitflip",
    "alac.m4a bitflip",
    "pcm24.wav bitflip",
    "pcm24.wav zero4k",
    "clip.opus bitflip-crc-repaired",
    "clip.ogg bitflip-crc-repaired",
    "clip.shn bitflip",
}
"""What no look at the file alone can find."""


def music(seed: int, seconds: int = 12, rate: int = 44100) -> np.ndarray:
    """Return chords with noise and a rhythm: two channels of 16 bits."""
    rng, t = np.random.default_rng(seed), np.arange(seconds * rate) / rate
    channels = []
    for detune in (1.0, 1.004):
        sound = sum(
            np.sin(2 * np.pi * 110 * 2 ** (rng.integers(0, 24) / 12) * detune * t + rng.random())
            * (0.5 + 0.5 * np.sin(2 * np.pi * rng.random() * t))
            for _ in range(5)
        )
        channels.append(sound / 8 + 0.05 * rng.standard_normal(len(t)) * (np.sin(2 * np.pi * 2 * t) > 0.7))
    return (np.stack(channels) * 30000).clip(-32768, 32767).astype(np.int16)


def given(path: Path, seconds: int = 12, rate: int = 44100) -> np.ndarray:
    """Return the beginning of a file as two channels of 16 bits."""
    resampler, blocks, count = av.AudioResampler(format="s16p", layout="stereo", rate=rate), [], 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                blocks.append(part.to_ndarray())
                count += part.samples
            if count > seconds * rate:
                break
    return np.concatenate(blocks, axis=1)[:, : seconds * rate]


def encode(  # noqa: PLR0913 - what an encoder can be told
    path: Path,
    codec: str,
    sound: np.ndarray,
    *,
    rate: int = 44100,
    bit_rate: int = 0,
    options: dict[str, str] | None = None,
    fmt: str = "",
) -> None:
    """Write a file with one of FFmpeg's encoders."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.layout = "stereo"
        if bit_rate:
            stream.bit_rate = bit_rate
        if fmt:
            stream.format = fmt
        context = stream.codec_context
        size = context.frame_size or 4096
        fit = av.AudioResampler(format=context.format, layout=context.layout, rate=rate)
        for at in range(0, sound.shape[1], size):
            block = np.ascontiguousarray(sound[:, at : at + size].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="stereo")
            frame.sample_rate, frame.pts = rate, at
            for part in fit.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def good_files(directory: Path, sound: np.ndarray, shorten: Path | None) -> dict[str, Path]:
    """Write one file of each format; none has anything wrong with it."""
    at = {name: directory / name for name in ("cbr.mp3", "v0.mp3", "aac.m4a", "alac.m4a", "pcm16.flac", "pcm16.aiff")}
    encode(at["cbr.mp3"], "libmp3lame", sound, bit_rate=128000)
    encode(at["v0.mp3"], "libmp3lame", sound, options={"global_quality": "0", "flags": "+qscale"})
    encode(at["aac.m4a"], "aac", sound, bit_rate=128000)
    encode(at["alac.m4a"], "alac", sound, fmt="s16p")
    encode(at["pcm16.flac"], "flac", sound)
    encode(at["pcm16.aiff"], "pcm_s16be", sound)
    at |= {name: directory / name for name in ("pcm24.wav", "clip.opus", "clip.ogg", "clip.wv")}
    encode(at["pcm24.wav"], "pcm_s24le", sound)
    encode(at["clip.wv"], "wavpack", sound, fmt="s16p")
    encode(at["clip.opus"], "libopus", sound, rate=48000, bit_rate=75000)
    soundfile.write(at["clip.ogg"], sound.T, 44100, subtype="VORBIS")
    if shorten is not None and shorten.is_file():
        at["clip.shn"] = directory / "clip.shn"
        at["clip.shn"].write_bytes(shorten.read_bytes())
    return at


def mp3_frames(data: bytes) -> list[int]:
    """Return where each frame begins."""
    at = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]) if data[:3] == b"ID3" else 0
    places = []
    while length := frame_bytes(data[at : at + 4]):
        places.append(at)
        at += length
    return [*places, at]


def ogg_pages(data: bytes) -> list[int]:
    """Return where each page begins, and the end."""
    at, places = 0, []
    while data[at : at + 4] == b"OggS":
        places.append(at)
        at += 27 + data[at + 26] + sum(data[at + 27 : at + 27 + data[at + 26]])
    return [*places, at]


def flac_frames(path: Path) -> list[int]:
    """Return where each frame begins, as the demuxer finds them."""
    with av.open(str(path)) as container:
        return [packet.pos for packet in container.demux(audio=0) if packet.size]


def flipped(data: bytes, at: int, bit: int = 3) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def zeroed(data: bytes, at: int, count: int = 4096) -> bytes:
    return data[:at] + bytes(count) + data[at + count :]


def common(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "trunc50", data[: len(data) // 2]
    yield "zero4k", zeroed(data, len(data) * 6 // 10)


def mp3_damages(data: bytes, other: bytes, rng: random.Random, *, is_whole_set: bool) -> Iterator[tuple[str, bytes]]:
    frames = mp3_frames(data)
    third = rng.randrange(len(frames) // 3, len(frames) // 2)
    first, last = frames[0], frames[-1]
    yield from common(data)
    yield "bitflip", flipped(data, frames[third] + 60)
    yield "frame-dropped", data[: frames[third]] + data[frames[third + 1] :]
    yield "sync-lost", data[: frames[third]] + b"\0" + data[frames[third] + 1 :]
    yield "trailing-html", data[:last] + HTML
    yield "trunc-at-frame", data[: frames[third]]
    yield "trunc-last100", data[: last - 100]
    if is_whole_set:
        yield "concat-other-rate", data + other
        yield "huge-tag-size", b"ID3\4\0\0" + bytes([0x7F] * 4) + data[first:]
        yield "id3-only", b"ID3\4\0\0" + bytes([0, 0, 0x1D, 0x53]) + bytes(3795)
        yield "junk-prefix", bytes(rng.randrange(1, 255) for _ in range(2000)) + data[first:]


def mp4_damages(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield from common(data)
    yield "bitflip", flipped(data, data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3)
    yield "no-moov", data.replace(b"moov", b"free")


def flac_damages(data: bytes, frames: list[int]) -> Iterator[tuple[str, bytes]]:
    middle = frames[len(frames) // 2]
    yield from common(data)
    yield "bitflip", flipped(data, middle + 500)
    yield "frame-dropped", data[: frames[20]] + data[frames[21] :]
    yield "id3-prefixed", b"ID3\4\0\0" + bytes([0, 0, 2, 0]) + bytes(256) + data
    yield "md5-unset", data[:26] + bytes(16) + data[42:]
    yield "md5-wrong", flipped(data, 30)
    total = int.from_bytes(data[21:26], "big")
    count = total & (1 << 36) - 1
    yield "total-samples-x2", data[:21] + (total - count + 2 * count).to_bytes(5, "big") + data[26:]
    yield "trunc-at-frame", data[:middle]
    yield "trunc-last100", data[:-100]


def wav_damages(data: bytes) -> Iterator[tuple[str, bytes]]:
    place, fmt = data.index(b"data"), data.index(b"fmt ")
    yield from common(data)
    yield "bitflip", flipped(data, len(data) // 3)
    yield "data-size-ffffffff", data[: place + 4] + b"\xff" * 4 + data[place + 8 :]
    yield "fmt-zeroed", data[: fmt + 8] + bytes(16) + data[fmt + 24 :]


def ogg_damages(data: bytes) -> Iterator[tuple[str, bytes]]:
    pages = ogg_pages(data)
    n = len(pages) // 2
    page = data[pages[n] : pages[n + 1]]
    flip = flipped(page, len(page) // 2)
    sealed = flip[:22] + page_checksum(flip[:22] + bytes(4) + flip[26:]).to_bytes(4, "little") + flip[26:]
    yield from common(data)
    yield "bitflip", data[: pages[n]] + flip + data[pages[n + 1] :]
    yield "bitflip-crc-repaired", data[: pages[n]] + sealed + data[pages[n + 1] :]
    yield "crc-field", data[: pages[n]] + flipped(page, 23) + data[pages[n + 1] :]
    yield (
        "headers-only",
        data[: next(at for at in pages if int.from_bytes(data[at + 6 : at + 14], "little", signed=True) > 0)],
    )
    yield "page-dropped", data[: pages[n]] + data[pages[n + 1] :]
    yield "trailing-html", data + HTML
    yield "trunc-at-page", data[: pages[n]]


def whole_files(good: dict[str, bytes], rng: random.Random) -> Iterator[tuple[str, bytes]]:
    def noise(count: int) -> bytes:
        return rng.randbytes(count)

    yield "all-zero.mp3", bytes(60000)
    yield "garbage-after-id3.mp3", b"ID3\4\0\0" + bytes([0, 0, 0x1D, 0x53]) + bytes(3795) + noise(60000)
    yield "garbage-with-mp3-sync.mp3", b"\xff\xfb\x90\x64" + noise(60000)
    yield "html-page.mp3", HTML
    yield "really-mp3.flac", good["cbr.mp3"]
    yield "really-ogg.mp3", good["clip.ogg"]
    yield "zero-length.mp3", b""


def more(good: dict[str, bytes], rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Damage of kinds that the measurements did not have."""
    wav, flac, ogg, mp3, aiff = (
        good[name] for name in ("pcm24.wav", "pcm16.flac", "clip.ogg", "cbr.mp3", "pcm16.aiff")
    )
    pages, frames = ogg_pages(ogg), mp3_frames(mp3)
    yield "cut-at-thirty-seconds.wav", wav[: len(wav) - 3001]
    yield "html-behind.wav", wav + HTML
    yield "html-behind.flac", flac + HTML
    yield "html-behind.m4a", good["aac.m4a"] + HTML
    yield "twice.flac", flac + flac
    yield "head-lost.flac", flac[3000:]
    yield "head-lost.mp3", mp3[frames[2] + 7 :]
    yield "head-lost.ogg", ogg[pages[1] :]
    yield "pages-swapped.ogg", ogg[: pages[4]] + ogg[pages[5] : pages[6]] + ogg[pages[4] : pages[5]] + ogg[pages[6] :]
    yield "last-page-lost.opus", good["clip.opus"][: ogg_pages(good["clip.opus"])[-2]]
    yield "noise-inside.mp3", mp3[: frames[99]] + rng.randbytes(3000) + mp3[frames[99] + 3000 :]
    yield "ones-inside.mp3", mp3[: frames[99]] + b"\xff" * 2000 + mp3[frames[99] + 2000 :]
    yield "stretch-lost.m4a", good["aac.m4a"][:40000] + good["aac.m4a"][42000:]
    yield "frames-doubled.mp3", mp3[: frames[60]] + mp3[frames[50] :]
    yield "cut.aiff", aiff[:-5000]
    yield "comm-lost.aiff", aiff.replace(b"COMM", b"XXXX", 1)
    yield "text.mp3", b"Sorry, you have reached your download limit." * 50
    yield "zip.mp3", b"PK\3\4" + rng.randbytes(5000)
    yield "jpeg.mp3", bytes.fromhex("ffd8ffe000104a46494600010100") + rng.randbytes(5000)
    yield "list.mp3", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    yield "half-a-frame.mp3", mp3[: frames[0] + 200]
    yield "cut.wv", good["clip.wv"][: len(good["clip.wv"]) * 9 // 10]


def damages(good: dict[str, Path], seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield what each damage is called, the damaged file's name and its bytes."""
    rng = random.Random(seed)
    data = {name: path.read_bytes() for name, path in good.items()}
    makers: dict[str, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
        "cbr.mp3": lambda one: mp3_damages(one, other_rate(), rng, is_whole_set=True),
        "v0.mp3": lambda one: mp3_damages(one, b"", rng, is_whole_set=False),
        "aac.m4a": mp4_damages,
        "alac.m4a": mp4_damages,
        "pcm16.flac": lambda one: flac_damages(one, flac_frames(good["pcm16.flac"])),
        "pcm16.aiff": lambda one: (pair for pair in common(one) if pair[0] == "trunc50"),
        "pcm24.wav": wav_damages,
        "clip.opus": ogg_damages,
        "clip.ogg": ogg_damages,
        "clip.shn": lambda one: (*common(one), ("bitflip", flipped(one, len(one) // 3))),
        "clip.wv": lambda one: (*common(one), ("bitflip", flipped(one, len(one) // 3))),
    }
    for name, maker in makers.items():
        for kind, damaged in maker(data[name]) if name in data else ():
            yield f"{name} {kind}", f"{kind}-{name}", damaged
    for name, damaged in whole_files(data, rng):
        yield name, name, damaged
    for name, damaged in more(data, rng):
        yield f"more: {name}", name, damaged


def other_rate() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "other.mp3"
        encode(path, "libmp3lame", music(5, 4, 22050), rate=22050, bit_rate=64000)
        return path.read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", type=Path, help="take the beginning of this file instead of music made here")
    parser.add_argument("--keep", type=Path, help="leave the files in this directory")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    data = os.environ.get("ARCHIVER_TEST_DATA")
    shorten = Path(data) / "audio/good/clip.shn" if data else None
    work = arguments.keep or Path(tempfile.mkdtemp(prefix="archiver-damages-"))
    work.mkdir(parents=True, exist_ok=True)
    sound = given(arguments.music) if arguments.music else music(arguments.seed)
    good = good_files(work, sound, shorten)
    room = Pool(1, seconds=60)
    try:
        alarms = [name for name, path in good.items() if room.examine(path, name=name).verdict is not Verdict.VALID]
        answers = list(answered(room, work, good, arguments.seed))
    finally:
        room.close()
    return told(answers, alarms, len(good))


def answered(room: Pool, work: Path, good: dict[str, Path], seed: int) -> Iterator[tuple[str, Examination]]:
    """Yield what each damage is called and what was found."""
    digests = {hashlib.sha256(path.read_bytes()).digest() for path in good.values()}
    for what, name, bytes_ in damages(good, seed):
        if hashlib.sha256(bytes_).digest() in digests and not what.startswith("really"):
            raise SystemExit(f"{what} damages nothing")
        path = work / name
        path.write_bytes(bytes_)
        yield what, room.examine(path, name=name)


def told(answers: list[tuple[str, Examination]], alarms: list[str], good: int) -> int:
    """Print the table and return the exit status."""
    missed = {what for what, answer in answers if answer.verdict is Verdict.VALID}
    for what, answer in sorted(answers, key=lambda pair: pair[0] in missed):
        codes = sorted({remark.code.value for remark in answer.remarks})
        unseen = "shows to nobody" if what in UNSEEN else "should have been found"
        print(f"{'MISSED' if what in missed else answer.verdict:<12} {what:<36} {', '.join(codes) or unseen}")
    for alarm in alarms:
        print(f"FALSE ALARM  {alarm}")
    listed = [what for what, _ in answers if not what.startswith("more: ")]
    found = sum(what not in missed for what in listed)
    others = len(answers) - len(listed)
    found_others = len(answers) - len(missed) - found
    print(
        f"found {found} of {len(listed)} kinds, {found_others} of {others} more; {len(alarms)} false alarms on {good} good files"
    )
    return 1 if alarms or missed - UNSEEN else 0


if __name__ == "__main__":
    sys.exit(main())
