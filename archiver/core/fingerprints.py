"""Acoustic fingerprints compared: Chromaprint's 32-bit numbers, eight a second, as bytes in little-endian order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.sounds import DuplicateGroup, Placed, Sameness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ALIKE = 0.85
"""Agreement of bits from which two are taken for one recording: encodings of one agree in 0.95 and more, different works in 0.62 at most."""
SHIFTS = 80
"""Numbers by which one may begin later than the other: ten seconds."""
SHORTEST = 40
"""Numbers that must lie side by side: five seconds say little enough."""
_SAMPLED, _COMMON = 16, 50
"""One number in so many is looked up, and one that so many recordings have (silence) tells nothing."""


def agreement(one: bytes, other: bytes) -> float:
    """Return the part of bits that agree where the two fit best, of 1; 0 where too little lies side by side."""
    best = 0.0
    for shift in range(-SHIFTS, SHIFTS + 1):
        left, right = (one[4 * shift :], other) if shift >= 0 else (one, other[-4 * shift :])
        size = min(len(left), len(right)) // 4 * 4
        if size < 4 * SHORTEST:
            continue
        differing = (int.from_bytes(left[:size]) ^ int.from_bytes(right[:size])).bit_count()
        best = max(best, 1 - differing / (8 * size))
    return best


def alike(recordings: Iterable[Placed]) -> Iterator[DuplicateGroup]:
    """Yield recordings whose fingerprints agree, and that are not the same exactly.

    Only recordings that have some numbers in common are compared, so that the work grows with their number and not with
    its square.
    """
    known: list[Placed] = []
    prints: list[bytes] = []
    having: dict[int, list[int]] = {}
    groups = _Groups()
    for placed in recordings:
        here, number = bytes.fromhex(placed.sound.fingerprint), len(known)
        known.append(placed)
        prints.append(here)
        for other in _candidates(here, having, number):
            if not _is_same(placed, known[other]):
                found = agreement(here, prints[other])
                if found >= ALIKE:
                    groups.join(number, other, found)
    for members, least in groups.found():
        ordered = sorted((known[number] for number in members), key=lambda one: (one.item, one.sound.path))
        yield DuplicateGroup(Sameness.ALIKE, f"{least:.3f}", tuple(ordered))


def _candidates(here: bytes, having: dict[int, list[int]], number: int) -> list[int]:
    """Return earlier recordings that share at least two numbers, and take this one down."""
    shared: dict[int, int] = {}
    for value in {int.from_bytes(here[at : at + 4], "little") for at in range(0, len(here) - 3, 4)}:
        if (value * 2654435761 >> 7) % _SAMPLED:
            continue
        others = having.setdefault(value, [])
        if len(others) < _COMMON:
            for other in others:
                shared[other] = shared.get(other, 0) + 1
            others.append(number)
    return [other for other, count in shared.items() if count >= 2]


def _is_same(one: Placed, other: Placed) -> bool:
    a, b = one.sound, other.sound
    return a.packets_sha256 == b.packets_sha256 or (a.pcm_md5 != "" and a.pcm_md5 == b.pcm_md5)


class _Groups:
    """Numbers joined in groups, with the least agreement by which each was joined."""

    def __init__(self) -> None:
        self._lead: dict[int, int] = {}
        self._least: dict[int, float] = {}

    def join(self, one: int, other: int, agreement_: float) -> None:
        """Put two in one group."""
        first, second = self._leader(one), self._leader(other)
        least = min(agreement_, self._least.get(first, 1.0), self._least.get(second, 1.0))
        self._lead[first] = second
        self._least[second] = least

    def found(self) -> Iterator[tuple[list[int], float]]:
        """Yield each group and its least agreement."""
        groups: dict[int, list[int]] = {}
        for number in sorted(self._lead):
            groups.setdefault(self._leader(number), []).append(number)
        for leader, members in groups.items():
            yield members, self._least[leader]

    def _leader(self, number: int) -> int:
        self._lead.setdefault(number, number)
        while self._lead[number] != number:
            self._lead[number] = self._lead[self._lead[number]]
            number = self._lead[number]
        return number
