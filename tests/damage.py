"""A small archive with two stores, and ways to damage it behind its back."""

from __future__ import annotations

import hashlib

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from tests.archive import LICENCE

NAMES = [f"item-{number:02}" for number in range(9)]


def content(name, track):
    return hashlib.sha512(f"{name}/{track}".encode()).digest() * 100


def item(name):
    files = tuple(DoubleFile(f"{track}.wav", content(name, track)) for track in ("a", "b"))
    return DoubleItem(name, files, {"licenseurl": LICENCE, "title": name, "mediatype": "audio"})


def path_of(archive, name, inside, store="mirror"):
    return archive.bags(store)[f"{name}/v1"] / inside


def overwrite(path, change):
    """Change bytes behind our back; a new file, for a hard link may share the old one's place."""
    bytes_ = bytearray(path.read_bytes())
    changed = change(bytes_)
    path.unlink()
    path.write_bytes(bytes(changed if changed is not None else bytes_))


def flip(bytes_):
    bytes_[1000] ^= 1


def audited(archive, *options):
    return archive.run("audit", "--all", "--output", "jsonl", *options)
