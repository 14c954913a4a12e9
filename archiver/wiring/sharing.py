"""What processes that share a catalogue tell each other; alone, a process has nobody to tell."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.catalogue.claiming import SharedClaims
    from archiver.catalogue.opening import Catalogue
    from archiver.clock import SystemClock
    from archiver.core.items import ItemId
    from archiver.ports.claims import Claims
    from archiver.ports.hosts import HostTimes, Slots


class Alone:
    """Claims of a process that nobody else works beside: the archive's lock has seen to that."""

    @contextmanager
    def held(self, item: ItemId) -> Iterator[None]:  # noqa: ARG002 - the port's argument
        """See the port."""
        yield

    def is_anybody_here(self) -> bool:
        """See the port."""
        return False


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a process shares with others through the catalogue.

    Attributes:
        claims: Keep items apart.
        times: When hosts may be asked, or None where the archive's home has it.
        shared: The claims again, for what else goes over their session; None for a process that is alone.
    """

    claims: Claims
    times: HostTimes | None = None
    shared: SharedClaims | None = None

    def slots(self, source: str, number: int) -> Slots | None:
        """Return how many bodies of a source are open at once over all processes; None for a process that is alone."""
        if self.shared is None:
            return None
        from archiver.catalogue.pacing import SharedSlots

        return SharedSlots(self.shared, source, number)


@contextmanager
def opened_sharing(catalogue: Catalogue, clock: SystemClock) -> Iterator[Sharing]:
    """Open what is shared through a catalogue, and let go of every claim at the end."""
    if not catalogue.is_shared:
        yield Sharing(Alone())
        return
    claims = catalogue.claims(clock)
    try:
        yield Sharing(claims, catalogue.host_times(clock), claims)
    finally:
        claims.close()
