"""``archiver`` and ``python -m archiver``: the door, which also answers a signal that comes while it opens."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_WORDS = b"interrupted before anything was begun; the same command begins again\n"
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the program. Until its command sees to signals itself, one ends it with a word and status 130."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _not_begun)
    from archiver.cli.main import main as entered  # noqa: PLC0415 - imported under the eyes of the handlers

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # unwinds: locks are let go, transactions rolled back
    entered()


def _not_begun(_number: int, _frame: FrameType | None) -> None:
    os.write(2, _WORDS)
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
