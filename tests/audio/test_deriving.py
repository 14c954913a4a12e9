"""What is made of recordings: complete, the same each time, whatever the container; and files that kill their decoder."""

from __future__ import annotations

import json
import shutil
import struct

import av
import numpy as np
import pytest

from archiver.audio.derive_pool import DerivePool
from archiver.audio.previews import Preview
from archiver.audio.spectrogram import MOST_COLUMNS, ROWS, Spectrogram
from archiver.audio.waveform import MOST_STRETCHES, Waveform, outline_svg, peaks_json
from archiver.core.derivatives import Because, Kind, Order
from archiver.core.fixity import digest_of
from archiver.core.objects import StagedFile
from tests.listening import comments_of, decoded, encoded, recording

SOUND = (Kind.OPUS, Kind.WAVEFORM, Kind.SPECTROGRAM, Kind.PREVIEW, Kind.LOUDNESS)


@pytest.fixture(scope="module")
def pool():
    made = DerivePool(1, seconds=60)
    yield made
    made.close()


def staged(tmp_path, content, name="source"):
    path = tmp_path / name
    path.write_bytes(content)
    return StagedFile(path, len(content), digest_of(content))


def made(pool, source, *kinds, tags=()):
    """Suffix by kind to bytes, and the reasons of what was not made."""
    result = pool.derive(source, Order(kinds or SOUND, tags))
    products = {f"{one.kind}{one.suffix}": one.file.path.read_bytes() for one in result.products}
    assert all(digest_of(products[f"{one.kind}{one.suffix}"]) == one.file.sha256 for one in result.products)
    for left in source.path.parent.glob("made-*"):
        shutil.rmtree(left)
    return products, {one.kind: one.reason for one in result.unmade}


@pytest.mark.parametrize(
    ("form", "codec", "rate", "slack"),
    [
        ("flac", "flac", 44_100, 0),
        ("wav", "pcm_s24le", 96_000, 0),
        ("aiff", "pcm_s16be", 22_050, 0),
        ("mp3", "libmp3lame", 44_100, 2400),
        ("ogg", "libopus", 48_000, 960),
        ("mp4", "aac", 44_100, 2400),
    ],
)
def test_every_container_gives_everything_of_the_right_length_and_the_same_bytes_again(
    tmp_path, pool, form, codec, rate, slack
):
    source = staged(tmp_path, recording(2.5, rate=rate, form=form, codec=codec))
    products, unmade = made(pool, source)
    assert unmade == {}
    assert products.keys() == {
        "opus.opus",
        "waveform.json",
        "waveform.svg",
        "spectrogram.png",
        "preview.opus",
        "loudness.json",
    }
    assert abs(decoded(products["opus.opus"]).shape[1] - 2.5 * 48_000) <= slack
    again = DerivePool(1)
    try:
        assert made(again, source) == (products, unmade)
    finally:
        again.close()


def test_hostile_tags_stay_text(tmp_path, pool):
    tags = (("TITLE", "a=b\N{RIGHT-TO-LEFT OVERRIDE}<script>"), ("LICENSE", "x" * 1000), ("ARTIST", "\N{SNOWMAN}"))
    products, _ = made(pool, staged(tmp_path, recording(0.5)), Kind.OPUS, tags=tags)
    found = comments_of(products["opus.opus"])
    assert {key.upper(): value for key, value in found.items() if key.upper() != "ENCODER"} == dict(tags)


def test_a_text_that_names_another_file_opens_none(tmp_path, pool):
    (tmp_path / "secret.wav").write_bytes(recording(1, form="wav", codec="pcm_s16le"))
    source = staged(tmp_path, b"ffconcat version 1.0\nfile secret.wav\n", "song.mp3")
    assert made(pool, source) == ({}, dict.fromkeys(SOUND, Because.NO_AUDIO))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xef\xbb\xbf <!DOCTYPE html><html>" + b"x" * 2000, Because.WEB_PAGE),
        (bytes(5000), Because.NO_AUDIO),
        (b"", Because.NO_AUDIO),
        (b"fLaC" + bytes(100), Because.NO_AUDIO),
    ],
)
def test_what_is_no_sound_is_said_to_be_none(tmp_path, pool, content, reason):
    assert made(pool, staged(tmp_path, content)) == ({}, dict.fromkeys(SOUND, reason))


