"""A process of our own that answers requests and may die of one: begun when it is wanted, limited, killed, begun anew."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

LONGEST_ANSWER = 64 << 20


class ChildDiedError(Exception):
    """It ended before it answered.

    Attributes:
        status: As `subprocess` gives it: minus the signal, where one ended it.
    """

    def __init__(self, status: int | None) -> None:
        """Keep the status."""
        super().__init__(f"the process ended with {status}")
        self.status = status

    @property
    def is_out_of_time(self) -> bool:
        """Whether it used up its computing time (RLIMIT_CPU)."""
        return self.status == -signal.SIGXCPU


class Child:
    """One process that reads requests as JSON lines and answers each with one line. For one thread at a time."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Keep what to begin; nothing is begun yet.

        Args:
            module: What to run.
            arguments: For it.
        """
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process, while there is one."""
        return self._process

    def ask(self, request: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """Send a request and return its answer.

        Raises:
            TimeoutError: None came in time; the process was killed.
            ChildDiedError: The process ended; the next request begins another.
            ValueError: The answer is none; the process was killed.
        """
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = _begun(self._command)
        try:
            answer = json.loads(_line(self._process, request, deadline=time.monotonic() + seconds))
        except OSError as error:
            if isinstance(error, TimeoutError):
                self.end()
                raise
            raise ChildDiedError(self.end()) from error
        except ValueError:
            self.end()
            raise
        if not isinstance(answer, dict):
            self.end()
            raise ValueError("the answer is no object")  # noqa: TRY004 - it is about a line that came in
        return answer

    def end(self) -> int | None:
        """Kill the process where there is one, and return how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            # One that is dying of a signal tells what it died of; one that hangs never would.
            process.wait(timeout=0.2 if process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return status


def _begun(command: list[str]) -> subprocess.Popen[bytes]:
    """Begin in a neutral directory: nothing in a harvest's own directory is looked up or executed."""
    kept = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),  # noqa: PTH100
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=environment,
        start_new_session=True,
        bufsize=0,
    )


def _line(process: subprocess.Popen[bytes], request: dict[str, Any], *, deadline: float) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise OSError("the process has no pipes")
    process.stdin.write(json.dumps(request).encode() + b"\n")
    answer = bytearray()
    while not answer.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        if not chunk or len(answer) > LONGEST_ANSWER:
            raise OSError("no answer")
        answer += chunk
    return bytes(answer)
