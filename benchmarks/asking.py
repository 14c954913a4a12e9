"""What one answer costs the process that asks: CPU of the client of the sources beside plainer ones, on one kept connection.

    python benchmarks/asking.py [--requests 2000] [--rounds 5] [--megabytes 1024] [--tls] [--only NAME ...]

A server on loopback gives canned answers: one of 1.4 KB as the metadata of a small item, and one large body. Compared in
turns: `archiver` (the client of every source, `Client.get` and `Client.open`), `requests` with one session, `urllib3` with
one pool, `http.client` with one connection, and `raw`, a socket that is written to and read from with `recv_into` and
understands nothing. Printed are microseconds of CPU (user and system) for one small answer and seconds for a GB of the
large one, medians with their range, and their ratios to the first. ``--tls`` puts TLS below it all, with a certificate made by openssl(1), and
counts how often a context is built from authorities and how many connections are opened by 20 threads.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = (b'{"metadata": {"identifier": "x", "licenseurl": "https://creativecommons.org/licenses/by/4.0/"}}' * 15)[:1400]
CHUNK = 1 << 20
HEAD = (
    "HTTP/1.1 200 OK\r\nServer: BaseHTTP/0.6 Python/3.11.7\r\nDate: Tue, 01 Dec 2026 05:00:00 GMT\r\n"
    'Content-Type: {}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\nETag: "65-7d0"\r\n'
    "Last-Modified: Mon, 02 Nov 2026 05:00:00 GMT\r\n\r\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(CLIENTS), choices=list(CLIENTS))
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--certificates", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve, arguments.megabytes << 20, arguments.certificates)
        return
    with tempfile.TemporaryDirectory(prefix="archiver-asking-") as name:
        directory = Path(name)
        if arguments.tls:
            make_certificate(directory)
            os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(directory / "server.pem")
        compare(arguments, directory)


def compare(arguments: argparse.Namespace, directory: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    listener.set_inheritable(True)
    command = [sys.executable, __file__, "--serve", str(listener.fileno()), "--megabytes", str(arguments.megabytes)]
    if arguments.tls:
        command += ["--certificates", str(directory)]
    server = subprocess.Popen(command, pass_fds=[listener.fileno()])
    url = f"{'https' if arguments.tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    try:
        clients = {name: CLIENTS[name](url) for name in arguments.only}
        for name, ask in clients.items():
            ask(f"/metadata/{name}")
        small: dict[str, list[float]] = {name: [] for name in clients}
        large: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(arguments.rounds):
            for name, ask in clients.items():
                small[name].append(cpu_of(ask, "/metadata/item", arguments.requests) / arguments.requests * 1e6)
            for name, ask in clients.items():
                large[name].append(cpu_of(ask, "/download/large", 1) / (arguments.megabytes << 20) * 1e9)
        report(small, large)
        if arguments.tls and "archiver" in clients:
            count_handshakes(url)
    finally:
        server.terminate()
        server.wait(timeout=10)
        listener.close()


def cpu_of(ask: Callable[[str], None], path: str, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        ask(path)
    return time.process_time() - began


def report(small: dict[str, list[float]], large: dict[str, list[float]]) -> None:
    base = next(iter(small))
    print(f"{'':12} µs CPU a small answer, times {base:12} s CPU a GB, times {base}")
    for (name, one), many in zip(small.items(), large.values(), strict=True):
        print(
            f"{name:12} {median(one):7.0f} ({min(one):.0f}-{max(one):.0f}) {median(one) / median(small[base]):9.1f}"
            f"   {median(many):12.3f} ({min(many):.3f}-{max(many):.3f}) {median(many) / median(large[base]):9.2f}"
        )


def count_handshakes(url: str) -> None:
    """Say what many threads cost: contexts made, connections opened."""
    made = opened = 0
    load, connect = ssl.SSLContext.load_verify_locations, socket.socket.connect

    def counted_load(*arguments: object, **named: object) -> object:
        nonlocal made
        made += 1
        return load(*arguments, **named)  # type: ignore[arg-type]

    def counted_connect(*arguments: object) -> object:
        nonlocal opened
        opened += 1
        return connect(*arguments)  # type: ignore[arg-type]

    ssl.SSLContext.load_verify_locations = counted_load  # type: ignore[method-assign,assignment]
    socket.socket.connect = counted_connect  # type: ignore[method-assign,assignment]
    ask = CLIENTS["archiver"](url)
    threads = [threading.Thread(target=lambda: [ask("/metadata/x") for _ in range(20)]) for _ in range(20)]
    began = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.process_time() - began
    print(f"20 threads, 400 answers: {took:.2f} s CPU, authorities loaded {made} times, {opened} connections opened")
    ssl.SSLContext.load_verify_locations = load  # type: ignore[method-assign]
    socket.socket.connect = connect  # type: ignore[method-assign]


def by_archiver(url: str) -> Callable[[str], None]:
    from archiver.clock import SystemClock  # noqa: PLC0415 - only what is measured
    from archiver.sources.web.client import Client, Conduct  # noqa: PLC0415 - only what is measured
    from archiver.sources.web.reach import Reach  # noqa: PLC0415 - only what is measured

    client = Client(
        Conduct("archiver/0", "mailto:a@example.org", Reach("", (), ("127.0.0.1",)), requests_per_second=0),
        clock=SystemClock(),
    )

    def ask(path: str) -> None:
        if path.startswith("/metadata/"):
            client.get(url + path, headers={"Accept": "application/json"})
            return
        with client.open(url + path) as delivery:
            for _ in delivery.chunks:
                pass

    return ask


def by_requests(url: str) -> Callable[[str], None]:
    import requests  # noqa: PLC0415 - only what is measured

    session = requests.Session()

    def ask(path: str) -> None:
        with session.get(url + path, stream=True) as answer:
            for _ in answer.iter_content(CHUNK):
                pass

    return ask


def by_urllib3(url: str) -> Callable[[str], None]:
    import urllib3  # noqa: PLC0415 - only what is measured

    pool = urllib3.PoolManager(ssl_context=ssl.create_default_context())

    def ask(path: str) -> None:
        answer = pool.request("GET", url + path, preload_content=False, retries=False)
        while answer.read1(CHUNK, decode_content=False):
            pass
        answer.release_conn()

    return ask


def by_http_client(url: str) -> Callable[[str], None]:
    address = url.partition("://")[2]
    if url.startswith("https"):
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            address, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(address)
    room = memoryview(bytearray(CHUNK))

    def ask(path: str) -> None:
        connection.request("GET", path)
        answer = connection.getresponse()
        while answer.readinto(room):
            pass

    return ask


def by_socket(url: str) -> Callable[[str], None]:
    host, _, port = url.partition("://")[2].partition(":")
    peer = socket.create_connection((host, int(port)))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if url.startswith("https"):
        peer = ssl.create_default_context().wrap_socket(peer, server_hostname=host)
    room = memoryview(bytearray(CHUNK))

    def ask(path: str) -> None:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        count = peer.recv_into(room)
        head = bytes(room[:1000])
        end = head.index(b"\r\n\r\n") + 4
        length = head.index(b"Content-Length: ") + 16
        left = int(head[length : head.index(b"\r\n", length)]) - (count - end)
        while left > 0:
            left -= peer.recv_into(room)

    return ask


CLIENTS = {
    "raw": by_socket,
    "http.client": by_http_client,
    "urllib3": by_urllib3,
    "requests": by_requests,
    "archiver": by_archiver,
}


def make_certificate(directory: Path) -> None:
    if not shutil.which("openssl"):
        raise SystemExit("--tls needs openssl(1)")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", "server.key", "-out", "server.pem"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


def serve(descriptor: int, size: int, certificates: Path | None) -> None:
    listener = socket.socket(fileno=descriptor)
    context = None
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    while True:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=talk, args=(peer, size, context), daemon=True).start()


def talk(peer: socket.socket, size: int, context: ssl.SSLContext | None) -> None:
    small = HEAD.format("application/json", len(SMALL)).encode() + SMALL
    large = HEAD.format("audio/flac", size).encode()
    zeros = bytes(CHUNK)
    with suppress(OSError):
        if context is not None:
            peer = context.wrap_socket(peer, server_side=True)
        while True:
            asked = b""
            while not asked.endswith(b"\r\n\r\n"):
                piece = peer.recv(65536)
                if not piece:
                    return
                asked += piece
            if asked.startswith(b"GET /metadata/"):
                peer.sendall(small)
                continue
            peer.sendall(large)
            for _ in range(size // CHUNK):
                peer.sendall(zeros)


if __name__ == "__main__":
    main()
