"""What files declare in their tags: every container, written by a library of its own, and everything hostile."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import wave
import zlib
from pathlib import Path

import av
import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.mp4
import mutagen.oggopus
import pytest

from archiver.audio.declarations import EmbeddedTagReader
from archiver.core.embedded import UNREAD
from archiver.core.fixity import digest_of
from archiver.core.objects import StagedFile

URL = "http://creativecommons.org/licenses/by/4.0/"
ROOT = Path(__file__).parents[2]


def encoded(path, codec, *, rate=48_000, seconds=0.2, **metadata):
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        stream = container.add_stream(codec, rate=rate)
        frame = av.AudioFrame(format="s16", layout="mono", samples=int(rate * seconds))
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def read(path):
    content = path.read_bytes()
    return EmbeddedTagReader().read(StagedFile(path, len(content), digest_of(content)), name="song")


def said(path):
    return [(declaration.field, declaration.raw) for declaration in read(path).declarations]


def id3(path, *frames, version=4, v1=0):
    tags = mutagen.id3.ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(path, v2_version=version, v1=v1)
    return path


def frame(name, content, flags=b"\0\0", *, version=4):
    size = len(content)
    safe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) if version == 4 else struct.pack(">I", size)
    return name + safe + flags + content


def tag(*frames, version=4, flags=0, padding=0):
    body = b"".join(frames) + bytes(padding)
    size = len(body)
    return b"ID3" + bytes([version, 0, flags]) + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


@pytest.mark.parametrize("version", [3, 4])
def test_id3_frames_that_speak_of_rights_are_read(tmp_path, version):
    path = encoded(tmp_path / "a.mp3", "mp3")
    id3(
        path,
        mutagen.id3.WCOP(url=URL),
        mutagen.id3.WOAF(url="http://example.org/claim"),
        mutagen.id3.TCOP(encoding=1, text=["2010 Jörg"]),
        mutagen.id3.TXXX(encoding=3, desc="LICENSE", text=["CC BY 4.0"]),
        mutagen.id3.COMM(encoding=1, lang="eng", desc="grüße", text=["All rights reserved"]),
        mutagen.id3.TIT2(encoding=3, text=["A title"]),
        version=version,
    )

    assert sorted(said(path)) == [
        ("id3.COMM", "All rights reserved"),
        ("id3.TCOP", "2010 Jörg"),
        ("id3.TXXX:LICENSE", "CC BY 4.0"),
        ("id3.WCOP", URL),
        ("id3.WOAF", "http://example.org/claim"),
    ]


def test_an_id3v1_comment_and_an_ape_tag_at_the_end_are_read(tmp_path):
    path = encoded(tmp_path / "a.mp3", "mp3")
    mp3, last = path.read_bytes(), b"TAG" + bytes(94) + b"CC BY-NC 3.0".ljust(28, b"\0") + bytes(3)
    item = struct.pack("<II", len(b"CC BY 4.0"), 0) + b"License\0CC BY 4.0"
    ape = item + b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, 0) + bytes(8)
    path.write_bytes(mp3 + ape + last)

    assert ("id3v1.comment", "CC BY-NC 3.0") in said(path)
    assert ("ape.License", "CC BY 4.0") in said(path)


@pytest.mark.parametrize(("name", "codec"), [("a.flac", "flac"), ("a.opus", "libopus"), ("a.mka", "libopus")])
def test_vorbis_comments_and_matroska_tags_are_read(tmp_path, name, codec):
    metadata = {"LICENSE": URL, "COPYRIGHT": "2010 Foo", "CONTACT": "http://example.org/"}
    path = encoded(tmp_path / name, codec, **metadata)

    room = "matroska" if name.endswith("mka") else "vorbis"
    found = dict(said(path))
    assert found[f"{room}.LICENSE"] == URL
    assert found[f"{room}.COPYRIGHT"] == "2010 Foo"


def test_comments_over_many_ogg_pages_are_read(tmp_path):
    path = encoded(tmp_path / "a.opus", "libopus")
    tags = mutagen.oggopus.OggOpus(path)
    tags["padding"] = "x" * 300_000
    tags["license"] = URL
    tags["copyright"] = "y" * 200_000
    tags.save()

    assert ("vorbis.LICENSE", URL) in said(path)


def test_mp4_lists_user_data_and_free_fields_are_read(tmp_path):
    path = encoded(tmp_path / "a.m4a", "aac", rate=44_100)
    tags = mutagen.mp4.MP4(path)
    tags["cprt"] = "2010 Foo. All rights reserved."
    tags["\xa9cpy"] = "2011 Bar"
    tags["----:com.apple.iTunes:LICENSE"] = [URL.encode()]
    tags.save()

    found = said(path)
    assert ("mp4.cprt", "2010 Foo. All rights reserved.") in found
    assert ("mp4.©cpy", "2011 Bar") in found
    assert ("mp4.----:LICENSE", URL) in found


def test_riff_info_and_an_id3_chunk_are_read(tmp_path):
    path = encoded(tmp_path / "a.wav", "pcm_s16le", copyright="(c) 2010 Foo", comment="Licensed under CC BY 4.0")
    with path.open("ab") as file:
        chunk = tag(frame(b"WCOP", URL.encode()))
        file.write(b"id3 " + struct.pack("<I", len(chunk)) + chunk)

    assert sorted(said(path)) == [
        ("id3.WCOP", URL),
        ("riff.ICMT", "Licensed under CC BY 4.0"),
        ("riff.ICOP", "(c) 2010 Foo"),
    ]


XMP = """<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:cc="http://creativecommons.org/ns#"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
 plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"><cc:license rdf:resource="URL"/>
 <xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">All rights reserved</rdf:li></rdf:Alt></xmpRights:UsageTerms>
 </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".replace("URL", URL)


