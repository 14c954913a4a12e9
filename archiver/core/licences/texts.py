"""Folding of texts before they are compared. Nothing here makes two different words the same."""

from __future__ import annotations

import re
import unicodedata

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_SPACES = re.compile(r"\s+")
_WRAPPING_STARTS = '<(["\u201c\u201d,.'
_WRAPPING_ENDS = '>)]"\u201c\u201d,.'


def folded(text: str) -> str:
    """Fold composition, dashes, white space and case.

    No compatibility folding (NFKC): it would make a full-width lookalike a licence. Lower case, not case folding, which
    makes an ``s`` of a long s.
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text).translate(_DASHES)).strip().lower()


def unwrapped(text: str) -> str:
    """Strip white space, a byte-order mark, and punctuation around a whole declaration."""
    while True:
        stripped = text.strip().strip("\ufeff").strip()
        if stripped and stripped[0] in _WRAPPING_STARTS:
            stripped = stripped[1:]
        if stripped and stripped[-1] in _WRAPPING_ENDS and not _closes_inside(stripped):
            stripped = stripped[:-1]
        if stripped == text:
            return text
        text = stripped


def _closes_inside(text: str) -> bool:
    """Tell whether a final bracket belongs to one that opens inside the text: ``4.0 International (CC BY 4.0)``."""
    opening = {")": "(", "]": "[", ">": "<"}.get(text[-1], "")
    return bool(opening) and opening in text[1:-1]
