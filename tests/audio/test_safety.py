"""What hostile bytes cannot do: open what they name, use more than they may, take the run along."""

from __future__ import annotations

import os
import socket
import sys
import threading

import pytest

from archiver.audio.children import Child, ChildDiedError
from archiver.audio.pool import Pool
from archiver.core.examinations import Remark, Verdict
from tests.audio import made

SECRET = "secret.wav"
PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile {file}\n",
    "ffconcat with an address": "ffconcat version 1.0\nfile {url}\n",
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
    "HLS of a file": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{file}\n#EXT-X-ENDLIST\n",
    "SDP": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n",
    "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet mimeType="audio/mp4">'
    "<Representation><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "IMF": '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><Path>{file}</Path></AssetMap>',
    "PLS": "[playlist]\nFile1={url}\nNumberOfEntries=1\n",
}


@pytest.fixture(scope="module")
def room():
    pool = Pool(1, seconds=60)
    yield pool
    pool.close()


@pytest.fixture
def listener():
    """A socket that counts who comes."""
    server, came = socket.create_server(("127.0.0.1", 0)), []

    def wait():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            came.append(1)
            connection.close()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield server.getsockname()[1], came
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("extension", ["mp3", "m4a"])
def test_a_list_of_other_files_opens_none_of_them(room, tmp_path, listener, kind, extension):
    port, came = listener
    secret = made.encode(tmp_path / SECRET, "pcm_s16le")
    os.utime(secret, (1, 1))
    song = tmp_path / f"song.{extension}"
    song.write_text(PLAYLISTS[kind].format(file=secret, url=f"http://127.0.0.1:{port}/x.ts", port=port))

    found = room.examine(song, name=song.name)

    assert (found.verdict, found.format.samples, came) == (Verdict.UNDECODABLE, None, [])


def test_nothing_beside_the_file_is_executed(room, tmp_path, monkeypatch):
    for name in ("ffprobe", "ffmpeg", "sf", "python", "mutagen.py", "av.py", "numpy.py", "archiver.py", "json.py"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/executed\n" if "." not in name else "raise SystemExit(9)\n")
        path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    made.encode(tmp_path / "a.flac", "flac")
    pool = Pool(1, seconds=60)
    try:
        assert pool.examine((tmp_path / "a.flac").relative_to(tmp_path), name="a.flac").verdict is Verdict.VALID
    finally:
        pool.close()
    assert not (tmp_path / "executed").exists()


@pytest.fixture
def misbehaving(tmp_path, monkeypatch):
    """Write a module for a process, which answers requests as its body says."""

    children = []

    def written(body):
        (tmp_path / "misbehaving.py").write_text(
            f"from archiver.audio.limits import serve\ndef answer(request):\n    {body}\n    return {{}}\nserve(answer, seconds=1)\n"
        )
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
        children.append(Child("misbehaving"))
        return children[-1]

    yield written
    for child in children:
        child.end()


def test_who_uses_up_the_computing_time_is_ended_for_that(misbehaving):
    child = misbehaving("while True: pass")
    with pytest.raises(ChildDiedError) as raised:
        child.ask({"path": ""}, seconds=60)
    assert raised.value.is_out_of_time


def test_who_wants_too_much_memory_is_refused_it(misbehaving):
    child = misbehaving("bytearray(3 << 30)")
    with pytest.raises(ChildDiedError) as raised:
        child.ask({"path": ""}, seconds=60)
    assert not raised.value.is_out_of_time


def test_who_writes_a_file_is_refused(misbehaving, tmp_path):
    child = misbehaving(f"open({str(tmp_path / 'written')!r}, 'wb', 0).write(b'x')")
    with pytest.raises(ChildDiedError):
        child.ask({"path": ""}, seconds=60)
    assert not (tmp_path / "written").exists() or not (tmp_path / "written").read_bytes()


def test_who_hangs_is_killed(misbehaving):
    child = misbehaving("import time; time.sleep(60)")
    with pytest.raises(TimeoutError):
        child.ask({"path": ""}, seconds=1)
    assert child.process is None


def test_computing_too_long_is_a_finding_of_its_own(tmp_path):
    path = made.encode(tmp_path / "long.opus", "libopus", made.sound(1, rate=48000), rate=48000)
    pool = Pool(1, seconds=60)
    pool.idle.get()
    pool.idle.put(_AlwaysOutOfTime())
    try:
        found = pool.examine(path, name="long.opus")
    finally:
        pool.close()
    assert [remark.code for remark in found.remarks] == [Remark.LIMIT]


class _AlwaysOutOfTime:
    def ask(self, request, *, seconds):
        raise ChildDiedError(-24)

    def end(self):
        return None


def test_more_channels_than_can_be_meant_are_not_decoded(room, tmp_path):
    path = made.encode(tmp_path / "many.wav", "pcm_s16le")
    data = bytearray(path.read_bytes())
    place = data.index(b"fmt ") + 8
    data[place + 2 : place + 4] = (200).to_bytes(2, "little")
    data[place + 12 : place + 14] = (400).to_bytes(2, "little")
    path.write_bytes(data)

    assert room.examine(path, name="many.wav").verdict is Verdict.UNDECODABLE
