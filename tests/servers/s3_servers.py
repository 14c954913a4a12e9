"""Two S3 servers: ministack, which verifies checksums and keeps plain files, and Swift, real but awkward.

Swift drops checksums, and its conditional put is not atomic. Both verify what they are asked to verify, each in another
way: ministack the checksum header, Swift the signed digest of the payload.
"""

from __future__ import annotations

import getpass
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.process import Processes, clean_environment, free_port, server_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "archive-test"

_READY_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """A running server with an empty bucket of the name `BUCKET`.

    Attributes:
        files: The directory below which the server keeps its data.
    """

    name: str
    port: int
    access_key: str
    secret_key: str
    files: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def session(self) -> boto3.session.Session:
        return boto3.session.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name="us-east-1"
        )

    def client(self):
        """A client of boto3's own making, as a second opinion on what the server holds."""
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=20)
        return self.session().client("s3", endpoint_url=self.endpoint, config=config)


def run_ministack(directory: Path) -> Iterator[S3Server]:
    program = server_program(".venv-ministack", "ministack")
    processes, port, home = Processes(directory), free_port(), str(directory)
    environment = {
        "BIND_HOST": "127.0.0.1",  # it listens on every interface otherwise
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": f"{home}/s3",
        "PERSIST_STATE": "1",
        "STATE_DIR": f"{home}/state",
        "HOME": home,
        "TMPDIR": home,
        "DOCKER_HOST": f"unix://{home}/no-docker",  # it tidies up containers at its end
    }
    try:
        processes.start(program, log="ministack", env=environment)
        processes.wait_until_open(port)
        server = S3Server("ministack", port, "test", "test", directory / "s3")
        _make_bucket(server, processes)
        yield server
    finally:
        processes.stop()


def run_swift(directory: Path) -> Iterator[S3Server]:
    binaries = server_program(".venv-swift", "swift-proxy-server").parent
    ports = {kind: free_port() for kind in ("object", "container", "account")}
    proxy = free_port()
    processes = Processes(directory)
    _configure_swift(directory, binaries, ports, proxy)
    try:
        for kind in ports:
            processes.start(binaries / f"swift-{kind}-server", directory / f"{kind}.conf", "-v", log=kind)
        processes.start(binaries / "swift-proxy-server", directory / "proxy.conf", "-v", log="proxy")
        processes.wait_until_open(*ports.values(), proxy)
        server = S3Server("swift", proxy, "test:tester", "testing", directory / "srv")
        _make_bucket(server, processes)
        yield server
    finally:
        processes.stop()


_SWIFT_STORAGE = """[DEFAULT]
devices = {directory}/srv
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {directory}
user = {user}
log_address = {directory}/no-syslog
recon_cache_path = {directory}
lock_path = {directory}
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

_SWIFT_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {directory}
user = {user}
log_address = {directory}/no-syslog
[pipeline:main]
pipeline = catch_errors gatekeeper bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
s3_acl = no
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""

_SWIFT_CONSTANTS = """[swift-hash]
swift_hash_path_prefix = archiver
swift_hash_path_suffix = tests
[storage-policy:0]
name = single
default = yes
"""


def _configure_swift(directory: Path, binaries: Path, ports: dict[str, int], proxy: int) -> None:
    """One replica on one device, as the smallest installation that is still the real thing."""
    (directory / "srv" / "disk").mkdir(parents=True)
    (directory / "swift.conf").write_text(_SWIFT_CONSTANTS)
    user = getpass.getuser()
    for kind, port in ports.items():
        text = _SWIFT_STORAGE.format(kind=kind, port=port, directory=directory, user=user)
        (directory / f"{kind}.conf").write_text(text)
        for step in (("create", "4", "1", "1"), ("add", f"r1z1-127.0.0.1:{port}/disk", "1"), ("rebalance",)):
            subprocess.run(
                [binaries / "swift-ring-builder", directory / f"{kind}.builder", *step],
                check=True,
                capture_output=True,
                env=clean_environment(),
                timeout=60,
            )
    (directory / "proxy.conf").write_text(_SWIFT_PROXY.format(port=proxy, directory=directory, user=user))


def _make_bucket(server: S3Server, processes: Processes) -> None:
    client = server.client()
    deadline = time.monotonic() + _READY_SECONDS
    try:
        while True:
            try:
                client.create_bucket(Bucket=BUCKET)
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline:
                    pytest.fail(f"{server.name} is not ready: {error}\n{processes.output()}")
                time.sleep(0.1)
            else:
                return
    finally:
        client.close()
