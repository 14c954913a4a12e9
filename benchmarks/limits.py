"""What no program could undercut, each as a bare loop on two threads.

python benchmarks/limits.py harvest HOST:PORT CORPUS TARGET   # receive, compare SHA-1, compute SHA-256 and SHA-512, write once
python benchmarks/limits.py receive HOST:PORT CORPUS          # a raw socket and a buffer of 1 MiB; nothing is kept
python benchmarks/limits.py digest CORPUS                     # SHA-256 of the files, with buffers of 1 MiB
python benchmarks/limits.py put HOST:PORT CORPUS              # unsigned PUT by sendfile into the bucket `archive-test`
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

BUFFER = 1 << 20
THREADS = 2
AUDIO = (".flac", ".wav")
_LOCAL = threading.local()


def harvest(path: Path, host: str, target: str) -> None:
    """Fetch one file, compare its SHA-1, compute what a bag wants, and write it once."""
    if not hasattr(_LOCAL, "connection"):
        _LOCAL.connection = HTTPConnection(host)
    _LOCAL.connection.request("GET", _address(path))
    answer = _LOCAL.connection.getresponse()
    digests = [hashlib.new(one) for one in ("sha1", "sha256", "sha512")]
    view = memoryview(bytearray(BUFFER))
    place = Path(target) / path.parent.name
    place.mkdir(parents=True, exist_ok=True)
    with (place / path.name).open("wb", buffering=0) as file:
        while count := answer.readinto(view):
            for digest in digests:
                digest.update(view[:count])
            file.write(view[:count])
    record = json.loads((path.parent / "metadata.json").read_text())
    if digests[0].hexdigest() != next(row["sha1"] for row in record["files"] if row["name"] == path.name):
        raise SystemExit(f"{path}: other bytes")


def receive(path: Path, host: str) -> None:
    """Receive one file and forget it."""
    name, _, port = host.partition(":")
    view = memoryview(bytearray(BUFFER))
    with socket.create_connection((name, int(port))) as connection:
        connection.sendall(f"GET {_address(path)} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        received = 0
        while count := connection.recv_into(view):
            received += count
    if received < path.stat().st_size:
        raise SystemExit(f"{path}: {received} bytes")


def digest(path: Path) -> None:
    """Compute SHA-256 of one file."""
    sha256, view = hashlib.sha256(), memoryview(bytearray(BUFFER))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(view):
            sha256.update(view[:count])


def put(path: Path, host: str) -> None:
    """Send one file; the server is told nothing but its length."""
    connection = HTTPConnection(host)
    connection.putrequest("PUT", f"/archive-test/bare/{path.parent.name}/{quote(path.name)}")
    connection.putheader("Content-Length", str(path.stat().st_size))
    connection.endheaders()
    with path.open("rb") as file:
        connection.sock.sendfile(file)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")


def _address(path: Path) -> str:
    return f"/download/{path.parent.name}/{quote(path.name)}"


def main() -> None:
    name, *rest = sys.argv[1:]
    work: Callable[..., None] = {"harvest": harvest, "receive": receive, "digest": digest, "put": put}[name]
    corpus = rest.pop(0 if name == "digest" else 1)
    with ThreadPoolExecutor(THREADS) as pool:
        list(
            pool.map(
                lambda path: work(path, *rest), sorted(path for path in Path(corpus).rglob("*") if path.suffix in AUDIO)
            )
        )


if __name__ == "__main__":
    main()
