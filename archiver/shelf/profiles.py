"""The BagIt profile that every bag of ours satisfies (BagIt Profiles 1.4)."""

from __future__ import annotations

from importlib import resources

PROFILE_IDENTIFIER = "https://archiver-profile.example/bagit/archiver-1.0.json"
"""A versioned name, not a place: `example` is reserved (RFC 2606), and the profile itself ships with the program."""


def profile() -> bytes:
    """Return the profile, JSON in UTF-8."""
    return (resources.files("archiver.shelf") / "data" / "profiles" / "archiver-1.0.json").read_bytes()
