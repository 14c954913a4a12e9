"""A second harvest of an unchanged collection on the double: requests, seconds, memory. Argument: items (10,000).

The issue's goal: at most one request for 100 items.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from archiver.rehearsal.corpus import DoubleFile, DoubleItem  # noqa: PLC0415
    from archiver.rehearsal.double import ArchiveDouble  # noqa: PLC0415
    from tests.archive import LICENCE, Archive  # noqa: PLC0415

    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    sound = (DoubleFile("a.flac", b"fLaC" + bytes(100), format="Flac"),)
    # As at the service: nine of ten items have no licence. What is refused must not be asked for again either.
    items = [
        DoubleItem(f"item-{n:06d}", sound, {"licenseurl": LICENCE if n % 10 == 0 else None}) for n in range(number)
    ]
    with tempfile.TemporaryDirectory() as folder, ArchiveDouble(items) as double:
        archive = Archive(Path(folder), double.url)
        for round_ in (1, 2):
            double.requests.clear()
            began = time.monotonic()
            done = archive.run("-q", "harvest", "all", "--jobs", "8", "--output", "jsonl", timeout=3600)
            kinds = Counter(one.path.split("?")[0].split("/")[1] for one in double.requests)
            print(
                f"harvest {round_}: status {done.status}, {time.monotonic() - began:.0f} s, {sum(kinds.values())} requests {dict(kinds)}"
            )
            print("   " + done.out.splitlines()[-1][:300])


if __name__ == "__main__":
    main()
