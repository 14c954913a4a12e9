"""What the double's two ports answer: the front end, and a data node behind a redirect."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import time
import zlib
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from archiver.rehearsal.corpus import MTIME
from archiver.rehearsal.faults import Fault, Kind
from archiver.rehearsal.published import Request
from archiver.rehearsal.queries import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.rehearsal.corpus import DoubleFile
    from archiver.rehearsal.published import Published

CHUNK = 1 << 20
PAGE = b"<!DOCTYPE html><html><head><title>Internet Archive</title></head><body>Item not available</body></html>"
SMALLEST_COUNT = 100
LARGEST_COUNT = 10_000


class Answers(BaseHTTPRequestHandler):
    """One request; ``double`` is set by the server."""

    protocol_version = "HTTP/1.1"
    double: Published
    is_node = False

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the double keeps its own log."""

    def end_headers(self) -> None:
        """Send the header fields that every answer carries, too."""
        for name, value in self.double.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def do_POST(self) -> None:
        """Searches may be posted, with an empty body."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        """Answer a request."""
        self.double.took(Request(self.is_node, self.path, dict(self.headers)))
        if self.double.latency:
            time.sleep(self.double.latency)
        try:
            self._node() if self.is_node else self._front()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _front(self) -> None:
        parts = urlsplit(self.path)
        head, _, rest = parts.path.lstrip("/").partition("/")
        if parts.path == "/services/search/v1/scrape":
            self._scrape(parse_qs(parts.query))
        elif head == "advancedsearch.php":
            self._advanced(parse_qs(parts.query))
        elif head == "metadata":
            self._metadata(unquote(rest.partition("/")[0]))
        elif head == "download":
            self._download(rest)
        elif parts.path in self.double.pages:
            self._text(self.double.pages[parts.path], "text/plain")
        else:
            self._page(404)

    def _scrape(self, query: dict[str, list[str]]) -> None:
        fault = self.double.faults.take("search")
        if self._failed(fault):
            return
        count = int(query.get("count", ["5000"])[0])
        if count < SMALLEST_COUNT or count > LARGEST_COUNT:
            self._json({"error": f"count must be between {SMALLEST_COUNT} and {LARGEST_COUNT}"})
            return
        found = self._found(query, fault)
        # The service's own bug: with `count` beside it a cursor is ignored.
        start = (
            0 if "count" in query or (fault and fault.kind is Kind.SAME_PAGE) else int(query.get("cursor", ["0"])[0])
        )
        size = self.double.page_size or count
        page = found[start : start + size]
        total = fault.number if fault and fault.kind is Kind.TOTAL else len(found)
        fields = query.get("fields", ["identifier"])[0].split(",")
        items = [self._hit(name, fields) for name in page]
        answer: dict[str, Any] = {"items": items, "count": len(page), "total": total}
        if start + size < len(found):
            answer["cursor"] = str(start + size)
        self._json(answer)

    def _hit(self, name: str, fields: list[str]) -> dict[str, Any]:
        """Return what a search says of an item: a field that is asked for and not set is left out."""
        metadata = self.double.searched(name)
        return {"identifier": name, **{key: metadata[key] for key in fields if key in metadata}}

    def _found(self, query: dict[str, list[str]], fault: Fault | None) -> list[str]:
        wanted = query.get("q", [""])[0]
        found = [name for name in sorted(self.double.items) if matches(wanted, self.double.searched(name))]
        return [*found, fault.text] if fault and fault.kind is Kind.FOREIGN else found

    def _advanced(self, query: dict[str, list[str]]) -> None:
        found = self._found(query, None)
        rows, page = int(query.get("rows", ["50"])[0]), int(query.get("page", ["1"])[0])
        docs = [{"identifier": name} for name in found[(page - 1) * rows : page * rows]]
        response = {"numFound": len(found), "start": (page - 1) * rows, "docs": docs}
        self._json({"responseHeader": {"status": 0, "QTime": 1, "params": {}}, "response": response})

    def _metadata(self, name: str) -> None:
        if self._failed(self.double.faults.take(f"metadata/{name}")):
            return
        item = self.double.described(name)
        self._json(item.answer() if item else {})  # an unknown item is an empty object with status 200

    def _download(self, rest: str) -> None:
        name, _, file = rest.partition("/")
        fault = self.double.faults.take(f"download/{unquote(name)}/{unquote(file)}")
        if fault and fault.kind is Kind.REDIRECT_LOOP:
            self._redirect(f"{self.double.url}/download/{rest}")
        elif fault and fault.kind is Kind.REDIRECT_TO:
            self._redirect(fault.text)
        elif not self._failed(fault):
            self._redirect(f"{self.double.node_url}/1/items/{quote(unquote(name))}/{file}")

    def _node(self) -> None:
        _, _, _, name, *rest = urlsplit(self.path).path.split("/", 4)
        name, path = unquote(name), unquote(rest[0] if rest else "")
        file = self.double.file(name, path)
        fault = self.double.faults.take(f"node/{name}/{path}")
        if self._failed(fault):
            return
        if file is None:
            self._page(404)
        elif fault and fault.kind is Kind.SHORT_CHUNKED:
            self._chunked(file.content * file.repeat, end=file.size // 2)
        elif fault and fault.kind is Kind.ENDLESS:
            self._endless()
        else:
            self._body(file, fault)

    def _body(self, file: DoubleFile, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        etag = '"other"' if kind is Kind.OTHER_ETAG else file.etag
        start = self._start(etag) if kind is not Kind.NO_RANGE else 0
        if start and start >= file.size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{file.size}")
            self._end(b"")
            return
        self.send_response(206 if start else 200)
        if start:
            shown = 0 if kind is Kind.WRONG_RANGE else start
            self.send_header("Content-Range", f"bytes {shown}-{file.size - 1}/{file.size}")
        self.send_header("Content-Type", "audio/x-wav")
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", formatdate(MTIME, usegmt=True))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "max-age=21600")
        self.send_header("Content-Length", str(file.size - start))
        self.end_headers()
        for piece in self._pieces(file, start, fault):
            self.wfile.write(piece)

    def _pieces(self, file: DoubleFile, start: int, fault: Fault | None) -> Iterator[bytes | memoryview]:
        kind = fault.kind if fault else None
        sent, limit = start, fault.number if fault and kind is Kind.CUT else file.size
        while sent < file.size:
            within = sent % len(file.content)
            piece: bytes | memoryview = memoryview(file.content)[within : within + CHUNK]
            if kind is Kind.CORRUPT and sent == start:
                piece = bytes([piece[0] ^ 1]) + bytes(piece[1:])
            if kind is Kind.DRIP:
                piece = piece[:10]
                time.sleep(1)
            if sent + len(piece) > limit:
                yield piece[: max(limit - sent, 0)]
                self._hang_up()
                return
            yield piece
            sent += len(piece)

    def _start(self, etag: str) -> int:
        asked = self.headers.get("Range", "")
        if not asked.startswith("bytes=") or self.headers.get("If-Range", etag) != etag:
            return 0
        return int(asked.removeprefix("bytes=").partition("-")[0] or 0)

    def _failed(self, fault: Fault | None) -> bool:
        """Answer a fault that needs no file; tell whether it did."""
        if fault is None:
            return False
        if fault.kind is Kind.STATUS:
            self._page(fault.number, retry_after=fault.text)
        elif fault.kind is Kind.HTML:
            self._page(200)
        elif fault.kind is Kind.RESET:
            # SO_LINGER of zero seconds: the connection is reset and not closed.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._hang_up()
        elif fault.kind is Kind.JSON_ERROR:
            self._json({"error": "[BACKEND_ERROR] Invalid or no response from Elasticsearch"}, fault.number or 200)
        elif fault.kind is Kind.NOT_JSON:
            self._text(b"not json at all", "application/json")
        elif fault.kind is Kind.BOMB:
            self._bomb()
        else:
            return False
        return True

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self.connection.close()

    def _page(self, status: int, *, retry_after: str = "") -> None:
        self.send_response(status)
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self._end(PAGE)

    def _text(self, content: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self._end(content)

    def _redirect(self, location: str) -> None:
        self.send_response(302)
        self.send_header("Location", location)
        self._end(b"")

    def _end(self, content: bytes) -> None:
        if self.headers.get("Connection", "").lower() == "close":
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _json(self, answer: dict[str, Any], status: int = 200) -> None:
        """Answer as recorded: chunked, compressed where asked for, with escaped slashes."""
        content = json.dumps(answer).replace("/", "\\/").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
            content = gzip.compress(content, 1)
        self._chunked_body(content[index : index + 8192] for index in range(0, len(content), 8192))

    def _chunked(self, content: bytes, *, end: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/x-wav")
        self._chunked_body(content[index : min(index + CHUNK, end)] for index in range(0, end, CHUNK))

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/x-wav")
        zeros = bytes(CHUNK)
        self._chunked_body(zeros for _ in range(1 << 20))

    def _bomb(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        packer = zlib.compressobj(9, wbits=31)
        spaces = b" " * CHUNK
        self._chunked_body(packed for _ in range(1024) if (packed := packer.compress(spaces)))

    def _chunked_body(self, pieces: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


class NodeAnswers(Answers):
    """A data node."""

    is_node = True
