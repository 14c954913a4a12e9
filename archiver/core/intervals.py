"""Lengths of time and amounts of bytes as people write them in settings and options."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([A-Za-z]*)\s*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "month": 2592000, "y": 31536000}
_WORDS = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
    **dict.fromkeys(("month", "months"), "month"),
    **dict.fromkeys(("y", "year", "years"), "y"),
}
_SIZES = {"": 1, "b": 1} | {
    f"{prefix}{unit}": (1024 if "i" in unit else 1000) ** power
    for power, prefix in enumerate("kmgt", start=1)
    for unit in ("", "b", "ib")
}
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "EB")


def parse_duration(text: str) -> timedelta:
    """Read ``90 days``, ``2h``, ``30 minutes`` or a number of seconds; a month has 30 days and a year 365.

    Raises:
        ValueError: The text is none of these; says what is allowed.
    """
    match = _DURATION.fullmatch(text)
    unit = _WORDS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"expected a length of time such as '90 days', '2h' or '30 minutes', actual {text[:80]!r}")
    return timedelta(seconds=float(match[1]) * _SECONDS[unit])


def parse_size(text: str) -> int:
    """Read ``500GB``, ``2 TiB`` or a number of bytes; ``GB`` are powers of 1,000, ``GiB`` powers of 1,024.

    Raises:
        ValueError: The text is none of these; says what is allowed.
    """
    match = _DURATION.fullmatch(text)
    unit = _SIZES.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"expected an amount of bytes such as '500GB', '2TiB' or '1000000', actual {text[:80]!r}")
    return int(float(match[1]) * unit)


def human_size(size: int) -> str:
    """Return a size for people, in powers of 1,000, as ``Bag-Size`` has it (RFC 8493 §2.2.2: ``42600 MB``)."""
    amount, unit = float(size), _UNITS[0]
    for larger in _UNITS[1:]:
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
