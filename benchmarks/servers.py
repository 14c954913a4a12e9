"""The servers of a comparison, each a process of its own on loopback: the published corpus, and S3."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Published:
    """A corpus that is served.

    Attributes:
        authority: The certificate that clients must trust, where the server speaks TLS.
    """

    corpus: Path
    port: int
    authority: Path | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    @property
    def trust(self) -> dict[str, str]:
        """The environment with which any client trusts the server.

        Clients of a loopback address may look at no environment of requests' own. So `certifi`, which every one of them
        asks for its authorities, is one of ours that knows this one; both sides get the same.
        """
        if self.authority is None:
            return {}
        known = str(self.authority)
        return {
            "REQUESTS_CA_BUNDLE": known,
            "SSL_CERT_FILE": known,
            "PYTHONPATH": f"{self.authority.parent}:{HERE.parent}",
        }


@contextmanager
def published(corpus: Path, *, latency: float = 0.0, has_tls: bool = False) -> Iterator[Published]:
    """Serve a corpus as archive.org does, until the end of the block."""
    port = free_port()
    command = [sys.executable, str(HERE / "static_archive.py"), str(corpus), str(port), "--latency", str(latency)]
    authority = None
    if has_tls:
        place = corpus.parent / "tls"
        authority = _certified(place)
        command += ["--certificate", str(place / "server.pem"), "--key", str(place / "server.key")]
    server = subprocess.Popen(command)
    try:
        wait_for(port)
        yield Published(corpus, port, authority)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _certified(place: Path) -> Path:
    from tests.servers.certificates import make_certificates  # noqa: PLC0415 - only where TLS is wanted

    place.mkdir()
    _, authority = make_certificates(place)
    known = f"AUTHORITY = {str(authority)!r}\n\n\ndef where():\n    return AUTHORITY\n\n\ndef contents():\n    return open(AUTHORITY).read()\n"
    (place / "certifi.py").write_text(known)
    return authority


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket with nothing in it."""

    name: str
    endpoint: str
    access_key: str
    secret_key: str

    @property
    def keys(self) -> dict[str, str]:
        """The environment with which clients are let in."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
        }

    @property
    def rclone(self) -> dict[str, str]:
        """The environment in which the bucket is rclone's remote ``m:``."""
        return self.keys | {
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_M_TYPE": "s3",
            "RCLONE_CONFIG_M_PROVIDER": "Other",
            "RCLONE_CONFIG_M_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_M_ENV_AUTH": "true",
            "RCLONE_CONFIG_M_REGION": "us-east-1",
        }


@contextmanager
def bucket(kind: str, place: Path) -> Iterator[Bucket]:
    """Start an S3 server that forgets everything at the end of the block.

    Args:
        kind: `ministack` or `swift`, the servers of the tests, or the URL of a server that is there, with a bucket
            `archive-test` that is emptied by whoever owns it and keys in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
        place: An empty directory.
    """
    from tests.servers.s3_servers import BUCKET, run_ministack, run_swift  # noqa: PLC0415 - boto3 is heavy

    os.environ.pop("AWS_CA_BUNDLE", None)  # rclone ends where there is one, also when it is not asked to use it
    if "://" in kind:
        yield Bucket(BUCKET, kind, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        return
    place.mkdir(parents=True, exist_ok=True)
    with contextmanager({"ministack": run_ministack, "swift": run_swift}[kind])(place) as server:
        yield Bucket(BUCKET, server.endpoint, server.access_key, server.secret_key)


def free_port() -> int:
    """Return a port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until the server answers, ten seconds at most."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")
