"""What is odd and legal gives no alarm; what sounds the same has the same digest, whatever is wrapped around it."""

from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from archiver.audio.ogg_pages import page_checksum
from archiver.audio.pool import Pool
from archiver.core.examinations import Levels, Remark, Verdict
from tests.audio import made

FORMATS = {
    "raw.aac": ("aac", {"muxer": "adts"}),
    "a.w64": ("pcm_s16le", {"muxer": "w64"}),
    "rf64.wav": ("pcm_s16le", {"rf64": "always"}),
    "a.mp2": ("mp2", {"bit_rate": 192000}),
    "a.caf": ("pcm_s16be", {}),
    "a.au": ("pcm_s16be", {}),
    "float.wav": ("pcm_f32le", {}),
    "adpcm.wav": ("adpcm_ima_wav", {}),
    "a.tta": ("tta", {}),
    "a.mka": ("flac", {"muxer": "matroska"}),
    "a.wma": ("wmav2", {"muxer": "asf", "bit_rate": 128000}),
    "fragments.m4a": ("aac", {"muxer": "mp4", "movflags": "frag_keyframe+empty_moov"}),
    "front.m4a": ("alac", {"muxer": "ipod", "movflags": "faststart", "fmt": "s16p"}),
}
TAILS = {
    "ID3v1": made.ID3V1,
    "APEv2": made.ape(),
    "APEv1": made.ape(has_header=False),
    "APEv2 and ID3v1": made.ape() + made.ID3V1,
    "Lyrics3v2 and ID3v1": made.LYRICS2 + made.ID3V1,
    "Lyrics3v1": made.LYRICS1 + made.ID3V1,
    "ID3v2 with a footer": made.ID3V2_FOOT,
    "TAG+": b"TAG+" + bytes(223) + made.ID3V1,
    "zeros": bytes(4096),
}


@pytest.fixture(scope="module")
def room():
    pool = Pool(1, seconds=60)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def mp3(tmp_path_factory):
    return made.encode(tmp_path_factory.mktemp("mp3") / "a.mp3", "libmp3lame", bit_rate=128000).read_bytes()


def said(room, path):
    found = room.examine(path, name=path.name)
    return found.verdict, [(remark.code, remark.detail) for remark in found.remarks]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_that_is_rare_gives_no_alarm(room, tmp_path, name):
    codec, options = FORMATS[name]
    assert said(room, made.encode(tmp_path / name, codec, **options)) == (Verdict.VALID, [])


def test_free_format_gives_no_alarm_and_a_hole_in_it_does(room, tmp_path):
    path = made.free_format(tmp_path / "free.mp3")
    assert said(room, path) == (Verdict.VALID, [])

    data = path.read_bytes()
    path.write_bytes(data[:5000] + data[5100:])
    assert said(room, path)[0] is not Verdict.VALID


@pytest.mark.parametrize("tail", TAILS)
def test_tags_at_the_tail_give_no_alarm_and_change_no_digest(room, tmp_path, mp3, tail):
    (tmp_path / "bare.mp3").write_bytes(mp3)
    (tmp_path / "tagged.mp3").write_bytes(made.ID3V2 + made.ID3V2 + mp3 + TAILS[tail])
    bare, tagged = (room.examine(tmp_path / name, name=name) for name in ("bare.mp3", "tagged.mp3"))

    assert (tagged.verdict, tagged.remarks) == (Verdict.VALID, ())
    assert tagged.packets_sha256 == bare.packets_sha256


def test_ogg_streams_one_behind_the_other_give_no_alarm(room, tmp_path):
    for number in (1, 2):
        soundfile.write(tmp_path / f"{number}.ogg", made.sound(seed=number).T, made.RATE, subtype="VORBIS")
    chained = tmp_path / "chained.ogg"
    chained.write_bytes((tmp_path / "1.ogg").read_bytes() + (tmp_path / "2.ogg").read_bytes())

    assert said(room, chained) == (Verdict.VALID, [])


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_flac_of_every_depth_has_the_digest_that_it_states(room, tmp_path, subtype):
    path = tmp_path / "a.flac"
    soundfile.write(path, made.sound().T, made.RATE, subtype=subtype)
    assert said(room, path) == (Verdict.VALID, [])


def test_a_flipped_bit_in_flac_without_an_md5_shows_by_the_checksum_of_its_frame(room, tmp_path):
    path = made.encode(tmp_path / "a.flac", "flac")
    data = bytearray(path.read_bytes())
    data[26:42] = bytes(16)
    data[len(data) // 2] ^= 8
    path.write_bytes(data)

    assert Remark.DECODER_ERROR in {code for code, _ in said(room, path)[1]}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>" * 100, Remark.NOT_AUDIO),
        (b"#EXTM3U\nfile:///etc/passwd\n", Remark.NOT_AUDIO),
        (bytes(5000), Remark.NOT_AUDIO),
        (b"\xff\xfb\x90\x64" + bytes(range(251)) * 100, Remark.NOT_DECODED),
    ],
)
def test_what_is_no_audio_is_undecodable(room, tmp_path, content, code):
    (tmp_path / "song.mp3").write_bytes(content)
    verdict, remarks = said(room, tmp_path / "song.mp3")

    assert verdict is Verdict.UNDECODABLE
    assert code in {one for one, _ in remarks}


