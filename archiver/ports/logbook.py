"""What the audit log is made of, and what seals it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.core.holdings import Holding
    from archiver.core.items import ItemId
    from archiver.core.logbook import ChainedEvent, SealedBag, SignedHead


class EventRecord(Protocol):
    """All events of the catalogue. Every method may raise `CatalogueError`."""

    def event_count(self) -> int:
        """Return how many events there are."""
        ...

    def chained_events(self, *, skip: int = 0) -> Iterator[ChainedEvent]:
        """Yield every event in the order of appending, but the first ``skip``; memory does not grow with their number."""
        ...

    def sealed_bags(self, versions: Iterable[tuple[ItemId, int]]) -> Mapping[tuple[str, int], SealedBag]:
        """Return the bags of these versions by item and version; one that is not held is left out."""
        ...

    def versions(self, item: ItemId) -> tuple[Holding, ...]:
        """Return every version of the item, oldest first; empty when it is not held."""
        ...


class Sealer(Protocol):
    """Signs heads with a key that is kept outside the archive, and remembers beside it what it signed last."""

    @property
    def public_key(self) -> str:
        """The public key, as ``ed25519:hexadecimal``."""
        ...

    def sign(self, statement: bytes) -> str:
        """Return the signature in lower-case hexadecimal."""
        ...

    def stamp(self, statement: bytes) -> str:
        """Return a time stamp over the bytes in base64, or empty where none is asked for."""
        ...

    def remember(self, signed: SignedHead) -> None:
        """Keep the head beside the key; returns once that is durable."""
        ...

    def remembered(self) -> SignedHead | None:
        """Return the head that was signed last, or None."""
        ...


class Witness(Protocol):
    """Judges signatures and time stamps."""

    def has_signed(self, signed: SignedHead) -> bool:
        """Tell whether a trusted key signed the head."""
        ...

    def has_stamped(self, signed: SignedHead) -> bool:
        """Tell whether the head's time stamp is over this head; also true where it has none."""
        ...
