"""Sources by name: the program's own, and those of installed packages."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, cast

from archiver import __version__
from archiver.core.errors import SettingsError
from archiver.core.preferences import Stated
from archiver.ports.offers import Capabilities, Surroundings
from archiver.settings.registered import (
    CCMIXTER,
    COMMONS,
    FMA_DATASET,
    FREE_MUSIC_ARCHIVE,
    GROUP,
    INTERNET_ARCHIVE,
    JAMENDO,
    LIBRIVOX,
    LOCAL,
    OURS,
    RSS,
    URL_MANIFEST,
    registered_sources,
)

if TYPE_CHECKING:
    from archiver.clock import SystemClock
    from archiver.core.items import ItemId
    from archiver.ports.offers import Offer, OpenSource
    from archiver.ports.preferences import PreferenceSource
    from archiver.settings.reading import Settings
    from archiver.settings.tables import Source as SourceTable
    from archiver.sources.internet_archive import InternetArchive
    from archiver.wiring.sharing import Sharing

PROGRAM = f"archiver/{__version__}"

_INTERNET_ARCHIVE = Capabilities("Internet Archive", digests=("sha1", "md5"), incremental=True, marks=True)


_MODULES = {
    LOCAL: "archiver.sources.local",
    COMMONS: "archiver.sources.commons",
    CCMIXTER: "archiver.sources.ccmixter",
    JAMENDO: "archiver.sources.jamendo",
    RSS: "archiver.sources.feeds",
    URL_MANIFEST: "archiver.sources.url_manifest",
    FMA_DATASET: "archiver.sources.fma.dataset",
    FREE_MUSIC_ARCHIVE: "archiver.sources.fma.pages",
}
"""Our own offers, each loaded when its source is used."""


class Silent:
    """Stands for a host that nobody asked about preferences."""

    def stated(self, item: ItemId) -> Stated:  # noqa: ARG002 - the port's argument
        """Return that nothing was asked."""
        return Stated(unread=("the source does not read preference signals",))


def names() -> tuple[str, ...]:
    """Return the names of all sources."""
    return registered_sources()


def capabilities(name: str) -> Capabilities:
    """Return what a source declares of itself.

    Raises:
        SettingsError: There is no such source, or its package cannot be loaded.
    """
    if name == LIBRIVOX:
        from archiver.sources.librivox import CAPABILITIES

        return CAPABILITIES
    return _INTERNET_ARCHIVE if name == INTERNET_ARCHIVE else _offer(name).capabilities


def by_window(name: str) -> bool:
    """Tell whether a source is asked for what is new since a time: where it can be, and does not say what changed."""
    can = capabilities(name)
    return can.incremental and not can.marks


def origin(name: str) -> str:
    """Return which package brings a source."""
    if name in OURS:
        return "archiver"
    from importlib.metadata import entry_points

    return next((str(point.dist.name) for point in entry_points(group=GROUP, name=name) if point.dist), "unknown")


def open_offered(settings: Settings, name: str, *, clock: SystemClock, sharing: Sharing | None = None) -> OpenSource:
    """Open a source that a package brings.

    Raises:
        SettingsError: Its package cannot be loaded, or the settings do not do for it.
    """
    offer = _offer(name)
    table: SourceTable = settings.sources[name]
    given = surroundings(settings, name, table, offer.capabilities, clock=clock)
    if sharing and sharing.times:
        given = replace(given, times=sharing.times, slots=sharing.slots(name, given.downloads))
    source = offer.open(given)
    if source.name != name:
        raise SettingsError(f"sources.{name}: its package answers under another name: {source.name[:100]!r}")
    return source


def open_librivox(settings: Settings, archive: InternetArchive, *, clock: SystemClock) -> OpenSource:
    """Open the index, with the source that its recordings are read from."""
    from archiver.sources.librivox import CAPABILITIES, LibriVox

    return LibriVox(surroundings(settings, LIBRIVOX, settings.sources[LIBRIVOX], CAPABILITIES, clock=clock), archive)


def surroundings(
    settings: Settings, name: str, table: SourceTable, can: Capabilities, *, clock: SystemClock
) -> Surroundings:
    """Return what a source gets from the settings."""
    from archiver.staging.notebook import FileNotebook
    from archiver.wiring.network import host_times, is_here, patience

    rate = table.requests_per_second
    if rate is None:
        rate = 0.0 if is_here(table) else can.requests_per_second
    return Surroundings(
        name=name,
        endpoint=table.endpoint.rstrip("/"),
        contact=settings.contact,
        clock=clock,
        requests_per_second=rate,
        timeout=table.timeout,
        options=_options(name, table),
        program=PROGRAM,
        downloads=table.downloads or can.downloads,
        patience=patience(table),
        times=host_times(settings, clock),
        private=tuple(settings.network.allow_private),
        largest_file=settings.network.largest_file,
        notebook=FileNotebook(settings.home / "sources" / name),
    )


def _options(name: str, table: SourceTable) -> dict[str, str]:
    """Return a source's own options; what is secret comes from the environment and stands in no file.

    Raises:
        SettingsError: It stands in the file all the same.
    """
    options = dict(table.options)
    if name != JAMENDO:
        return options
    variable = options.pop("client_id_variable", "JAMENDO_CLIENT_ID")
    if "client_id" in options or not re.fullmatch(r"[A-Z][A-Z0-9_]{0,100}", variable):
        raise SettingsError(
            f"sources.{name}.options: the client id is a secret and stands in no file; client_id_variable names "
            "the variable of the environment that holds it",
            next_command='export JAMENDO_CLIENT_ID="…"',
        )
    return {**options, "client_id": os.environ.get(variable, "")}


def preferences_of(source: OpenSource) -> PreferenceSource:
    """Return what knows the preferences of a source's host: the source itself where it reads them."""
    return cast("PreferenceSource", source) if hasattr(source, "stated") else Silent()


def _offer(name: str) -> Offer:
    if name in _MODULES:
        return cast("Offer", import_module(_MODULES[name]).OFFER)
    from importlib.metadata import entry_points

    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        raise SettingsError(f"there is no source {name!r}", next_command="archiver source list")
    if len({point.value for point in found}) > 1:
        packages = ", ".join(sorted({str(point.dist.name) for point in found if point.dist}))
        raise SettingsError(f"sources.{name}: several packages bring it: {packages}; remove all but one")
    try:
        return cast("Offer", found[0].load())
    except Exception as error:  # a foreign package: whatever it raises, the reader must learn which package it was
        raise SettingsError(
            f"sources.{name}: its package cannot be loaded: {type(error).__name__}: {error}",
            next_command="archiver source list",
        ) from error
