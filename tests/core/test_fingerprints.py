"""Fingerprints compared: what is one recording is found among others, without comparing all with all."""

from __future__ import annotations

import random

from archiver.core.examinations import Verdict
from archiver.core.fingerprints import agreement, alike
from archiver.core.items import ItemId
from archiver.core.sounds import Placed, Sound


def noise(seed, numbers=900):
    return random.Random(seed).randbytes(4 * numbers)


def disturbed(content, part, seed=1):
    """Flip so many of the bits."""
    rng, changed = random.Random(seed), bytearray(content)
    for bit in range(8 * len(content)):
        if rng.random() < part:
            changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def placed(name, content, packets=None):
    sound = Sound(f"data/{name}.mp3", Verdict.VALID, (), "mp3float", 60.0, 44100, 2, packets or name, "", content.hex())
    return Placed(ItemId("s", name), 1, "", sound)


def test_a_fingerprint_agrees_with_itself_wholly_and_with_noise_by_half():
    assert agreement(noise(1), noise(1)) == 1
    assert 0.45 < agreement(noise(1), noise(2)) < 0.6
    assert agreement(noise(1), noise(1)[:40]) == 0


def test_one_that_begins_some_seconds_later_agrees_all_the_same():
    assert agreement(noise(1), noise(1)[4 * 30 :]) == 1
    assert agreement(noise(1)[4 * 30 :], noise(1)) == 1


def test_encodings_of_one_recording_are_found_among_others_and_exact_copies_are_not_named_again():
    first = noise(1)
    others = [placed(f"other{number}", noise(100 + number)) for number in range(50)]
    same = [placed("a", first), placed("b", disturbed(first, 0.04)), placed("c", first, packets="a")]
    (group,) = alike([*others[:25], *same, *others[25:]])

    assert [one.item.name for one in group.members] == ["a", "b", "c"]
    assert 0.9 < float(group.key) < 1


def test_other_speeds_and_other_works_are_no_duplicates():
    first = noise(1)
    assert not list(alike([placed("a", first), placed("b", disturbed(first, 0.33)), placed("c", noise(2))]))
