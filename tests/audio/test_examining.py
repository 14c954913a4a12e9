"""Real decoders over the sample audio, good and damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib

import pytest

from archiver.audio.ogg_pages import page_checksum
from archiver.audio.pool import Pool
from archiver.core.examinations import Remark, Verdict, parse_examination
from tests.data_dir import shared_data

GOOD = [
    "clip-aac.m4a",
    "clip-alac.m4a",
    "clip-cbr128.mp3",
    "clip-v0.mp3",
    "clip.ogg",
    "clip.shn",
    "clip.wv",
    "clip16.aiff",
    "clip16.flac",
    "clip16.wav",
    "clip24-96.flac",
    "clip24.wav",
    "clip75.opus",
]
DAMAGED = [
    "clip-aac__no-moov.m4a",
    "clip-cbr128__bitflip.mp3",
    "clip-cbr128__id3-only.mp3",
    "clip-cbr128__junk-prefix.mp3",
    "clip-cbr128__trunc50.mp3",
    "clip16__md5-wrong.flac",
    "clip75__crc-field.opus",
    "clip75__trunc50.opus",
    "clip__bitflip.ogg",
    "clip__page-dropped.ogg",
    "clip__trunc-at-page.ogg",
    "ffconcat-lfi.mp3",
    "garbage-after-id3.mp3",
    "html-page.mp3",
    "really-ogg.mp3",
    "zero-length.mp3",
]


@pytest.fixture(scope="module")
def room():
    pool = Pool(1, seconds=60)
    yield pool
    pool.close()


def codes(found):
    return {remark.code for remark in found.remarks}


@pytest.mark.parametrize("name", GOOD)
def test_no_alarm_on_a_good_file(room, name):
    path = shared_data("audio", "good", name)
    found = room.examine(path, name=path.name)

    assert (found.verdict, found.remarks) == (Verdict.VALID, ())
    assert found.format.samples
    assert len(found.packets_sha256) == 64
    assert parse_examination(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize("name", DAMAGED)
def test_every_damaged_sample_is_found(room, name):
    path = shared_data("audio", "damaged-sample", name)
    assert room.examine(path, name=path.name).verdict is not Verdict.VALID


def test_a_file_that_one_decoder_refuses_and_another_plays_is_not_undecodable(room):
    path = shared_data("audio", "real", "hr-savino-caribbean.ogg")

    assert codes(room.examine(path, name=path.name)) == {Remark.REFUSED_BY_ONE}


def test_a_text_that_names_another_file_does_not_make_the_decoder_open_it(room, tmp_path):
    (tmp_path / "secret.wav").write_bytes((shared_data("audio", "good", "clip16.wav")).read_bytes())
    (tmp_path / "song.mp3").write_text("ffconcat version 1.0\nfile secret.wav\n")

    found = room.examine(tmp_path / "song.mp3", name="song.mp3")

    assert found.verdict is Verdict.UNDECODABLE
    assert found.format.samples is None


def test_lossless_copies_of_one_master_have_one_digest(room):
    wav = room.examine(shared_data("audio", "good", "clip16.wav"), name="a.wav")
    flac = room.examine(shared_data("audio", "good", "clip16.flac"), name="a.flac")

    assert wav.pcm_md5 == flac.pcm_md5 != ""


@pytest.mark.parametrize(
    "name", ["clip-cbr128.mp3", "clip16.flac", "clip.ogg", "clip75.opus", "clip16.wav", "clip16.aiff"]
)
@pytest.mark.parametrize("tenths", [3, 7])
def test_a_file_cut_anywhere_is_damaged(room, tmp_path, name, tenths):
    whole = (shared_data("audio", "good", name)).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * tenths // 10])

    assert room.examine(tmp_path / name, name=name).verdict in {Verdict.DAMAGED, Verdict.UNDECODABLE}


def test_a_worker_that_died_is_replaced_and_the_next_file_is_answered():
    pool = Pool(1, seconds=60)
    try:
        pool.examine(shared_data("audio", "good", GOOD[0]), name="first")
        worker = pool.idle.get()
        worker.process.kill()
        worker.process.wait()
        pool.idle.put(worker)

        assert pool.examine(shared_data("audio", "good", GOOD[0]), name="second").verdict is Verdict.VALID
    finally:
        pool.close()


def test_a_file_that_takes_too_long_is_a_finding_of_that_file(tmp_path):
    pool = Pool(1, seconds=0)
    try:
        assert pool.examine(shared_data("audio", "good", GOOD[0]), name="slow").verdict is Verdict.UNDECODABLE
    finally:
        pool.close()


def test_a_missing_file_is_a_finding(room, tmp_path):
    assert codes(room.examine(tmp_path / "absent.mp3", name="absent.mp3")) == {Remark.UNREADABLE}


def test_the_command_answers_each_file_and_says_by_its_status_that_one_is_damaged():
    damaged = shared_data("audio", "damaged-sample", "clip16__md5-wrong.flac")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "archiver",
            "examine",
            shared_data("audio", "good", GOOD[0]),
            damaged,
            "--output",
            "jsonl",
        ],
        capture_output=True,
        check=False,
        text=True,
        env=os.environ,
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert {line["verdict"] for line in lines[:-1]} == {"valid", "damaged"}
    assert lines[-1]["summary"]["files"] == 2


def test_the_checksum_of_a_page_of_ogg_is_its_own():
    data = (shared_data("audio", "good", "clip.ogg")).read_bytes()
    page = data[: data.index(b"OggS", 4)]

    assert page_checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
    assert page_checksum(page) != zlib.crc32(page)
