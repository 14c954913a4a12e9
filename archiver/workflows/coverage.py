"""Which versions fall short of the copies that the settings ask for; the catalogue answers, no store is contacted."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from archiver.core.coverage import Shortfall, Spread, judged, lacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.core.coverage import CopyRule, StorePlan
    from archiver.core.items import ItemId
    from archiver.ports.catalogue import Holdings
    from archiver.ports.coverage import Coverage


def shortfalls(
    coverage: Coverage, *, rule: CopyRule, plans: Mapping[str, StorePlan], named: int | None
) -> Iterator[Shortfall]:
    """Yield how versions fall short, the most frequent way first.

    Args:
        coverage: Where everything lies.
        rule: What the settings ask for.
        plans: The stores of the settings, by name, in their order.
        named: Versions named of each way at most, or None for all of them.
    """
    ways = sorted(coverage.spreads().items(), key=lambda way: (-way[1], sorted(way[0].good), sorted(way[0].bad)))
    for spread, number in ways:
        if lacks(spread, rule, plans):
            versions = tuple(islice(coverage.spread_as(spread), named))
            found = judged(spread, versions, number=number, rule=rule, plans=plans)
            if found is not None:
                yield found


def shortfalls_of(
    holdings: Holdings, items: Iterable[ItemId], *, rule: CopyRule, plans: Mapping[str, StorePlan]
) -> Iterator[Shortfall]:
    """Yield how every version of some items falls short, one by one."""
    from archiver.core.holdings import CopyStatus  # noqa: PLC0415 - what asks for the whole archive needs none

    for item in items:
        for held in holdings.versions(item):
            good = frozenset(copy.store for copy in held.copies if copy.status is CopyStatus.GOOD)
            spread = Spread(good, frozenset(copy.store for copy in held.copies) - good)
            found = judged(spread, ((item, held.version),), number=1, rule=rule, plans=plans)
            if found is not None:
                yield found
