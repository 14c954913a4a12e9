"""Files that are odd and legal, made here: formats through encoders, tags by hand."""

from __future__ import annotations

import numpy as np

RATE = 44100
ID3V1 = b"TAG" + b"Title".ljust(125, b"\0")
ID3V2 = b"ID3\4\0\0" + bytes([0, 0, 0, 30]) + b"TIT2\0\0\0\x06\0\0\3hello".ljust(30, b"\0")
ID3V2_FOOT = (
    b"ID3\4\0\x10" + bytes([0, 0, 0, 30]) + b"TIT2\0\0\0\x06\0\0\3hello".ljust(30, b"\0") + b"3DI\4\0\x10\0\0\0\x1e"
)
LYRICS1 = b"LYRICSBEGINla la laLYRICSEND"
_FIELDS = b"LYRICSBEGIN" + b"IND00002" + b"10" + b"LYR00005" + b"hello"
LYRICS2 = _FIELDS + str(len(_FIELDS)).zfill(6).encode() + b"LYRICS200"


def ape(*, has_header=True):
    item = (5).to_bytes(4, "little") + bytes(4) + b"Title\0hello"

    def edge(flags):
        numbers = (2000, len(item) + 32, 1, flags)
        return b"APETAGEX" + b"".join(number.to_bytes(4, "little") for number in numbers) + bytes(8)

    return (edge(0xA0000000) if has_header else b"") + item + edge(0x80000000 if has_header else 0)


def sound(seconds=1.0, *, rate=RATE, channels=2, seed=7):
    """Return tones with noise, one row for each channel."""
    rng, t = np.random.default_rng(seed), np.arange(int(seconds * rate)) / rate
    rows = [
        0.4 * np.sin(2 * np.pi * 220 * (row + 1) * t) + 0.1 * rng.standard_normal(len(t)) for row in range(channels)
    ]
    return (np.stack(rows) * 30000).clip(-32768, 32767).astype(np.int16)


def encode(path, codec, rows=None, *, rate=RATE, muxer=None, layout="stereo", bit_rate=0, fmt="", **options):
    """Write a file with one of FFmpeg's encoders, and return its path."""
    import av

    rows = sound() if rows is None else rows
    with av.open(str(path), "w", format=muxer, options=options) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = layout
        if bit_rate:
            stream.bit_rate = bit_rate
        if fmt:
            stream.format = fmt
        context = stream.codec_context
        size = context.frame_size or 4096
        fit = av.AudioResampler(format=context.format, layout=context.layout, rate=rate)
        for at in range(0, rows.shape[1], size):
            block = np.ascontiguousarray(rows[:, at : at + size].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, at
            for part in fit.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def free_format(path):
    """Write MPEG audio whose headers name no bitrate: at 48 kHz frames of 128 kbit/s all have 384 bytes."""
    encode(path, "libmp3lame", sound(rate=48000), rate=48000, bit_rate=128000, write_xing="0", id3v2_version="0")
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 384):
        data[at + 2] &= 0x0F
    path.write_bytes(data)
    return path
