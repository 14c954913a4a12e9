"""Restore one damaged object of a bag from another copy of the bag, never handing on a byte that does not match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.bags.validating import plan_of, tag_files_of
from archiver.core.errors import ObjectDamagedError
from archiver.core.fixity import Algorithm, Hasher

if TYPE_CHECKING:
    from archiver.core.fixity import Digest
    from archiver.ports.stores import Store


def restore_object(key: str, *, prefix: str, damaged: Store, sound: Store) -> None:
    """Put an object right from a sound copy: read and verified first, then the damaged one is removed and written anew.

    For objects that fit into memory; the sound copy's own manifests say what is right.

    Args:
        key: The object, in both stores.
        prefix: The bag's place, ending in ``/``.
        damaged: The store whose object is wrong.
        sound: The store to take it from.

    Raises:
        ObjectDamagedError: The other copy is not sound either; nothing was changed.
    """
    expected = _promised(key.removeprefix(prefix), prefix, sound)
    content = _read(sound, key)
    hasher = Hasher(digest.algorithm for digest in expected)
    hasher.update(content)
    if not expected or set(hasher.digests()) != set(expected):
        raise ObjectDamagedError(f"the copy of {key} in store {sound.name!r} is not sound either; nothing was changed")
    sha256 = next(digest for digest in expected if digest.algorithm is Algorithm.SHA256)
    damaged.delete(key)
    damaged.put(key, content, sha256=sha256)


def _promised(path: str, prefix: str, store: Store) -> tuple[Digest, ...]:
    sizes = {facts.key.removeprefix(prefix): facts.size for facts in store.list(prefix)}
    tags = {name: _read(store, prefix + name) for name in tag_files_of(sizes)}
    return plan_of(sizes, tags).expected.get(path, ())


def _read(store: Store, key: str) -> bytes:
    with store.read(key) as chunks:
        return b"".join(chunks)
