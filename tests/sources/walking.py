"""Opening a source against a double, and harvesting from one through the whole program."""

from __future__ import annotations

import bagit

from archiver.clock import SystemClock
from archiver.core.gate import appraise
from archiver.core.items import ItemId
from archiver.core.licences.policies import policy_named
from archiver.core.patience import Patience
from archiver.core.selections import Selection
from archiver.ports.offers import Surroundings
from archiver.shelf import licence_table
from tests.archive import Archive


def around(name, url, *, tries=2, timeout=10, largest_file=1 << 20, **options):
    """Surroundings as the fuse box makes them for an endpoint on this machine; waiting is short and real."""
    return Surroundings(
        name,
        url,
        "mailto:ops@example.org",
        SystemClock(),
        0,
        timeout,
        options,
        patience=Patience(0.01, tries),
        largest_file=largest_file,
    )


def selection(source, query="*", items=(), files=("originals",)):
    return Selection(
        "all", "All", source, "" if items else query, tuple(items), policy_named("all-cc"), files, ("primary",)
    )


def judged(source, name, chosen=None):
    """What the gate says of an item."""
    item = source.describe(ItemId(source.name, name))
    return appraise(item, chosen or selection(source.name), table=licence_table())


def bytes_of(source, admitted):
    (file, _), *_ = admitted.files
    with source.read(admitted, file) as delivery:
        return b"".join(delivery.chunks)


def archive_of(tmp_path, source, url, *, options=None, **keys):
    """An archive whose settings name an endpoint for a source."""
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    settings = archive.root / "archiver.toml"
    lines = [f"[sources.{source}]", f'endpoint = "{url}"', "backoff = 0.05", "tries = 2", "timeout = 5"]
    if options:
        lines += [f"[sources.{source}.options]", *(f'{key} = "{value}"' for key, value in options.items())]
    settings.write_text(settings.read_text() + "\n".join(lines) + "\n")
    archive.select("mine", source=source, **{"query": "*", **keys})
    return archive


def outcomes(ended):
    return {name: outcome for name, (outcome, _) in ended.outcomes.items()}


def valid_bags(archive):
    """Every bag by its item's name, each found valid by bagit-python."""
    found = {}
    for path in archive.bags().values():
        bagit.Bag(str(path)).validate(processes=1)
        found[path.parent.name] = path
    return found
