"""Which sources there are: those of the program, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archiver.settings.tables import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERNET_ARCHIVE = "internet-archive"
LOCAL = "local"
COMMONS = "commons"
CCMIXTER = "ccmixter"
JAMENDO = "jamendo"
RSS = "rss"
LIBRIVOX = "librivox"
URL_MANIFEST = "url-manifest"
FMA_DATASET = "fma-dataset"
FREE_MUSIC_ARCHIVE = "free-music-archive"
OURS = (
    INTERNET_ARCHIVE,
    LOCAL,
    COMMONS,
    CCMIXTER,
    JAMENDO,
    RSS,
    LIBRIVOX,
    URL_MANIFEST,
    FMA_DATASET,
    FREE_MUSIC_ARCHIVE,
)
"""The sources that the program itself brings."""
PUBLIC_ENDPOINT = "https://archive.org"
GROUP = "archiver.sources"
"""The entry point group; see `archiver.ports.offers`."""


class Registered(Mapping[str, Source]):
    """Every registered source by name. Installed packages are searched only for a name that is not ours, and for a list.

    Args:
        named: Those that the settings name; the others have their defaults.
    """

    def __init__(self, named: Mapping[str, Source]) -> None:
        self._named = named

    def __getitem__(self, name: str) -> Source:
        if name not in OURS and name not in registered_sources():
            raise KeyError(name)
        table = self._named.get(name, Source())
        if name == INTERNET_ARCHIVE and not table.endpoint:
            return table.replace(endpoint=PUBLIC_ENDPOINT)
        return table

    def __iter__(self) -> Iterator[str]:
        return iter(registered_sources())

    def __len__(self) -> int:
        return len(registered_sources())


def registered_sources() -> tuple[str, ...]:
    """Return the names of all sources, ours first; nothing of a package is imported for it."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - searching every installed package takes long

    return tuple(dict.fromkeys((*OURS, *sorted(entry_points(group=GROUP).names))))
