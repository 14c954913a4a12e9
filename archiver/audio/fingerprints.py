"""Chromaprint's fingerprint of a file, by the ``ffmpeg`` of the extra ``fingerprint``: a program, begun inside the process that decodes."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import TYPE_CHECKING

from archiver.audio.decoding import DEMUXERS

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120
"""From the beginning: as much as others take, so that fingerprints can be compared with theirs."""
PATIENCE = 120


def is_possible() -> bool:
    """Tell whether the extra is installed."""
    return importlib.util.find_spec("imageio_ffmpeg") is not None


def fingerprint(path: Path) -> str:
    """Return the fingerprint in hexadecimal, or nothing where none could be made.

    The program is told which containers and protocols it may open, and has the limits of the process that begins it.

    Args:
        path: Absolute; it was decoded before.
    """
    import imageio_ffmpeg

    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-v", "error", "-nostdin", "-threads", "1"),
        *("-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS),
        *("-t", str(SECONDS), "-i", f"file:{path}", "-map", "0:a:0"),
        *("-f", "chromaprint", "-fp_format", "raw", "pipe:1"),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - the program of a library, by its full path, without a shell
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=PATIENCE, cwd="/"
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout[: len(done.stdout) // 4 * 4].hex()
