"""Recognise a web page that was sent in place of a file.

Sources answer a missing or blocked file with a page and status 200 (`docs/sources.md`); archives have kept such pages
as audio. A digest would notice it too, but not every source declares one.
"""

from __future__ import annotations

_PAGE_SUFFIXES = (".html", ".htm", ".xhtml", ".xml", ".txt", ".md", ".svg", ".php")
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b'<?xml version="1.0" encoding="utf-8"?><!doctype html')


def is_error_page(name: str, *, content_type: str, head: bytes) -> bool:
    """Tell whether an answer is a page although ``name`` does not promise one.

    Args:
        name: The file's name at its source.
        content_type: As the answer states it, lower case, without parameters.
        head: The first bytes, up to a few hundred.
    """
    if name.lower().endswith(_PAGE_SUFFIXES):
        return False
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return content_type in {"text/html", "application/xhtml+xml"} or start.startswith(_PAGE_STARTS)
