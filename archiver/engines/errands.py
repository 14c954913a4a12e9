"""What a worker process of a cluster does: opens the doorways once, and calls the function for each value of a group."""

from __future__ import annotations

import io
import pickle
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from archiver.engines.threads import ThreadEngine

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Errand:
    """What a group of values is to go through.

    Attributes:
        token: Of the run; doorways are opened once for each in a worker process.
        opener: Pickled; see `archiver.engines.dask.DaskEngine`.
        function: Pickled, without the doorways.
        threads: On which the values of a worker process go.
    """

    token: str
    opener: bytes
    function: bytes
    threads: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How one value ended: with a result, or with an error that ends the run."""

    result: Any = None
    error: Exception | None = None

    def unwrapped(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.result


def run_errand(errand: Errand, group: tuple[Any, ...]) -> list[Answer]:
    """Call the function for each value of a group, several at once; what was finished counts also beside an error."""
    with _opened(errand) as place:
        function = place.function(errand.function)

        def one(value: Any) -> Answer:
            try:
                return Answer(function(value))
            except Exception as error:  # noqa: BLE001 - it belongs to the caller, on another machine
                return Answer(error=error)

        return list(place.engine.over(one, group))


def stop_errand(token: str) -> bool:
    """Ask what goes on for a run to stop; return True."""
    with _LOCK:
        place = _PLACES.get(token)
    if place is not None:
        place.stop()
    return True


def close_errand(token: str) -> bool:
    """Close what was opened for a run; return whether nothing of it is in hand here any more."""
    with _LOCK:
        place = _PLACES.get(token)
        if place is not None and place.users:
            return False
        _PLACES.pop(token, None)
    if place is not None:
        place.close()
    return True


class _Place:
    """The doorways of one run in this process, opened when the first group comes."""

    def __init__(self) -> None:
        self.users = 0
        self.stop: Callable[[], None] = lambda: None
        self.engine: ThreadEngine
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._doorways: Any = None
        self._functions: dict[bytes, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _LOCK:
            self.users -= 1

    def open(self, errand: Errand) -> None:
        with self._lock:
            if self._doorways is None:
                with ExitStack() as stack:
                    opener = pickle.loads(errand.opener)  # noqa: S301 - from the driver; see docs/cluster.md on who may reach a worker
                    doorways, self.stop = stack.enter_context(opener())
                    self.engine = ThreadEngine(errand.threads, name="value")
                    stack.callback(self.engine.close)
                    self._stack = stack.pop_all()
                self._doorways = doorways

    def function(self, packed: bytes) -> Any:
        doorways = self._doorways

        class Unpacker(pickle.Unpickler):
            def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002 - the base's signature
                return doorways

        with self._lock:
            if packed not in self._functions:
                self._functions[packed] = Unpacker(io.BytesIO(packed)).load()
            return self._functions[packed]

    def close(self) -> None:
        self._stack.close()


_LOCK = threading.Lock()
_PLACES: dict[str, _Place] = {}


def _opened(errand: Errand) -> _Place:
    """Return the place of a run, with one user more; places of earlier runs that nobody uses are closed."""
    with _LOCK:
        idle = [token for token, place in _PLACES.items() if not place.users and token != errand.token]
        left = [_PLACES.pop(token) for token in idle]
        place = _PLACES.setdefault(errand.token, _Place())
        place.users += 1
    for one in left:
        one.close()
    try:
        place.open(errand)
    except BaseException:
        with place:
            raise
    return place
