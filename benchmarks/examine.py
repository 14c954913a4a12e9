"""CPU of `archiver examine` beside a bare decode with PyAV and beside pydub, and its memory over very long files.

    python benchmarks/examine.py [FILE…] [--minutes 10] [--rounds 3] [--long]

Without files it makes some: MP3, FLAC at 16 and 24 bits, Opus, AAC, Vorbis. Each figure is the CPU time of whole processes, with
all of their children and their start-up, in interleaved rounds. `--long` makes a FLAC of three hours and an MP3 of ten, and
reads the memory of every process of an examination ten times a second.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import soundfile

BARE = """
import sys, av
for path in sys.argv[1:]:
    with av.open(path) as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            pass
"""
PYDUB = """
import sys, warnings
warnings.simplefilter("ignore")
from pydub import AudioSegment
import imageio_ffmpeg
AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
for path in sys.argv[1:]:
    codec = {"mp3": "mp3float", "flac": "flac", "opus": "libopus", "m4a": "aac", "ogg": "vorbis"}.get(path.rpartition(".")[2])
    AudioSegment.from_file(path, codec=codec).rms
"""
EXAMINE = [sys.executable, "-m", "archiver", "examine", "--jobs"]


def music(seconds: float, rate: int, seed: int) -> np.ndarray:
    """Return a minute's worth of music at most, for repeating: two channels of 16 bits."""
    rng, t = np.random.default_rng(seed), np.arange(int(seconds * rate)) / rate
    rows = [
        sum(
            np.sin(2 * np.pi * f * d * t) * (0.6 + 0.4 * np.sin(2 * np.pi * b * t))
            for f, b in ((110, 0.5), (277, 2), (660, 1))
        )
        for d in (1.0, 1.003)
    ]
    noise = rng.standard_normal((2, len(t))) * (np.sin(2 * np.pi * 2 * t) > 0.8)
    return ((np.stack(rows) / 5 + 0.05 * noise) * 30000).clip(-32768, 32767).astype(np.int16)


def encode(  # noqa: PLR0913 - what an encoder can be told
    path: Path,
    codec: str,
    seconds: float,
    *,
    rate: int = 44100,
    bit_rate: int = 0,
    fmt: str = "",
    muxer: dict[str, str] | None = None,
) -> None:
    """Write so many seconds of music."""
    minute, wanted, made = music(60, rate, 3), int(seconds * rate), 0
    with av.open(str(path), "w", options=muxer or {}) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = "stereo"
        if bit_rate:
            stream.bit_rate = bit_rate
        if fmt:
            stream.format = fmt
        context = stream.codec_context
        fit = av.AudioResampler(format=context.format, layout=context.layout, rate=rate)
        size = context.frame_size or 4096
        while made < wanted:
            at = made % (minute.shape[1] - size)
            block = np.ascontiguousarray(minute[:, at : at + size].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="stereo")
            frame.sample_rate, frame.pts = rate, made
            made += size
            for part in fit.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def hours(path: Path, count: int) -> None:
    """Write hours of MP3 by saying one minute again and again: its first frame needs nothing of those before it."""
    encode(path, "libmp3lame", 60, bit_rate=128000, muxer={"write_xing": "0", "id3v2_version": "0"})
    minute = path.read_bytes()
    with path.open("wb") as out:
        for _ in range(count * 60):
            out.write(minute)


def made(work: Path, minutes: float) -> list[Path]:
    """Write one file of each common kind."""
    seconds = minutes * 60
    files = [work / name for name in ("a.mp3", "b.flac", "c.flac", "d.opus", "e.m4a", "f.ogg")]
    encode(files[0], "libmp3lame", seconds, bit_rate=192000)
    encode(files[1], "flac", seconds, fmt="s16")
    encode(files[2], "flac", seconds, rate=96000, fmt="s32")
    encode(files[3], "libopus", seconds, rate=48000, bit_rate=128000)
    encode(files[4], "aac", seconds, bit_rate=192000)
    with soundfile.SoundFile(files[5], "w", 44100, 2, "VORBIS") as out:
        minute = music(60, 44100, 3).T
        for _ in range(max(1, round(minutes))):
            out.write(minute)
    return files


def cpu(command: list[str]) -> tuple[float, float]:
    """Run a command and return CPU seconds of it and all it began, and seconds by the clock."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - began


def compare(files: list[str], rounds: int) -> None:
    """Print CPU beside a bare decode and beside pydub, and the gain of a second process."""
    commands = {
        "bare PyAV": [sys.executable, "-c", BARE, *files],
        "examine, 1 job": [*EXAMINE, "1", *files],
        "examine, 2 jobs": [*EXAMINE, "2", *files],
        "pydub": [sys.executable, "-c", PYDUB, *files],
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(cpu(command))
    for name, times in found.items():
        ratios = [one[0] / bare[0] for one, bare in zip(times, found["bare PyAV"], strict=True)]
        print(f"{name:<16} CPU {statistics.median(one[0] for one in times):6.2f} s, clock "
              f"{statistics.median(one[1] for one in times):6.2f} s, CPU of the bare decode x {statistics.median(ratios):.2f} "
              f"({min(ratios):.2f} to {max(ratios):.2f})")  # fmt: skip
    gains = [one[1] / two[1] for one, two in zip(found["examine, 1 job"], found["examine, 2 jobs"], strict=True)]
    print(f"two jobs instead of one: {statistics.median(gains):.2f} x faster ({min(gains):.2f} to {max(gains):.2f})")


def memory(file: Path) -> None:
    """Examine a file and print the greatest memory of each process, and of all of them together."""
    process = subprocess.Popen([*EXAMINE, "1", str(file)], stdout=subprocess.PIPE, text=True)
    most: dict[str, int] = {}
    together = 0
    while process.poll() is None:
        now = {name: size for pid in family(process.pid) if (size := resident(pid)) for name in [kind(pid)]}
        together = max(together, sum(now.values()))
        for name, size in now.items():
            most[name] = max(most.get(name, 0), size)
        time.sleep(0.1)
    print(f"{file.name} ({file.stat().st_size >> 20} MiB): {(process.stdout.read() if process.stdout else '').strip()}")
    print(f"  together {together >> 20} MiB; " + ", ".join(f"{name} {size >> 20} MiB" for name, size in most.items()))


def family(pid: int) -> list[int]:
    """Return a process and those it began."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += (task / "children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in dict.fromkeys(children) for one in family(int(child)))]


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def kind(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    return next((word.decode() for word in words if word.startswith(b"archiver")), "archiver")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="archiver-examine-") as directory:
        work = Path(directory)
        if arguments.long:
            encode(work / "three-hours.flac", "flac", 3 * 3600, fmt="s16")
            memory(work / "three-hours.flac")
            (work / "three-hours.flac").unlink()
            hours(work / "ten-hours.mp3", 10)
            memory(work / "ten-hours.mp3")
            return
        files = arguments.files or made(work, arguments.minutes)
        compare([str(file) for file in files], arguments.rounds)


if __name__ == "__main__":
    main()
