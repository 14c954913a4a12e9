"""pydub where it is honest: short, on samples already decoded, and never a program of somebody's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from archiver.audio.clips import LONGEST, ClipTooLongError, clip, faded, levels
from tests.archive import environment

ROOT = Path(__file__).parents[2]


def samples(decibels=-6.0, seconds=1.0, *, rate=8000, channels=2):
    wave = 10 ** (decibels / 20) * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    return np.repeat(np.round(wave * 32767).astype("<i2"), channels).tobytes()


def test_levels_are_those_of_a_sine():
    mean, peak = levels(clip(samples(-6.0), rate=8000, channels=2))
    assert peak == pytest.approx(-6.0, abs=0.05)
    assert mean == pytest.approx(-9.03, abs=0.05)
    assert levels(clip(bytes(4000), rate=8000, channels=2)) == (None, None)
    assert levels(clip(b"", rate=8000, channels=2)) == (None, None)


def test_the_ends_are_faded_and_the_middle_is_left_alone():
    given = samples(-6.0, 4.0)
    found = np.frombuffer(faded(clip(given, rate=8000, channels=2), fade_in=1000, fade_out=2000), "<i2").reshape(-1, 2)
    whole = np.frombuffer(given, "<i2").reshape(-1, 2)
    assert found.shape == whole.shape
    assert np.array_equal(found[8100:15900], whole[8100:15900])
    assert abs(found[:80]).max() < 500
    assert abs(found[-80:]).max() < 500
    # What is shorter than its fades is faded over halves.
    assert len(faded(clip(samples(seconds=0.5), rate=8000, channels=2), fade_in=1000, fade_out=2000)) == 4000 * 4


def test_a_clip_that_is_too_long_is_refused_before_anything_is_loaded():
    class Long(bytes):
        def __len__(self):
            return int((LONGEST + 1) * 8000 * 2)

        def __bytes__(self):
            raise AssertionError("loaded")

    with pytest.raises(ClipTooLongError, match="expected at most 600 seconds, actual 601"):
        clip(Long(), rate=8000, channels=1)
    with pytest.raises(ValueError, match="whole samples"):
        clip(b"abc", rate=8000, channels=1)


def test_it_is_imported_without_a_warning_and_starts_nothing_from_where_it_stands(tmp_path):
    for name in ("ffmpeg", "ffprobe", "avconv", "avprobe", "ffplay"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        program.chmod(0o755)
    (tmp_path / "song.mp3").write_bytes(b"ID3" + bytes(2000))
    probe = (
        "from archiver.audio.clips import clip, faded, levels\n"
        "segment = clip(bytes(16000), rate=8000, channels=1)\n"
        "faded(segment, fade_in=10, fade_out=10), levels(segment)\n"
        "import pydub\n"
        "for attempt in (lambda: pydub.AudioSegment.from_file('song.mp3', codec='mp3'),\n"
        "                lambda: pydub.AudioSegment.from_file('song.mp3'),\n"
        "                lambda: segment.export('out.mp3', format='mp3')):\n"
        "    try:\n"
        "        attempt()\n"
        "    except OSError:\n"
        "        continue\n"
        "    raise SystemExit('a program was started')\n"
    )
    command = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", probe]  # pydub leaves files open
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(PATH=str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not (tmp_path / "started").exists()