@pytest.mark.parametrize("place", ["id3", "riff", "mp4", "picture"])
def test_xmp_is_read_wherever_it_lies(tmp_path, place):
    packet = XMP.encode()
    content = {
        "id3": tag(frame(b"PRIV", b"XMP\0" + packet)) + bytes(4000),
        "riff": b"RIFF\0\0\0\0WAVE" + b"_PMX" + struct.pack("<I", len(packet)) + packet,
        "mp4": struct.pack(">I", 16) + b"ftypM4A \0\0\0\0"
        + struct.pack(">I", 24 + len(packet)) + b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet,
        "picture": b"\xff\xd8\xff\xe1" + packet + b"\xff\xd9",
    }[place]  # fmt: skip
    path = tmp_path / "file"
    path.write_bytes(content)

    tags = read(path)
    assert ("xmp.cc:license", URL) in said(path)
    assert ("xmp.xmpRights:UsageTerms", "All rights reserved") in said(path)
    assert [(one.name, one.raw.rpartition("/")[2]) for one in tags.preferences] == [
        ("plus:DataMining", "DMI-PROHIBITED")
    ]


def test_an_xmp_packet_with_entities_is_a_damaged_tag(tmp_path):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>'
    path = tmp_path / "file"
    path.write_bytes(tag(frame(b"PRIV", b"XMP\0" + bomb)))

    assert read(path).declarations == ()
    assert "document type" in read(path).notes[0]


def test_text_behind_a_null_byte_does_not_hide(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(frame(b"WCOP", URL.encode() + b"\0All rights reserved")))

    assert said(path) == [("id3.WCOP", URL), ("id3.WCOP", "All rights reserved")]


def test_shift_jis_in_a_latin_1_field_is_heard(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(frame(b"TCOP", b"\0" + "全著作権所有".encode("cp932"))))

    assert ("id3.TCOP", "全著作権所有") in said(path)


