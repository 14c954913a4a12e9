"""The rule for keys, one for every store (`archiver.ports.stores.Store`)."""

from __future__ import annotations

import re

_ORDINARY = re.compile(r"[A-Za-z0-9_-][ -.0-~]*(?:/[A-Za-z0-9_-][ -.0-~]*)*")
"""Most keys: ASCII, and no part begins with a dot."""


def checked_key(key: str) -> str:
    """Return the key when it is one.

    Raises:
        ValueError: It is empty, absolute, holds NUL, an empty part, ``.`` or ``..``, or is no Unicode text (a lone
            surrogate): such a key would leave the store's root or mean different places in different stores.
    """
    if _ORDINARY.fullmatch(key):
        return key
    if "\0" in key:
        raise ValueError(f"not an object key, it holds NUL: {key[:200]!r}")
    if not _is_text(key):
        raise ValueError(f"not an object key, it holds a lone surrogate: {key[:200]!r}")
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise ValueError(f"not an object key, a part of it is empty, '.' or '..': {key[:200]!r}")
    return key


def checked_prefix(prefix: str) -> str:
    """Return the prefix of a listing when it is one: empty, or a key followed by ``/``.

    Raises:
        ValueError: It is neither.
    """
    if prefix:
        if not prefix.endswith("/"):
            raise ValueError(f"not a listing prefix, it does not end in '/': {prefix[:200]!r}")
        checked_key(prefix[:-1])
    return prefix


def is_key(text: str) -> bool:
    """Tell whether a name met in a store is a key; other names were not written by us and cannot be addressed."""
    if _ORDINARY.fullmatch(text):
        return True
    try:
        checked_key(text)
    except ValueError:
        return False
    return True


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
