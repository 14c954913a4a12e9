"""100,000 rows of an FMA dataset's table: CPU and memory until any track can be described. No argument.

The issue's goal: under 10 s of CPU and under 100 MB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

READ = """
import sys, time
from archiver.clock import SystemClock
from archiver.core.items import ItemId
from archiver.ports.offers import Surroundings
from archiver.sources.fma.dataset import OFFER
source = OFFER.open(Surroundings("fma-dataset", "", "", SystemClock(), 0, 60, {"folder": sys.argv[1]}))
began = time.process_time()
title = source.describe(ItemId("fma-dataset", "099999")).title
took = time.process_time() - began
began = time.process_time()
for track in range(2, 1002):
    source.describe(ItemId("fma-dataset", f"{track:06d}"))
each = (time.process_time() - began) / 1000
peak = int(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1]) / 1024
print(f"{title!r}: {took:.2f} s of CPU for the whole table, {each * 1000:.2f} ms a track, peak {peak:.0f} MB with Python itself")
"""


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.sources.fma.made import LICENCES, row_of, sums, table, write_zip  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        words = "<p>words about it</p> " * 35
        content = table(row_of(track, LICENCES[track % 6], track_information=words) for track in range(100_000))
        write_zip(Path(folder) / "fma_metadata.zip", {"fma_metadata/raw_tracks.csv": content})
        tracks = {track: track.to_bytes(4) for track in range(100_000)}
        members = {"fma_full/checksums": sums(tracks)}
        members |= {f"fma_full/{f'{track:06d}'[:3]}/{track:06d}.mp3": one for track, one in tracks.items()}
        write_zip(Path(folder) / "fma_full.zip", members)
        print(
            f"{len(content) / 1e6:.0f} MB of table, {len(members)} members; made with {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} s of CPU"
        )
        subprocess.run([sys.executable, "-c", READ, folder], check=True)


if __name__ == "__main__":
    main()
