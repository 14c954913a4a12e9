"""Reading one object that has to be small into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.errors import ObjectDamagedError

if TYPE_CHECKING:
    from archiver.ports.stores import Store


def small_object(store: Store, key: str, *, limit: int) -> bytes:
    """Return the whole of an object.

    Args:
        store: Where it is.
        key: Which.
        limit: Bytes; of a longer one no more than a chunk beyond that is read.

    Raises:
        ObjectDamagedError: It is longer than ``limit``: nothing that we wrote is.
        StoreError: It cannot be read.
    """
    content = bytearray()
    with store.read(key) as chunks:
        for chunk in chunks:
            content += chunk
            if len(content) > limit:
                raise ObjectDamagedError(f"store {store.name!r}: {key} is longer than {limit} bytes; it is not ours")
    return bytes(content)
