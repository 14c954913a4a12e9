"""Listen: decode an audio file from the bytes that a store gives, digested on their way.

    object ── read, digested ──> scratch file ── right digest? ──> examiner ──> Examination

The decoder gets the very bytes that were digested, whatever happens to the object meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.core.fixity import Algorithm, Digest
from archiver.core.items import ItemId

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.core.examinations import Examination
    from archiver.ports.examiner import Examiner
    from archiver.ports.staging import Staging
    from archiver.ports.stores import Store


@dataclass(frozen=True, slots=True)
class Listening:
    """The doorways of a decoding check.

    Attributes:
        examiner: Decodes, in processes of its own.
        staging: Where the bytes lie while they are decoded, one file for each that is checked at once.
    """

    examiner: Examiner
    staging: Staging


@dataclass(frozen=True, slots=True)
class Heard:
    """What one file was.

    Attributes:
        actual: The digest of the bytes that the store gave.
        size: Their number.
        examination: What decoding them said, or None where they were not the expected ones: then it says nothing.
    """

    actual: Digest
    size: int
    examination: Examination | None


def listen(
    store: Store, key: str, listening: Listening, *, expected: Digest, used: Callable[[int], None] = lambda _: None
) -> Heard:
    """Read an object, and decode it where it is what was stored.

    Args:
        store: Where it is.
        key: Its key.
        listening: The doorways.
        expected: SHA-256 of what was stored.
        used: Is told how many bytes were read, also when reading failed.

    Raises:
        StoreError: As `Store.read` does.
        StagingFullError: No room for the scratch file.
    """
    bay = ItemId("listening", f"{store.name}/{key}")
    try:
        with listening.staging.receive(bay, "bytes", state=expected, algorithms=(Algorithm.SHA256,)) as incoming:
            incoming.begin(validator="")
            try:
                with store.read(key) as chunks:
                    for chunk in chunks:
                        incoming.write(chunk)
            finally:
                used(incoming.offset)
            actual, size = incoming.digests()[0], incoming.offset
            if actual != expected:
                return Heard(actual, size, None)
            staged = incoming.commit()
        return Heard(actual, size, listening.examiner.examine(staged.path, name=key.rpartition("/")[2]))
    finally:
        listening.staging.discard(bay)
