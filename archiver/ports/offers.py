"""What a package promises that brings a source: how it is opened, and what it can do.

A package names its offer in its own metadata, and nothing is changed here:

    [project.entry-points."archiver.sources"]
    my-radio = "my_radio.archive:OFFER"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from archiver.core.patience import Patience
from archiver.ports.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.ports.clock import Clock
    from archiver.ports.hosts import HostTimes, Slots
    from archiver.ports.notebooks import Notebook


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can do, as it declares itself.

    Attributes:
        title: For people.
        digests: Algorithms of the digests it declares for its files; empty where bytes are only known after the first fetch.
        incremental: Whether it can be asked for what is new or changed since a time (`Selection.since`).
        forgets: Whether its lists lose old entries, as feeds do: what they name no more is not gone.
        marks: Whether its enumeration says what changed (`CandidatePage.marks`): then everything is enumerated each time.
        licence_scope: What its licence declarations speak of: ``item`` or ``file``.
        requests_per_second: At most, unless the settings say otherwise; 0 for no limit.
        downloads: Bodies open at once, unless the settings say otherwise.
    """

    title: str
    digests: tuple[str, ...] = ()
    incremental: bool = False
    forgets: bool = False
    marks: bool = False
    licence_scope: str = "item"
    requests_per_second: float = 1.0
    downloads: int = 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an opened source gets from the operator's settings.

    Attributes:
        name: The source's name; every `ItemId` it hands out carries it.
        endpoint: ``[sources.NAME] endpoint``, without a slash at its end, or empty.
        contact: How the operator can be reached, for the User-Agent; may be empty.
        clock: For time and waiting, so that a signal ends it.
        requests_per_second: To keep to; 0 for no limit.
        timeout: Seconds without a byte.
        options: ``[sources.NAME.options]``, the source's own.
        program: Name and version of this program, for the User-Agent.
        downloads: Bodies open at once.
        patience: How often metadata is asked for, and how long to wait in between.
        times: When hosts may be asked next, for every process of the archive; None for this source alone.
        slots: How many bodies are open at once, for every machine of the archive; None for this source alone.
        private: Hosts, addresses and networks that may be asked although they are private (``[network] allow_private``).
        largest_file: Bytes of a file whose size nobody declared (``[network] largest_file``).
        notebook: What the source wants to know again in its next run; None where nothing is kept.
    """

    name: str
    endpoint: str
    contact: str
    clock: Clock
    requests_per_second: float
    timeout: float
    options: Mapping[str, str] = field(default_factory=dict)
    program: str = "archiver"
    downloads: int = 2
    patience: Patience = field(default_factory=Patience)
    times: HostTimes | None = None
    slots: Slots | None = None
    private: tuple[str, ...] = ()
    largest_file: int = 4 << 30
    notebook: Notebook | None = None


class OpenSource(Source, Protocol):
    """A source with connections."""

    def close(self) -> None:
        """Close every connection; nothing is asked of it afterwards."""
        ...


class Offer(Protocol):
    """What the entry point names."""

    @property
    def capabilities(self) -> Capabilities:
        """What the source can do; told without asking it."""
        ...

    def open(self, surroundings: Surroundings) -> OpenSource:
        """Open the source; cheap, nothing is asked of it yet.

        Raises:
            SettingsError: The settings do not do for it; names the key.
        """
        ...
