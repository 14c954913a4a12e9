"""A message through apprise: mail, chat, anything it knows. An extra: ``pip install archiver[notify]``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def send(addresses: Sequence[str], *, title: str, body: str) -> str:
    """Send to every address; return what went wrong, without the addresses, or nothing. Never raises."""
    try:
        import apprise  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return "apprise is not installed; next: pip install 'archiver[notify]'"
    # It logs addresses, and they hold secrets.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    desk = apprise.Apprise()
    wrong = sum(not desk.add(address) for address in addresses)
    try:
        is_sent = len(desk) == 0 or bool(desk.notify(title=title, body=body))
    except Exception as error:  # noqa: BLE001 - plug-ins raise what they like, and the run is over
        return type(error).__name__
    if wrong:
        return f"{wrong} of {len(addresses)} addresses are none that apprise knows"
    return "" if is_sent else "not every address took the message"
