"""A Dask scheduler and worker processes on loopback: programs of their own, so that each can be killed alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.process import PROJECT, _is_open, _signal, clean_environment, free_port

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class DaskCluster:
    directory: Path
    port: int = field(default_factory=free_port)
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, workers: int) -> None:
        self.start_scheduler()
        for _ in range(workers):
            self.start_worker()

    def start_scheduler(self) -> None:
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    def start_worker(self) -> None:
        self.workers.append(
            self._start(
                "worker", self.address, "--host", "127.0.0.1", "--nthreads", "2", "--no-nanny", "--no-dashboard",
                "--memory-limit", "0", "--local-directory", str(self.directory), "--death-timeout", "30",
            )
        )  # fmt: skip

    def kill_scheduler(self) -> None:
        _signal(self.scheduler, signal.SIGKILL)
        self.scheduler.wait()

    def kill_worker(self) -> None:
        worker = self.workers.pop(0)
        _signal(worker, signal.SIGKILL)
        worker.wait()

    def replace_ended(self) -> None:
        """What a supervisor does: workers end by themselves when their scheduler is gone."""
        ended = [worker for worker in self.workers if worker.poll() is not None]
        for worker in ended:
            self.workers.remove(worker)
            self.start_worker()

    def is_open(self) -> bool:
        return _is_open(self.port)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None:
                _signal(process, signal.SIGKILL)
                process.wait()

    def output(self) -> str:
        return (self.directory / "cluster.log").read_text()[-4000:]

    def _start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        env = {**clean_environment(), "PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]}
        with (self.directory / "cluster.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", role, *arguments],
                cwd=self.directory,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
