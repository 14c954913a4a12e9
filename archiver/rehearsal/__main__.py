"""``python -m archiver.rehearsal``: serve a generated collection on loopback for a while."""

from __future__ import annotations

import argparse
import sys
import time

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.sample_audio import demo_collection

LICENCE = "https://creativecommons.org/licenses/by/4.0/"


def main() -> None:
    """Serve until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m archiver.rehearsal", description=__doc__)
    parser.add_argument("--items", type=int, default=0, help="so many generated items; 0 for the demo's collection")
    parser.add_argument("--size", type=int, default=1 << 20, help="bytes of each item's one file")
    parser.add_argument("--port", type=int, default=0, help="of the front end; 0 for a free one")
    parser.add_argument("--seconds", type=float, default=3600, help="how long to serve")
    chosen = parser.parse_args()
    items = [_item(number, chosen.size) for number in range(chosen.items)] or demo_collection()
    with ArchiveDouble(items, port=chosen.port) as double:
        sys.stdout.write(f"{double.url}\n")
        sys.stdout.flush()
        time.sleep(chosen.seconds)


def _item(number: int, size: int) -> DoubleItem:
    seed = b"%016d" % number
    content = (seed * (size // len(seed) + 1))[:size]
    return DoubleItem(f"generated-{number:05}", (DoubleFile("audio.wav", content),), {"licenseurl": LICENCE})


if __name__ == "__main__":
    main()
