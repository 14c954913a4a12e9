"""One GET to a watcher that raises the alarm when nothing comes (the manner of healthchecks)."""

from __future__ import annotations

import requests

TIMEOUT = 10.0
"""Seconds for the connection, and for each wait: a watcher that sleeps keeps no archive waiting."""


def ping(url: str, *, agent: str) -> str:
    """Ask for an address; return what went wrong, without the address, or nothing. Never raises."""
    try:
        with requests.get(
            url, timeout=TIMEOUT, headers={"User-Agent": agent}, allow_redirects=False, stream=True
        ) as answer:
            return "" if answer.status_code < 400 else f"status {answer.status_code}"
    except (requests.RequestException, ValueError) as error:
        # The message would hold the address, whose path is its secret.
        return type(error).__name__
