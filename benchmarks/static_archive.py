"""A static archive.org on loopback, quick enough not to be the bottleneck: bodies go out by sendfile.

    python benchmarks/static_archive.py DIRECTORY PORT [--latency SECONDS] [--certificate FILE --key FILE]

DIRECTORY holds one directory for each item, with its files and a ``metadata.json``. Paths may begin with
``/archive.org``, because the official client puts that in front when it is pointed at another host.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = Path()
    latency = 0.0

    def log_message(self, *_: object) -> None:
        """Say nothing: printing would be measured."""

    def do_POST(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.latency:
            time.sleep(self.latency)
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/archive.org")
        if path.startswith("/metadata/"):
            record = self.root / path.split("/")[2] / "metadata.json"
            self._send_json(record.read_bytes() if record.exists() else b"{}")
        elif path.startswith("/download/"):
            _, _, item, name = path.split("/", 3)
            self._send_file(self.root / item / unquote(name))
        elif path.startswith("/services/search/v1/scrape"):
            names = [{"identifier": entry} for entry in sorted(os.listdir(self.root))]
            self._send_json(json.dumps({"items": names, "count": len(names), "total": len(names)}).encode())
        elif path.startswith("/advancedsearch.php"):
            found = len(os.listdir(self.root))
            rows = int(parse_qs(parts.query).get("rows", ["0"])[0])
            docs = [{"identifier": entry} for entry in sorted(os.listdir(self.root))[:rows]]
            self._send_json(json.dumps({"response": {"numFound": found, "start": 0, "docs": docs}}).encode())
        else:
            self.send_error(404)

    def _send_json(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_file(self, path: Path) -> None:
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(404)
            return
        with file:
            facts = os.fstat(file.fileno())
            start = 0
            wanted = self.headers.get("Range", "")
            if wanted.startswith("bytes="):
                start = int(wanted[6:].split("-")[0])
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{facts.st_size - 1}/{facts.st_size}")
            self.send_header("Content-Type", "audio/flac")
            self.send_header("Content-Length", str(facts.st_size - start))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{int(facts.st_mtime):x}-{facts.st_size:x}"')
            self.send_header("Last-Modified", self.date_time_string(int(facts.st_mtime)))
            self.end_headers()
            if self.command == "HEAD":
                return
            while start < facts.st_size:
                sent = self._send_some(file.fileno(), start)
                if not sent:
                    break
                start += sent

    def _send_some(self, file: int, start: int) -> int:
        if isinstance(self.connection, ssl.SSLSocket):
            piece = os.pread(file, 1 << 20, start)
            self.connection.sendall(piece)
            return len(piece)
        return os.sendfile(self.connection.fileno(), file, start, 8 << 20)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    secure: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.secure:
            # The handshake is left to the thread of the connection, so that nobody else waits for it.
            connection = self.secure.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    arguments = parser.parse_args()
    Handler.root, Handler.latency = arguments.directory, arguments.latency
    if arguments.certificate:
        Server.secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        Server.secure.load_cert_chain(arguments.certificate, arguments.key)
    Server(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
