"""The line to a Dask scheduler: reaching it, hearing that it is there, giving it work, and letting it go."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from archiver.core.errors import CannotRunError, InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client, Future

log = logging.getLogger(__name__)

R = TypeVar("R")

ONE_TRY = 3.0
"""Seconds for one try to reach the scheduler."""
BETWEEN = 0.5
"""Seconds between two tries, and between two looks for a worker."""
COUNT_AGAIN = 5.0
"""Seconds for which the number of workers is taken to be what it was."""
SILENCE = 3.0
"""Seconds without a connection after which a scheduler is given up and looked for anew."""
LONGEST_FETCH = 30.0
"""Seconds for one answer to come from its worker."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is, and how it is used.

    Attributes:
        scheduler: ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.
        threads: Of each worker process, for the values of its groups.
        group: Values in one task.
        patience: Seconds to wait for a scheduler, or for a first worker, also when they die on the way.
        authority: File of the certificates to trust, or empty for no TLS.
        certificate: File of ours.
        key: File of its key.
    """

    scheduler: str
    threads: int
    group: int
    patience: float
    authority: str = ""
    certificate: str = ""
    key: str = ""


class Line:
    """A connection to a cluster's scheduler, made anew when that one died. For one thread.

    Args:
        cluster: Where.
        stopping: Tells whether the run was asked to stop.
    """

    def __init__(self, cluster: Cluster, stopping: Callable[[], bool]) -> None:
        # Each lost connection is a page of its log; what it means for the run is said by us.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._cluster = cluster
        self._stopping = stopping
        self._client: Client | None = None
        self._unheard_since: float | None = None
        self._slots = 0
        self._counted_at = -COUNT_AGAIN

    def connect(self) -> None:
        """Reach the scheduler, and wait for a first worker.

        Raises:
            CannotRunError: Neither came within the cluster's patience.
            InterruptedRunError: The run was asked to stop.
        """
        self.close()
        until, problem = time.monotonic() + self._cluster.patience, ""
        while time.monotonic() < until or not problem:
            if self._stopping():
                raise InterruptedRunError("stopped while the cluster was looked for")
            problem = self._reached()
            if not problem:
                self._unheard_since, self._counted_at = None, -COUNT_AGAIN
                return
            time.sleep(BETWEEN)
        where = self._cluster.scheduler
        raise CannotRunError(
            f"the cluster at {where} could not be used for {self._cluster.patience:g} seconds: {problem}; "
            "what was finished is kept",
            next_command=f"dask scheduler   # and: dask worker {where}; then the same command again",
        )

    def is_heard(self, *, at_once: bool = False) -> bool:
        """Tell whether the scheduler is there; a short silence is forgiven, unless asked for the very moment."""
        if self._client is not None and self._client.status == "running":
            self._unheard_since = None
            return True
        self._unheard_since = self._unheard_since or time.monotonic()
        return not at_once and time.monotonic() - self._unheard_since < SILENCE

    def slots(self) -> int:
        """Return how many tasks the workers go through at once, as counted some seconds ago at most."""
        if (
            time.monotonic() - self._counted_at > COUNT_AGAIN
            and self._client is not None
            and self.is_heard(at_once=True)
        ):
            self._counted_at = time.monotonic()
            client = self._client
            self._slots = _heard(lambda: sum(client.nthreads().values()), otherwise=self._slots)
        return self._slots

    def submit(self, function: Callable[..., Any], *arguments: Any, key: str) -> Future | None:
        """Give the workers a task; None when there is nobody to give it to now."""
        client = self._client
        if client is None or not self.is_heard(at_once=True):
            return None
        return _heard(lambda: client.submit(function, *arguments, key=key, pure=False), otherwise=None)

    def fetched(self, future: Future) -> Any:
        """Return the result of a task that has one; None when it was lost on its way."""
        return _heard(lambda: future.result(timeout=LONGEST_FETCH), otherwise=None)

    def everywhere(self, function: Callable[[str], bool], token: str) -> bool:
        """Call a function on every worker and return whether all of them said yes; also when there is nobody to ask."""
        client = self._client
        if client is None or not self.is_heard(at_once=True):
            return True
        return _heard(lambda: all(client.run(function, token, on_error="ignore").values()), otherwise=False)

    def cancel(self, futures: list[Future]) -> None:
        """Let nobody begin these tasks."""
        client = self._client
        if client is not None:
            _heard(lambda: client.cancel(futures), otherwise=None)

    def close(self) -> None:
        """Let the scheduler go."""
        client, self._client = self._client, None
        if client is not None:
            _heard(lambda: client.close(timeout=2), otherwise=None)

    def _reached(self) -> str:
        """Try once, and return why that was not enough, or nothing."""
        from distributed import Client  # noqa: PLC0415 - heavy, and needed with this engine only

        problem = "it has no workers"
        try:
            if self._client is None:
                self._client = Client(
                    self._cluster.scheduler,
                    timeout=ONE_TRY,
                    set_as_default=False,
                    security=self._security(),
                    name="archiver",
                )
            if self._client.nthreads():
                return ""
        except Exception as error:  # noqa: BLE001 - its connections raise whatever their libraries raise
            problem = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            self.close()
        return problem

    def _security(self) -> Any:
        from distributed import Security  # noqa: PLC0415

        if not self._cluster.authority:
            return None
        return Security(
            tls_ca_file=self._cluster.authority,
            tls_client_cert=self._cluster.certificate,
            tls_client_key=self._cluster.key,
            require_encryption=True,
        )


def _heard(call: Callable[[], R], *, otherwise: R) -> R:
    """Return what a call brings; when scheduler or worker die in between, the next look finds out and this goes on."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the library has no tree of errors for this
        log.info("the cluster did not answer: %s: %s", type(error).__name__, error)
        return otherwise