def test_a_truncated_recording_gives_what_there_is_of_it(tmp_path, pool):
    content = recording(4)
    products, unmade = made(pool, staged(tmp_path, content[: len(content) // 2]), Kind.OPUS, Kind.PREVIEW)
    assert unmade == {}
    assert 0.5 < decoded(products["opus.opus"]).shape[1] / 48_000 < 4


@pytest.mark.parametrize(
    ("channels", "unmade"), [(7, {}), (40, {Kind.OPUS: Because.UNSUPPORTED, Kind.PREVIEW: Because.UNSUPPORTED})]
)
def test_more_channels_than_are_usual_give_what_can_be_made_of_them(tmp_path, pool, channels, unmade):
    samples = np.random.default_rng(3).integers(-9000, 9000, 4410 * channels).astype("<i2").tobytes()
    form = struct.pack("<IHHIIHH", 16, 1, channels, 44_100, 44_100 * 2 * channels, 2 * channels, 16)
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + form
    source = staged(tmp_path, head + b"data" + struct.pack("<I", len(samples)) + samples)
    products, found = made(pool, source)
    assert found == unmade
    assert len(json.loads(products["loudness.json"])["peaks"]) == channels


def test_a_preview_of_a_file_that_lies_about_its_length_is_its_beginning():
    for declared, seconds, wanted, begins in [
        (36_000.0, 40, 30, 0.0),
        (None, 40, 30, 0.0),
        (160.0, 80, 30, 40.0),
        (80.0, 45, 25, 20.0),
    ]:
        preview = Preview(declared)
        for _ in range(seconds):
            frame = av.AudioFrame(format="s16", layout="stereo", samples=48_000)
            frame.sample_rate = 48_000
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            preview.took(frame)
        preview.took(None)
        kept, where = preview.kept()
        assert (len(kept) / (48_000 * 4), where) == (wanted, begins), declared


def test_a_file_that_takes_too_long_ends_its_own_process_only(tmp_path):
    pool = DerivePool(1, seconds=1)
    try:
        long = staged(tmp_path, encoded(np.zeros((2, 1200 * 48_000), np.int16), rate=48_000), "long.flac")
        _, unmade = made(pool, long)
        assert set(unmade.values()) <= {Because.WORKER_DIED, Because.LIMIT}
        assert unmade.keys() == set(SOUND)
        products, unmade = made(pool, staged(tmp_path, recording(0.2), "short.flac"), Kind.WAVEFORM)
        assert (products.keys(), unmade) == ({"waveform.json", "waveform.svg"}, {})
    finally:
        pool.close()


@pytest.mark.parametrize("total", [1, 255, 256, 257, 100_000, MOST_STRETCHES * 256 - 1, MOST_STRETCHES * 256 * 3 + 77])
def test_a_waveform_taken_in_pieces_is_that_of_the_whole(total):
    chance = np.random.default_rng(total)
    samples = chance.integers(-32768, 32767, (2, total)).astype(np.int16)
    wave, at = Waveform(), 0
    while at < total:
        step = int(chance.integers(1, 70_000))
        wave.took(samples[:, at : at + step])
        at += step
    low, high = wave.pairs()
    starts = range(0, total, wave.stretch)
    assert low.tolist() == [int(samples[:, at : at + wave.stretch].min()) for at in starts]
    assert high.tolist() == [int(samples[:, at : at + wave.stretch].max()) for at in starts]
    assert low.size <= MOST_STRETCHES
    assert len(json.loads(peaks_json(wave, rate=44_100))["data"]) == 2 * low.size
    assert outline_svg(wave).count(b"L") < 2 * 1025


def test_a_spectrogram_does_not_grow_with_the_recording():
    picture, block = Spectrogram(), np.zeros((1, 1 << 18), np.int16)
    block[0] = (8000 * np.sin(2 * np.pi * 0.25 * np.arange(1 << 18))).astype(np.int16)
    for _ in range(40):
        picture.took(block)
    content = picture.png()
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    assert height == ROWS
    assert MOST_COLUMNS // 2 <= width <= MOST_COLUMNS + 1
