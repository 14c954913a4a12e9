"""Which sources there are: those of the program, and those that installed packages bring."""

from __future__ import annotations

from importlib.metadata import entry_points

INTERNET_ARCHIVE = "internet-archive"
LOCAL = "local"
GROUP = "archiver.sources"
"""The entry point group; see `archiver.ports.offers`."""


def registered_sources() -> tuple[str, ...]:
    """Return the names of all sources, ours first; nothing of a package is imported for it."""
    return tuple(dict.fromkeys((INTERNET_ARCHIVE, LOCAL, *sorted(entry_points(group=GROUP).names))))
