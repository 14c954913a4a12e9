"""Message digests and grades of evidence.

A digest never travels without its algorithm. Algorithms are ordered by how much they prove: SHA-1 before MD5 where a
source declares both, because it is stronger and, on processors with SHA instructions, cheaper.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Algorithm(StrEnum):
    """Message digest algorithms, spelled as RFC 8493 §2.4 spells them in manifest names."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def hex_length(self) -> int:
        """Length of a digest in hexadecimal characters."""
        return _HEX_LENGTHS[self]

    @property
    def strength(self) -> int:
        """Greater means harder to forge."""
        return list(Algorithm).index(self)


_HEXADECIMAL = re.compile("[0-9a-f]+")
_HEX_LENGTHS = {
    Algorithm.MD5: 32,
    Algorithm.SHA1: 40,
    Algorithm.SHA224: 56,
    Algorithm.SHA256: 64,
    Algorithm.SHA384: 96,
    Algorithm.SHA512: 128,
}

STORED = (Algorithm.SHA256, Algorithm.SHA512)
"""The algorithms of every bag we write: RFC 8493 §2.4 asks for both to be supported, SHA-512 by default."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A message digest together with its algorithm.

    Attributes:
        algorithm: How it was computed.
        value: Lower-case hexadecimal.

    Raises:
        ValueError: The value has another length or other characters than the algorithm's digests.
    """

    algorithm: Algorithm
    value: str

    def __post_init__(self) -> None:
        if len(self.value) != _HEX_LENGTHS[self.algorithm] or not _HEXADECIMAL.fullmatch(self.value):
            raise ValueError(f"not a {self.algorithm} digest in lower-case hexadecimal: {self.value[:140]!r}")

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def parse_digest(text: str) -> Digest:
    """Read ``algorithm:hexadecimal`` back into a digest.

    Raises:
        ValueError: The text is not of that form.
    """
    name, _, value = text.partition(":")
    return Digest(Algorithm(name), value)


def recognise_digest(algorithm: Algorithm, text: str) -> Digest | None:
    """Return the digest a source wrote, in either case and with space around it, or None when it is no digest."""
    try:
        return Digest(algorithm, text.strip().lower())
    except ValueError:
        return None


def strongest(digests: Iterable[Digest]) -> Digest | None:
    """Return the digest that proves most, or None when there is none."""
    return max(digests, key=lambda digest: digest.algorithm.strength, default=None)


class _Hash(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


_NEW: dict[Algorithm, Callable[..., _Hash]] = {algorithm: getattr(hashlib, algorithm.value) for algorithm in Algorithm}


class Hasher:
    """Several message digests of one stream of bytes, computed in one pass.

    Args:
        algorithms: Which digests; repeated ones are computed once.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, algorithms: Iterable[Algorithm]) -> None:
        self.size = 0
        # `usedforsecurity` lets MD5 work on systems in FIPS mode: it is compared with a source's, not trusted alone.
        self._hashes: dict[Algorithm, _Hash] = {
            algorithm: _NEW[algorithm](usedforsecurity=False) for algorithm in algorithms
        }

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add the next bytes of the stream."""
        for hash_ in self._hashes.values():
            hash_.update(chunk)
        self.size += len(chunk)

    def matches(self, expected: Iterable[Digest]) -> bool:
        """Tell whether everything so far has these digests, each of an algorithm that was asked for."""
        return all(self._hashes[digest.algorithm].hexdigest() == digest.value for digest in expected)

    def digests(self) -> tuple[Digest, ...]:
        """Return the digests of everything so far, in the order asked for."""
        return tuple(Digest(algorithm, hash_.hexdigest()) for algorithm, hash_ in self._hashes.items())


def digest_of(content: bytes, algorithm: Algorithm = Algorithm.SHA256) -> Digest:
    """Return the digest of bytes already in memory."""
    return Digest(algorithm, _NEW[algorithm](content, usedforsecurity=False).hexdigest())


class Grade(IntEnum):
    """How much a fixity check proves, from least to most; grades are never mixed in a report (DESIGN §7)."""

    LISTED = 1
    """The store names the object."""
    SIZE = 2
    """It has the expected length."""
    PROVIDER = 3
    """The store computed a digest, and it is the expected one."""
    READ = 4
    """We read every byte and computed the digest ourselves."""
    DECODE = 5
    """We also decoded the audio."""

    @property
    def label(self) -> str:
        """The word used in reports and machine output."""
        return self.name.lower()
