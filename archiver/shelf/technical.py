"""The JSON Schema of ``metadata/technical.json``."""

from __future__ import annotations

from importlib import resources


def technical_schema() -> bytes:
    """Return the schema."""
    return (resources.files("archiver.shelf") / "data" / "schemas" / "technical-2.json").read_bytes()
