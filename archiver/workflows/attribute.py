"""Attribute: read what must be printed out of a bag itself, proven against the digest that the catalogue keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.attribution import PATH, recognise_attribution
from archiver.core.bags.layout import LAST_TAG_FILE
from archiver.core.bags.manifests import recognise_entry, split_lines
from archiver.core.bags.paths import decode_path
from archiver.core.errors import ObjectDamagedError, ObjectNotFoundError, StoreError
from archiver.core.fixity import Algorithm, Digest, digest_of
from archiver.core.versions import Description
from archiver.workflows.small_object import small_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.core.attribution import Attribution
    from archiver.core.holdings import Holding
    from archiver.ports.stores import Store

LONGEST = 64 << 20
"""Bytes of a tag file that are read: the credits of some hundred thousand files."""


def attribution_of(held: Holding, stores: Mapping[str, Store]) -> Attribution:
    """Return the credits of a held item, from the first of its copies that proves unchanged.

    Raises:
        StoreError: No copy could be read, or each is damaged; bags of before this record existed have none.
    """
    attribution = description_of(held, stores).attribution
    if attribution is None:
        raise ObjectNotFoundError(
            f"{held.item}: its bag was made before {PATH} existed; ATTRIBUTION.txt has the credits",
            next_command=f"archiver show {held.item}",
        )
    return attribution


def description_of(held: Holding, stores: Mapping[str, Store]) -> Description:
    """Return what a bag says of its item, from the first of its copies that proves unchanged.

    Raises:
        StoreError: No copy could be read, or each is damaged.
    """
    failure: StoreError = ObjectNotFoundError(
        f"{held.item}: no store has a copy", next_command=f"archiver show {held.item}"
    )
    for copy in held.copies:
        if copy.store not in stores:
            continue
        try:
            return _read(held, copy.key, stores[copy.store])
        except StoreError as error:
            failure = error
    raise failure


def _read(held: Holding, key: str, store: Store) -> Description:
    manifest = small_object(store, f"{key}/{LAST_TAG_FILE}", limit=LONGEST)
    if digest_of(manifest, Algorithm.SHA512) != held.tag_manifest:
        raise ObjectDamagedError(
            f"{held.item}: the tag manifest in store {store.name!r} is not the one that was deposited",
            next_command=f"archiver verify {key}",
        )
    entries = map(recognise_entry, split_lines(manifest.decode("utf-8", "replace")))
    listed = {decode_path(entry[1]): Digest(Algorithm.SHA512, entry[0]) for entry in entries if entry is not None}
    if PATH not in listed:
        return Description(None, listed)
    record = small_object(store, f"{key}/{PATH}", limit=LONGEST)
    attribution = recognise_attribution(record)
    if digest_of(record, Algorithm.SHA512) != listed[PATH] or attribution is None:
        raise ObjectDamagedError(
            f"{held.item}: {PATH} in store {store.name!r} is not what was deposited",
            next_command=f"archiver verify {key}",
        )
    return Description(attribution, listed)
