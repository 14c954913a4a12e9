"""What is suspicious of an item's recordings."""

from __future__ import annotations

from archiver.core.items import ItemId
from archiver.core.loudness import Loudness
from archiver.core.suspicions import PREVIEW, Measured, Recording, SuspicionReport, suspicions_of

ITEM = ItemId("s", "n")


def recording(path, seconds=200.0, *, peaks=(-3.0, -3.0), codes=(), reason="", **changed):
    values = {"clipped": 0, "silent": 0.0, "longest_silence": 0.0, **changed}
    loud = None if reason else Loudness(seconds, -14.0, 5.0, -2.9, peaks, **values)
    return Recording(ITEM, 1, path, Measured(path, loud, reason), codes=codes)


def codes(*recordings):
    return [(one.path, one.code) for one in suspicions_of(recordings)]


def test_sound_recordings_are_not_suspicious():
    assert codes(recording("a"), recording("b", 31.0), recording("c", 180.0)) == []


def test_levels_pages_and_remarks_are_named():
    found = codes(
        recording("a", peaks=(None, -90.0)),
        recording("b", reason="WEB_PAGE_AS_AUDIO"),
        recording("c", reason="NO_AUDIO"),
        recording("d", codes=("AUDIO_TRUNCATED",)),
        recording("e", reason="LIMIT_EXCEEDED"),
    )
    assert found == [
        ("a", "AUDIO_SILENT"),
        ("b", "WEB_PAGE_AS_AUDIO"),
        ("c", "NO_AUDIO"),
        ("d", "AUDIO_TRUNCATED"),
    ]


def test_a_preview_is_known_by_its_length_among_longer_ones_or_among_its_like():
    assert codes(recording("a", 30.02), recording("b", 240.0), recording("c", 250.0)) == [("a", PREVIEW)]
    assert codes(recording("a", 30.0), recording("b", 30.03)) == [("a", PREVIEW), ("b", PREVIEW)]
    # One alone, or a short piece among short pieces, may be what it is.
    assert codes(recording("a", 30.0)) == []
    assert codes(recording("a", 30.0), recording("b", 41.0), recording("c", 22.0)) == []


def test_a_report_counts_recordings_once():
    found = tuple(suspicions_of([recording("a", peaks=(None,), codes=("AUDIO_TRUNCATED",)), recording("b")]))
    report = SuspicionReport(found, 2, 2, 0)
    assert report.suspicious == 1
    assert report.codes == (("AUDIO_SILENT", 1), ("AUDIO_TRUNCATED", 1))
