"""What the delivery bay promises: items found, described and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, ItemId, SourceItem
    from archiver.core.selections import Selection


@dataclass(frozen=True, slots=True)
class CandidatePage:
    """One page of an enumeration. A candidate is a hint: only `Source.describe` says what an item is.

    Attributes:
        items: Identifiers, in the source's order, none of them on an earlier page.
        cursor: Where to go on after this page; empty on the last page.
        announced: How many items the source said there are, or None.
        marks: For each item what the source says of its state here (a time of change, a revision), or empty where it says
            nothing; an item whose mark is the one of the last run is not described again. Empty where it never says.
        hosts: For each item the host that its files lie on, where they lie on many; empty for a source that is one host.
    """

    items: tuple[ItemId, ...]
    cursor: str
    announced: int | None
    marks: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An open answer with a file's bytes.

    Attributes:
        offset: The position in the file of the first chunk: the one asked for, or 0 when the source starts over.
        validator: The entity tag of this state of the file, or empty where the source gives none.
        length: Bytes of the whole file as this answer states them, or None.
        content_type: As stated, lower case, without parameters.
        chunks: The bytes, in order, in chunks of at most 1 MiB, consumed once. Raises `SourceUnavailableError` when the
            source breaks off before the stated length.
    """

    offset: int
    validator: str
    length: int | None
    content_type: str
    chunks: Iterator[bytes]


class Source(Protocol):
    """A place that publishes audio."""

    @property
    def name(self) -> str:
        """The name used in item identifiers, for example ``internet-archive``."""
        ...

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield the candidates of a selection, page by page.

        Args:
            selection: Explicit items are one page; a query is asked of the source, since `Selection.since` where it can tell.
            cursor: Go on behind this page of an earlier enumeration.

        Raises:
            SourceUnavailableError: The source did not answer in the end; the pages yielded so far hold.
            SourceProtocolError: The enumeration cannot be trusted (a repeating cursor, items of another query).
        """
        ...

    def describe(self, item: ItemId) -> SourceItem:
        """Read what the source says of an item now, without any audio byte.

        Raises:
            ItemNotFoundError: The source knows no such item.
            ItemDarkError: The source has withdrawn it.
            SourceUnavailableError: No answer in the end.
            SourceProtocolError: The answer cannot be understood.
        """
        ...

    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> AbstractContextManager[Delivery]:
        """Open a file of an admitted item; one try, no waiting in here but for the host's own pace.

        Args:
            admitted: Only the licence gate makes one: nothing else can be read.
            file: One of its files.
            offset: Bytes that are here already.
            validator: The entity tag those bytes belong to. Without one the source is asked for the whole file.

        Raises:
            FileRefusedError: 401, 403, 404, 410.
            SourceUnavailableError: Try again later, with `retry_after` where the source said when.
        """
        ...
