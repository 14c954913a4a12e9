"""The selections that ship with the program."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def sample_selections() -> dict[str, str]:
    """Return the text of each selection by its name, in the order of names.

    Those below ``examples/`` ask for something of the reader first: a key, a folder, an address.
    """
    shipped: Traversable = resources.files("archiver.shelf") / "data" / "manifests"
    if not shipped.is_dir():
        shipped = Path(__file__).parents[2] / "manifests"  # a checkout: they are kept at its top
    places = {"": shipped, "examples/": shipped / "examples"}
    files = {
        prefix + entry.name.removesuffix(".toml"): entry
        for prefix, place in places.items()
        for entry in place.iterdir()
        if entry.name.endswith(".toml")
    }
    return {name: files[name].read_text("utf-8") for name in sorted(files)}
