"""Which sources there are: those of the program, and those that installed packages bring."""

from __future__ import annotations

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
GROUP = "archiver.sources"
"""The entry point group; see `archiver.ports.offers`."""


def registered_sources() -> tuple[str, ...]:
    """Return the names of all sources, ours first; nothing of a package is imported for it."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - searching every installed package takes long

    return tuple(dict.fromkeys((*OURS, *sorted(entry_points(group=GROUP).names))))