def test_unsynchronised_and_compressed_frames_are_read(tmp_path):
    text = b"\x01\xff\xfe" + "All rights reserved ÿ".encode("utf-16-le")
    folded = text.replace(b"\xff\xfe", b"\xff\x00\xfe")
    path = tmp_path / "a.mp3"
    path.write_bytes(
        tag(
            frame(b"TCOP", struct.pack(">I", len(text)) + folded, b"\0\x03"),
            frame(b"TXXX", bytes([0, 0, 0, 14]) + zlib.compress(b"\0LICENSE\0CC BY-NC 3.0"), b"\0\x09"),
        )
    )

    assert ("id3.TXXX:LICENSE", "CC BY-NC 3.0") in said(path)
    assert any("ll rights reserved" in raw for _, raw in said(path))


def test_an_encrypted_frame_is_an_unresolved_claim(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(frame(b"TCOP", b"\0secret", b"\0\x04")))

    assert [field for field, _ in said(path)] == [UNREAD]


@pytest.mark.parametrize("end", [b"All rights reserved.", b"A."])
def test_a_comment_of_fifty_megabytes_is_read_in_little_memory(tmp_path, end):
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(frame(b"COMM", b"\0eng\0" + b"la la " * (50 << 20 >> 3) + end), frame(b"WCOP", URL.encode())))
    script = (
        "import sys, resource; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from archiver.audio.declarations import EmbeddedTagReader\n"
        "from archiver.core.objects import StagedFile\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "tags = EmbeddedTagReader().read(StagedFile(Path(sys.argv[2]), 0, None), name='song')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
        "print(sum(len(one.raw) for one in tags.declarations))\n"
        "print('reserved' in ''.join(one.raw for one in tags.declarations), [one.raw for one in tags.declarations][-1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), str(path)], capture_output=True, text=True, check=True
    )
    grown, characters, last = done.stdout.splitlines()

    assert int(grown) < 20_000  # KiB
    assert int(characters) < 300_000
    assert last == f"{end.startswith(b'All')} {URL}"


def test_damaged_tags_are_noted_and_what_came_before_stands(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(frame(b"WCOP", URL.encode()), b"\xfe\xfe\xfe\xfe" + bytes(20)) + bytes(100))

    assert said(path) == [("id3.WCOP", URL)]
    assert read(path).notes


def samples(tmp_path):
    encoded(tmp_path / "a.flac", "flac", LICENSE=URL, COPYRIGHT="x" * 500)
    encoded(tmp_path / "a.opus", "libopus", LICENSE=URL)
    encoded(tmp_path / "a.mka", "libopus", LICENSE=URL)
    encoded(tmp_path / "a.m4a", "aac", copyright="2010 Foo")
    encoded(tmp_path / "a.wav", "pcm_s16le", copyright="2010 Foo")
    id3(encoded(tmp_path / "a.mp3", "mp3"), mutagen.id3.WCOP(url=URL), mutagen.id3.TCOP(encoding=1, text=["x"]), v1=2)
    encoded(tmp_path / "a.aiff", "pcm_s16be", copyright="2010 Foo")
    return sorted(tmp_path.iterdir())


def test_no_damage_raises(tmp_path):
    chance = random.Random(11)
    files = samples(tmp_path)
    assert all(said(path) for path in files if path.suffix != ".aiff")
    broken = tmp_path / "broken"
    for path in files:
        content = path.read_bytes()[:6000]
        for _ in range(60):
            changed = bytearray(content)
            for _ in range(chance.randrange(1, 8)):
                changed[chance.randrange(min(len(changed), 1500))] = chance.randrange(256)
            broken.write_bytes(changed[: chance.randrange(1, len(changed))])
            read(broken)


def test_a_wave_file_of_the_standard_library_says_nothing(tmp_path):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(1000))
    path = tmp_path / "a.wav"
    path.write_bytes(file.getvalue())

    assert said(path) == []


def test_boxes_without_end_are_given_up_and_count_as_an_unresolved_claim(tmp_path):
    leaf = struct.pack(">I", 8) + b"free"
    inner = struct.pack(">I", 8 + 8 * 15_000) + b"udta" + leaf * 15_000
    path = tmp_path / "a.m4a"
    path.write_bytes(struct.pack(">I", 8) + b"ftyp" + struct.pack(">I", 8 + len(inner) * 40) + b"moov" + inner * 40)

    assert [field for field, _ in said(path)] == [UNREAD]
