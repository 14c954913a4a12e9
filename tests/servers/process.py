"""Real servers as child processes: on loopback, with a bounded start, and stopped by their own process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parents[2]

_START_SECONDS = 90  # Swift takes 6 to 11 on two busy cores
_STOP_SECONDS = 5


def free_port() -> int:
    """A port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_program(venv: str, program: str) -> Path:
    """The path of a server's program, made by ``make .venv-…``; where it is missing the test is skipped.

    With ARCHIVER_REQUIRE_SERVERS=1, as ``make test`` sets it, the test fails instead: a skip would hide that nothing ran.
    """
    path = PROJECT / venv / "bin" / program
    if not path.exists():
        reason = f"no {path.relative_to(PROJECT)}; next: make {venv}"
        if os.environ.get("ARCHIVER_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def clean_environment() -> dict[str, str]:
    """Our environment without settings and credentials of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ARCHIVER_", "PYTHON"))}


@dataclass
class Processes:
    """The processes of one server. Their output goes to files in ``directory``."""

    directory: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str | Path, log: str, env: Mapping[str, str] | None = None) -> None:
        with (self.directory / f"{log}.log").open("ab") as output:
            self.running.append(
                subprocess.Popen(
                    [str(part) for part in command],
                    cwd=self.directory,
                    env={**clean_environment(), **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )

    def wait_until_open(self, *ports: int) -> None:
        """Return when all ports accept connections."""
        deadline = time.monotonic() + _START_SECONDS
        for port in ports:
            while not _is_open(port):
                if time.monotonic() > deadline or any(process.poll() is not None for process in self.running):
                    pytest.fail(f"a server did not start on port {port}:\n{self.output()}")
                time.sleep(0.05)

    def output(self) -> str:
        """The end of what the processes wrote."""
        return "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in sorted(self.directory.glob("*.log")))

    def stop(self) -> None:
        for process in reversed(self.running):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self.running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            finally:
                _signal(process, signal.SIGKILL)
                process.wait(_STOP_SECONDS)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    # The group is the process's own (start_new_session), so workers it forked are meant and nobody else.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True
