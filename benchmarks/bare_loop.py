"""The limit of a harvest: receive, compare SHA-1, compute SHA-256 and SHA-512, write once; nothing else.

python benchmarks/bare_loop.py HOST:PORT CORPUS TARGET [--threads 2]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

BUFFER = 1 << 20
_LOCAL = threading.local()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    files = []
    for item in sorted(arguments.corpus.iterdir()):
        (arguments.target / item.name).mkdir(parents=True)
        record = json.loads((item / "metadata.json").read_text())
        files += [(item.name, row["name"], row["sha1"]) for row in record["files"]]

    def fetch(file: tuple[str, str, str]) -> None:
        item, name, expected = file
        if not hasattr(_LOCAL, "connection"):
            _LOCAL.connection = HTTPConnection(arguments.host)
        _LOCAL.connection.request("GET", f"/download/{item}/{quote(name)}")
        answer = _LOCAL.connection.getresponse()
        digests = [hashlib.new(one) for one in ("sha1", "sha256", "sha512")]
        view = memoryview(bytearray(BUFFER))
        with (arguments.target / item / name).open("wb", buffering=0) as target:
            while count := answer.readinto(view):
                for digest in digests:
                    digest.update(view[:count])
                target.write(view[:count])
        if digests[0].hexdigest() != expected:
            raise SystemExit(f"{item}/{name}: other bytes")

    with ThreadPoolExecutor(arguments.threads) as pool:
        list(pool.map(fetch, files))


if __name__ == "__main__":
    main()
