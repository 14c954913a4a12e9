"""Openly licensed sample audio that the program makes itself (CC0), and a small collection of it."""

from __future__ import annotations

import io
import math
import wave
from array import array

from archiver.rehearsal.corpus import DoubleFile, DoubleItem

RATE = 22_050
"""Samples a second."""


def tone(*frequencies: float, seconds: float = 2.0) -> bytes:
    """Return a chord as a WAVE file, mono, 16 bits; the same call gives the same bytes."""
    count = int(RATE * seconds)
    samples = array("h", bytes(2 * count))
    for index in range(count):
        fade = min(1.0, index / 2000, (count - index) / 2000)
        wave_ = sum(math.sin(2 * math.pi * frequency * index / RATE) for frequency in frequencies)
        samples[index] = round(9000 * fade * wave_ / len(frequencies))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


def demo_collection() -> tuple[DoubleItem, ...]:
    """Return five items: three to be stored, one without a licence, one that contradicts itself."""
    derivative = DoubleFile(
        "01 - Dawn.mp3", b"made by the source", "derivative", "VBR MP3", {"original": "01 - Dawn.wav"}
    )
    return (
        DoubleItem(
            "demo-three-chords",
            (
                DoubleFile("01 - Dawn.wav", tone(261.63, 329.63, 392.0), extra={"title": "Dawn", "track": "1"}),
                DoubleFile(
                    "02 - Noon & after.wav", tone(293.66, 369.99, 440.0), extra={"title": "Noon & after", "track": "2"}
                ),
                DoubleFile("03 - Dusk?.wav", tone(220.0, 261.63, 329.63), extra={"title": "Dusk?", "track": "3"}),
                derivative,
            ),
            {
                "title": "Three Chords",
                "creator": "The Example Trio",
                "licenseurl": "http://creativecommons.org/licenses/by/4.0/",
                "description": "Sample audio made by a program.",
            },
        ),
        DoubleItem(
            "demo-single-tone",
            (DoubleFile("tone 440 Hz.wav", tone(440.0)),),
            {
                "title": "A Single Tone",
                "creator": [],
                "licenseurl": "https://creativecommons.org/publicdomain/zero/1.0/",
            },
        ),
        DoubleItem(
            "demo-low-notes",
            (DoubleFile("disc 1/low.wav", tone(82.41)), DoubleFile("disc 1/lower.wav", tone(61.74))),
            {
                "title": "Low Notes",
                "creator": ["Basso", "Profondo"],
                "licenseurl": "http://creativecommons.org/licenses/by-nc-sa/3.0/us/",
            },
        ),
        DoubleItem("demo-no-licence", (DoubleFile("song.wav", tone(330.0)),), {"title": "Nobody Said So"}),
        DoubleItem(
            "demo-contradiction",
            (DoubleFile("song.wav", tone(350.0)),),
            {
                "title": "Both Ways",
                "licenseurl": "http://creativecommons.org/licenses/by/3.0/",
                "rights": "(c) 2009 Example Label. All rights reserved.",
            },
        ),
    )