def test_no_place_on_this_machine_stands_in_an_answer(room, tmp_path):
    (tmp_path / "song.mp3").write_bytes(b"ffconcat version 1.0\nfile secret.wav\n")
    assert str(tmp_path) not in str(room.examine(tmp_path / "song.mp3", name="song.mp3"))


@pytest.mark.parametrize("name", ["a.w64", "a.aac", "a.aiff", "a.caf", "a.au", "a.wv"])
def test_every_walk_sees_a_cut(room, tmp_path, name):
    codec = {"aac": "aac", "wv": "wavpack", "w64": "pcm_s16le"}.get(name[2:], "pcm_s16be")
    path = made.encode(tmp_path / name, codec, fmt="s16p" if codec == "wavpack" else "")
    path.write_bytes(path.read_bytes()[:-3001])

    assert said(room, path)[0] in {Verdict.DAMAGED, Verdict.UNDECODABLE}


def test_a_chunk_of_odd_length_without_its_padding_gives_no_alarm(room, tmp_path):
    path = made.encode(tmp_path / "a.wav", "pcm_s16le")
    data = path.read_bytes()
    place = data.index(b"fmt ")
    note = b"note" + (5).to_bytes(4, "little") + b"hello"
    grown = data[:place] + note + data[place:]
    path.write_bytes(grown[:4] + (len(grown) - 8).to_bytes(4, "little") + grown[8:])

    assert Remark.TRUNCATED not in {code for code, _ in said(room, path)[1]}


def test_mpeg_audio_that_goes_from_two_channels_to_one_is_decoded_to_its_end(room, tmp_path):
    """A queue of PyAV's reads beyond frames with fewer channels: it ended the process that decodes."""
    parts = []
    for number, (rows, layout) in enumerate(((made.sound(), "stereo"), (made.sound(channels=1), "mono"))):
        path = tmp_path / f"{number}.mp3"
        made.encode(path, "libmp3lame", rows, layout=layout, bit_rate=64000, write_xing="0", id3v2_version="0")
        parts.append(path.read_bytes())
    (tmp_path / "both.mp3").write_bytes(b"".join(parts))
    found = room.examine(tmp_path / "both.mp3", name="both.mp3")

    assert found.format.samples > 80_000
    assert Remark.WORKER_DIED not in {remark.code for remark in found.remarks}


def test_a_name_that_is_no_utf_8_is_no_alarm(room, tmp_path):
    path = made.encode(tmp_path / "a.flac", "flac")
    odd = tmp_path / os.fsdecode(b"caf\xe9.flac")
    path.rename(odd)
    found = room.examine(odd, name=odd.name)

    assert (found.verdict, found.format.puid) == (Verdict.VALID, "fmt/279")


def test_more_than_eight_channels_are_measured_and_nothing_beyond_them(room, tmp_path):
    """PyAV counts planes up to the first null behind them: reading those ended the process that decodes."""
    path = tmp_path / "ten.ogg"
    soundfile.write(path, made.sound(channels=10).T, made.RATE, subtype="VORBIS")
    found = room.examine(path, name=path.name)

    assert (found.verdict, found.format.channels) == (Verdict.VALID, 10)
    assert found.levels == Levels(None, is_silent=False)


def test_lossless_sound_has_its_peak_and_lossy_sound_only_whether_it_is_silent(room, tmp_path):
    quiet = made.encode(tmp_path / "quiet.opus", "libopus", made.sound(rate=48000) * 0, rate=48000)
    rows = made.sound()
    loud = made.encode(tmp_path / "loud.flac", "flac", rows)

    assert room.examine(quiet, name="quiet.opus").levels.is_silent
    peak = 20 * np.log10(np.abs(rows.astype(int)).max() / 32768)
    assert room.examine(loud, name="loud.flac").levels.peak_dbfs == pytest.approx(peak, abs=0.01)


def test_empty_packets_within_a_stream_give_no_alarm(room, tmp_path):
    """Vorbis I §4.3 allows them; a game of Debian's has one."""
    path = tmp_path / "a.ogg"
    soundfile.write(path, made.sound().T, made.RATE, subtype="VORBIS")
    data = path.read_bytes()
    last = data.rindex(b"OggS")
    page = bytearray(data[last:])
    page[26] += 1
    page[27 + page[26] - 1 : 27 + page[26] - 1] = b"\0"
    page[22:26] = page_checksum(bytes(page[:22]) + bytes(4) + bytes(page[26:])).to_bytes(4, "little")
    path.write_bytes(data[:last] + page)

    assert said(room, path) == (Verdict.VALID, [])
