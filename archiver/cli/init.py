"""``archiver init``."""

from __future__ import annotations

from pathlib import Path

import click

from archiver import wiring
from archiver.cli.front import Front, example, pass_front
from archiver.core.errors import SettingsError

TEMPLATE = """\
# Settings of this archive. Every key and what it may hold: docs/settings.md.
# Command line before environment (ARCHIVER_ARCHIVE__CONTACT=…) before this file before defaults.

[archive]
organisation = "Unnamed archive"        # Source-Organization of every bag
contact = ""                            # "mailto:you@example.org": public sources are not asked for anything without it
# min_copies = 2                        # good copies of each version; min_places, min_providers, min_media

[catalogue]
url = "sqlite:///catalogue.sqlite"      # or "postgresql+psycopg://user@host/name"

[stores.primary]
url = "store/"                          # a directory, relative to this file
# location = "Berlin"                   # location, provider, medium, threat: for reports
# audit_every = "90 days"
# price_request = 0.0                   # what `audit --max-cost` counts with, in any currency
# price_gigabyte = 0.0

# [stores.mirror]
# url = "s3://open-audio/bags"          # keys come from boto3's own chain, never from this file
# endpoint = "https://s3.example.org"   # leave out for AWS

# [audit]
# keep_damaged = true                   # damaged bytes are kept below archive/damaged/ of their store
# [withdrawal]
# delete = true                         # whether bytes of withdrawn items may be deleted at all
# delete_after = "30 days"

# [derivatives]
# directory = "listen/"                 # instead of derivatives/ in the first store
# no_derivatives = "nothing"            # the strictest reading of NoDerivatives licences

[sources.internet-archive]
# endpoint = "https://archive.org"
# requests_per_second = 1               # metadata and search
# downloads = 2                         # files at once

[harvest]
# jobs = 4                              # items at once
# staging = "staging/"                  # best in the same file system as a directory store

[audio]
# examine = true                        # decode every captured audio file before it is bagged
"""


@example("archiver init my-archive\ncd my-archive && archiver harvest netlabels --dry-run --limit 5")
@click.command("init")
@click.argument(
    "directory", required=False, default=".", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False)
)
@pass_front
def init_command(front: Front, *, directory: Path) -> None:
    """Write a commented archiver.toml, the selections, the catalogue and the default store.

    What is there already is left as it is, so the command may be given again.
    """
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        written += _written(directory / "archiver.toml", TEMPLATE)
        (directory / "manifests" / "examples").mkdir(parents=True, exist_ok=True)
        for name, text in wiring.sample_selections().items():
            written += _written(directory / "manifests" / f"{name}.toml", text)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or directory} cannot be written: {error.strerror}", next_command="archiver init DIR"
        ) from error
    settings = Front(directory / "archiver.toml", front.home, front.verbosity).settings()
    catalogue = wiring.open_catalogue(settings)
    catalogue.close()
    for store in settings.stores.values():
        if "://" not in store.url:
            Path(store.url).mkdir(parents=True, exist_ok=True)
    for path in written:
        front.say(f"wrote {path}")
    front.say(f"the archive in {directory} is ready")
    if not settings.contact:
        front.say(f"  next: set contact in {directory / 'archiver.toml'}; public sources are not asked without it")
    go = f"cd {directory} && " if directory != Path() else ""
    front.say(f"  next: {go}archiver harvest netlabels --dry-run --limit 5")


def _written(path: Path, text: str) -> list[Path]:
    """Write a file unless it is there; return what was written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return []
    return [path]
