"""A certificate authority of our own and a certificate for 127.0.0.1, made by openssl(1)."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def make_certificates(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what a server needs and the file that a client must trust."""
    if not shutil.which("openssl"):
        pytest.skip("this machine has no openssl(1)")
    (directory / "server.ext").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    _openssl(
        directory,
        *("req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=archiver test authority"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "ca.key", "-out", "ca.pem"),
    )
    _openssl(directory, "req", *_KEY, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    _openssl(
        directory,
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "server.ext", "-out", "server.pem"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    return context, directory / "ca.pem"


def _openssl(directory: Path, *arguments: str) -> None:
    run = subprocess.run(
        ["openssl", *arguments], cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
