"""Compare: what each version of an item changed over the one before, from the catalogue and from the bags themselves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from archiver.core.errors import StoreError, StoreRefusedError
from archiver.core.versions import Version, difference
from archiver.workflows.attribute import description_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.core.holdings import Holding
    from archiver.core.versions import Difference
    from archiver.ports.catalogue import Holdings
    from archiver.ports.stores import Store


def differences(versions: Sequence[Holding], *, holdings: Holdings, vault: Mapping[str, Store]) -> Iterator[Difference]:
    """Yield the difference of each version to the one before, oldest first; nothing for a single version.

    Files, title and licence are compared as the catalogue has them. What else is said of the item stands in the bags; where
    no copy can be read, the difference says so.
    """
    if len(versions) < 2:
        return
    for before, after in pairwise(_version(held, holdings, vault) for held in versions):
        yield difference(before, after)


def _version(held: Holding, holdings: Holdings, vault: Mapping[str, Store]) -> Version:
    files = {file.path: file for file in holdings.files(held.item, held.version)}
    try:
        return Version(held, files, description_of(held, vault))
    except (StoreError, StoreRefusedError) as error:
        return Version(held, files, error.message)
