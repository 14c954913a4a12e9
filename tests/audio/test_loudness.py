"""Loudness by EBU's own test signals, and what levels say of a recording."""

from __future__ import annotations

import numpy as np
import pytest

from archiver.audio.loudness import LoudnessMeter
from archiver.audio.sounding import Sound
from archiver.core.loudness import Sign, parse_loudness
from tests.listening import encoded

RATE = 48_000


def tone(decibels, seconds, *, hertz=1000.0, rate=RATE):
    """A sine of so many dBFS, in both channels."""
    wave = 10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return np.tile(np.round(wave * 32767).astype(np.int16), (2, 1))


def measured(tmp_path, samples, **options):
    file = tmp_path / "a.flac"
    file.write_bytes(encoded(samples, **{"rate": RATE, **options}))
    meter, sound = LoudnessMeter(), Sound(file)
    for frame in sound.frames():
        meter.took(frame)
    meter.took(None)
    return meter.found()


# EBU Tech 3341, table 1: cases 1 to 5 (1 kHz sine in stereo) with +-0.1 LU; 40 seconds in place of 60 in cases 3 and 4.
@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ([(-23.0, 20)], -23.0),
        ([(-33.0, 20)], -33.0),
        ([(-36.0, 10), (-23.0, 40), (-36.0, 10)], -23.0),
        ([(-72.0, 10), (-36.0, 10), (-23.0, 40), (-36.0, 10), (-72.0, 10)], -23.0),
        ([(-26.0, 20), (-20.0, 20.1), (-26.0, 20)], -23.0),
    ],
)
def test_the_loudness_is_that_of_ebu_s_signals(tmp_path, parts, wanted):
    found = measured(tmp_path, np.concatenate([tone(*part) for part in parts], axis=1))
    assert found.integrated == pytest.approx(wanted, abs=0.1)


# EBU Tech 3342, table 1: cases 1 and 2 with +-1 LU.
@pytest.mark.parametrize(("first", "second", "wanted"), [(-20.0, -30.0, 10.0), (-20.0, -15.0, 5.0)])
def test_the_range_is_that_of_ebu_s_signals(tmp_path, first, second, wanted):
    found = measured(tmp_path, np.concatenate([tone(first, 20), tone(second, 20)], axis=1))
    assert found.range == pytest.approx(wanted, abs=1.0)


def test_a_true_peak_lies_between_the_samples(tmp_path):
    # A quarter of the rate, an eighth of a turn late: samples reach 0.707 of what the curve reaches between them.
    time = np.arange(RATE)
    gently = np.minimum(1, np.minimum(time, time[::-1]) / 5000)  # a sudden beginning would overshoot
    wave = np.round(0.5 * gently * np.sin(np.pi / 2 * time + np.pi / 4) * 32767).astype(np.int16)
    found = measured(tmp_path, np.tile(wave, (2, 1)))
    assert found.peaks[0] == pytest.approx(-9.03, abs=0.05)
    assert found.true_peak == pytest.approx(-6.0, abs=0.2)


def test_a_sound_recording_has_no_sign_and_survives_being_written_down(tmp_path):
    found = measured(tmp_path, tone(-20.0, 3))
    assert found.signs == ()
    assert found.seconds == 3
    assert parse_loudness(found.to_json()) == found


def test_digital_silence_and_the_noise_of_a_converter_are_silent(tmp_path):
    for samples in (
        np.zeros((2, RATE), np.int16),
        np.random.default_rng(1).integers(-3, 4, (2, RATE)).astype(np.int16),
    ):
        found = measured(tmp_path, samples)
        assert found.signs == (Sign.SILENT,)
        assert found.silent == found.longest_silence == 1.0
    assert measured(tmp_path, np.zeros((2, RATE), np.int16)).integrated is None


def test_music_with_long_silence_is_mostly_silent(tmp_path):
    found = measured(tmp_path, np.concatenate([tone(-20.0, 2), np.zeros((2, 5 * RATE), np.int16)], axis=1))
    assert found.signs == (Sign.MOSTLY_SILENT,)
    assert found.longest_silence == 5.0


def test_a_flat_topped_recording_is_clipped_and_one_that_only_touches_full_scale_is_not(tmp_path):
    loud = np.clip(tone(0.0, 2).astype(np.int32) * 2, -32767, 32767).astype(np.int16)
    assert measured(tmp_path, loud).signs == (Sign.CLIPPED,)
    assert measured(tmp_path, tone(0.0, 2)).signs == ()


def test_a_channel_that_is_dead_beside_a_living_one_is_named(tmp_path):
    samples = tone(-12.0, 2)
    samples[1] = 0
    found = measured(tmp_path, samples)
    assert found.signs == (Sign.CHANNEL_DEAD,)
    assert found.peaks[1] is None
    assert measured(tmp_path, samples[:1]).signs == ()


def test_what_is_shorter_than_the_standard_s_window_has_levels_and_no_loudness(tmp_path):
    found = measured(tmp_path, tone(-12.0, 0.05))
    assert found.integrated is None
    assert found.peaks[0] == pytest.approx(-12.0, abs=0.1)
