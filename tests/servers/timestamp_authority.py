"""An RFC 3161 time stamp authority on loopback, answered by openssl(1)."""

from __future__ import annotations

import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@contextmanager
def run_authority(directory: Path) -> Iterator[tuple[str, Path]]:
    """Return its URL and the file of its root certificate."""
    if not shutil.which("openssl"):
        pytest.skip("this machine has no openssl(1)")
    directory.mkdir(parents=True)
    (directory / "tsa.cnf").write_text(_CONFIG)
    (directory / "serial").write_text("01\n")
    (directory / "ext").write_text(
        "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n"
    )
    _openssl(
        directory,
        *("req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=test root", "-keyout", "ca.key", "-out", "ca.pem"),
    )
    _openssl(directory, "req", *_KEY, "-subj", "/CN=test tsa", "-keyout", "tsa.key", "-out", "tsa.csr")
    _openssl(
        directory,
        *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "ext", "-out", "tsa.pem"),
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            (directory / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            _openssl(
                directory,
                *("ts", "-reply", "-config", "tsa.cnf", "-section", "one", "-queryfile", "query"),
                *("-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "answer"),
            )
            content = (directory / "answer").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", directory / "ca.pem"
        finally:
            server.shutdown()
            thread.join()


def _openssl(directory: Path, *arguments: str) -> None:
    run = subprocess.run(
        ["openssl", *arguments], cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
