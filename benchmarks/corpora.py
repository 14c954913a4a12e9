"""The corpora: items of random bytes, with the metadata that archive.org would give."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 16 << 20


@dataclass(frozen=True, slots=True)
class Corpus:
    """What to publish.

    Attributes:
        files: Of each item.
        size: Bytes of each file.
        latency: Seconds by which each answer comes late.
        jobs: How many of ours work at once.
    """

    name: str
    items: int
    files: int
    size: int
    latency: float = 0.0
    jobs: int = 4

    @property
    def bytes(self) -> int:
        return self.items * self.files * self.size

    def __str__(self) -> str:
        late = f", each answer {self.latency * 1000:.0f} ms late" if self.latency else ""
        return f"{self.items:,} items with {self.items * self.files:,} files, {self.bytes / 1e6:,.1f} MB{late}."

    def scaled(self, *, items: int | None, megabytes: float | None) -> Corpus:
        """Return it with so many items, or of so many megabytes in all."""
        changed = replace(self, items=items or self.items)
        if megabytes is None:
            return changed
        return replace(changed, size=int(megabytes * 1e6 / changed.items / changed.files))

    def build(self, root: Path) -> None:
        """Write it below ``root``, the same bytes each time."""
        dice = random.Random(20261124)
        for number in range(self.items):
            item = f"bench-{number:04d}"
            (root / item).mkdir(parents=True)
            records = [_write(root / item / f"{index:02d} track.flac", self.size, dice) for index in range(self.files)]
            (root / item / "metadata.json").write_text(json.dumps(_record(item, number, records)))


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus("forty", 8, 5, 27_500_000),
        Corpus("tiny", 1000, 1, 2_000),
        Corpus("large", 1, 1, 4 << 30),
        Corpus("latency", 100, 1, 20_000, latency=0.1, jobs=16),
    )
}


def _write(path: Path, size: int, dice: random.Random) -> dict[str, str]:
    md5, sha1 = hashlib.md5(), hashlib.sha1()
    with path.open("wb") as file:
        for start in range(0, size, _PIECE):
            piece = dice.randbytes(min(_PIECE, size - start))
            file.write(piece)
            md5.update(piece)
            sha1.update(piece)
    return {
        "name": path.name,
        "source": "original",
        "format": "Flac",
        "size": str(size),
        "mtime": str(int(path.stat().st_mtime)),
        "md5": md5.hexdigest(),
        "sha1": sha1.hexdigest(),
    }


def _record(item: str, number: int, records: list[dict[str, str]]) -> dict[str, object]:
    return {
        "created": 1760000000,
        "dir": f"/1/items/{item}",
        "files": records,
        "files_count": len(records),
        "item_last_updated": 1760000000,
        "item_size": sum(int(row["size"]) for row in records),
        "metadata": {
            "identifier": item,
            "title": f"Benchmark {number}",
            "creator": "Nobody",
            "mediatype": "audio",
            "collection": ["benchmark"],
            "licenseurl": "https://creativecommons.org/licenses/by/4.0/",
        },
        "server": "ia600001.us.archive.org",
        "uniq": number,
    }
