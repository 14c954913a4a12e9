"""How long to wait before the next try.

Facts: `docs/sources.md`, after what users of the Internet Archive report: 30 seconds doubled at each try, never more than
a quarter of an hour, and always as long as the source itself asks for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

LONGEST_WAIT = 900.0
"""Seconds. A source that asks for more is left alone until the next run."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try, and how long to wait in between.

    Attributes:
        first_wait: Seconds before the second try, when the source does not say.
        tries: How often to try in all.
    """

    first_wait: float = 30.0
    tries: int = 5

    def wait_before(self, next_try: int, *, retry_after: float | None, what: str) -> float | None:
        """Return the seconds to wait before a try, or None when there should be no further one.

        The jitter (three quarters to the whole of the wait) is drawn from ``what``, so that many waiting files spread
        out and a test needs no dice.

        Args:
            next_try: The number of the try to come, counted from 1.
            retry_after: Seconds the source asked for; the wait is never shorter.
            what: Names the work, for the jitter.
        """
        if next_try > self.tries or (retry_after is not None and retry_after > LONGEST_WAIT):
            return None
        draw = int.from_bytes(hashlib.sha256(f"{what}#{next_try}".encode("utf-8", "surrogatepass")).digest()[:4])
        backoff = min(self.first_wait * 2.0 ** (next_try - 2), LONGEST_WAIT) * (0.75 + 0.25 * draw / 2**32)
        return max(backoff, retry_after) if retry_after is not None else backoff
