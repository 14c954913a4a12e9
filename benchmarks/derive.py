"""Opus listening copies beside the `ffmpeg` command, for the same files: CPU seconds of each, in turns, and their ratio.

    pip install imageio-ffmpeg
    python benchmarks/derive.py MUSIC… [--rounds 5]

Without MUSIC it takes the recordings of the test data (ARCHIVER_TEST_DATA) and FLAC copies of them. Ours counts everything that the
process of the listening room uses for all the files, its start included, its proof of every page, and its peak of memory;
theirs is `ffmpeg -i FILE -map 0:a:0 -c:a libopus -b:a 75k -vbr constrained -ar 48000 OUT`, once for each file.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg

from archiver.audio.derive_pool import DerivePool
from archiver.core.derivatives import Kind, Order
from archiver.core.fixity import Algorithm, Digest
from archiver.core.objects import StagedFile

NO_DIGEST = Digest(Algorithm.SHA256, "0" * 64)


def used() -> float:
    """CPU seconds of the children that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def ours(files: list[Path], kinds: tuple[Kind, ...]) -> tuple[float, int]:
    before, bytes_ = used(), 0
    pool = DerivePool(1)
    for file in files:
        made = pool.derive(StagedFile(file, file.stat().st_size, NO_DIGEST), Order(kinds, (("TITLE", file.name),)))
        if made.unmade:
            sys.exit(f"{file}: {made.unmade}")
        bytes_ += sum(one.file.size for one in made.products)
        for left in file.parent.glob("made-*"):
            shutil.rmtree(left)
    pool.close()
    return used() - before, bytes_


def theirs(files: list[Path], out: Path) -> tuple[float, int]:
    before, bytes_ = used(), 0
    for file in files:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", str(file), "-map", "0:a:0"]
        command += ["-c:a", "libopus", "-b:a", "75k", "-vbr", "constrained", "-ar", "48000", str(out)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        bytes_ += out.stat().st_size
    return used() - before, bytes_


def recordings(given: list[Path], scratch: Path) -> list[Path]:
    """Copies of the files on our own ground, and FLAC copies where none were named."""
    if not given:
        given = sorted((Path(os.environ["ARCHIVER_TEST_DATA"]) / "audio" / "real").glob("*.[mo][pg][3g]"))
    found = []
    for file in given:
        copy = scratch / file.name
        shutil.copy(file, copy)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", str(copy), "-map", "0:a:0"]
        flac = copy.with_suffix(".flac")
        if subprocess.run([*command, str(flac)], check=False, stderr=subprocess.DEVNULL).returncode:
            copy.unlink()  # their decoder refuses it: nothing to compare
            continue
        found += [copy, flac] if copy.suffix != ".flac" else [copy]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("music", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = recordings(arguments.music, Path(scratch))
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
        ratios, every = [], []
        for number in range(1, arguments.rounds + 1):
            mine, our_bytes = ours(files, (Kind.OPUS,))
            other, their_bytes = theirs(files, Path(scratch) / "out.opus")
            whole, _ = ours(files, (Kind.OPUS, Kind.WAVEFORM, Kind.SPECTROGRAM, Kind.PREVIEW, Kind.LOUDNESS))
            ratios.append(mine / other)
            every.append(whole / other)
            print(
                f"round {number}: ours {mine:.2f} s CPU, ffmpeg {other:.2f} s, ratio {mine / other:.2f}; "
                f"all kinds at once {whole:.2f} s, ratio {whole / other:.2f}; bytes {our_bytes / their_bytes:.4f}"
            )
        print(
            f"opus: median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), goal 1.10; "
            f"all kinds: {statistics.median(every):.2f}"
        )


if __name__ == "__main__":
    main()
