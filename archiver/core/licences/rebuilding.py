"""Making the table of legal tools again from Creative Commons' own, and refusing what would take a tool away.

Permissions are derived from the unit alone: the legacy RDF has been seen to forget some of them.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from urllib.parse import urlsplit

from archiver.core.licences.table import parse_table

_PARTIAL = {"sampling", "sampling+", "nc-sampling+", "devnations"}
_RETIRED = {
    "nc": "2004-05-25",
    "nd": "2004-05-25",
    "sa": "2004-05-25",
    "nc-sa": "2004-05-25",
    "nd-nc": "2004-05-25",
    "sampling": "2007-06-04",
    "devnations": "2007-06-04",
    "certification": "2010-10-11",
    "sampling+": "2011-09-12",
    "nc-sampling+": "2011-09-12",
}
_VERBATIM = {
    "sampling": "no",
    "sampling+": "noncommercial",
    "nc-sampling+": "noncommercial",
    "devnations": "developing-nations-only",
}
_INSTRUMENTS = {
    "zero": "waiver-with-fallback-licence",
    "mark": "label-only",
    "certification": "dedication-or-certification",
}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild would change.

    Attributes:
        text: The new table.
        added: URLs that the old one has not.
        removed: URLs that the new one has not: each is a licence that works are under.
        changed: URLs of which a column differs.
    """

    text: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def rebuild(source: str, shipped: str) -> Rebuilt:
    """Make the table from Creative Commons' CSV and compare it with the one that is shipped.

    Args:
        source: A table with the columns of Creative Commons' own, at least its URL (``CANONICAL_URL`` or ``url``); the
            identifier, SPDX identifier, title and title's language are taken over where it has them.
        shipped: The table in use; gives the columns, and what the source has no column for.

    Raises:
        ValueError: The source has no column of URLs, a row is no legal tool, or a URL is there twice.
    """
    columns = next(csv.reader(io.StringIO(shipped)))
    old = {row["url"]: row for row in csv.DictReader(io.StringIO(shipped))}
    new: dict[str, dict[str, str]] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(source)), start=2):
        own = {
            (key or "").strip().lower(): (value or "").strip() for key, value in row.items() if isinstance(value, str)
        }
        url = _url(own, number)
        if url in new:
            raise ValueError(f"line {number}: {url} is there twice")
        new[url] = {**dict.fromkeys(columns, ""), **old.get(url, {}), **_permissions(url, number), **_names(own)}
    if not new:
        raise ValueError("there is no legal tool in it")
    text = _written(columns, [new[url] for url in sorted(new, key=lambda url: _order(url, list(old)))])
    parse_table(text)
    return Rebuilt(
        text,
        added=tuple(sorted(set(new) - set(old))),
        removed=tuple(sorted(set(old) - set(new))),
        changed=tuple(sorted(url for url in set(new) & set(old) if new[url] != old[url])),
    )


def _url(row: dict[str, str], number: int) -> str:
    found = next((row[key] for key in ("canonical_url", "url", "base_url") if row.get(key)), "")
    if not found:
        raise ValueError(f"line {number}: no URL; expected a column CANONICAL_URL or url")
    return "https://" + found.partition("://")[2].rstrip("/") + "/"


def _order(url: str, old: list[str]) -> tuple[int, str]:
    return (old.index(url), url) if url in old else (len(old), url)


def _permissions(url: str, number: int) -> dict[str, str]:
    """Derive every permission from the unit."""
    parts = urlsplit(url).path.strip("/").split("/")
    if (
        urlsplit(url).netloc != "creativecommons.org"
        or len(parts) not in {3, 4}
        or parts[0] not in {"licenses", "publicdomain"}
    ):
        raise ValueError(f"line {number}: {url} is no legal tool of Creative Commons")
    unit, version, jurisdiction = parts[1], parts[2], (*parts, "")[3]
    elements = unit.split("-")
    is_current = (unit in {"zero", "mark"}) or version == "4.0"
    retired = _RETIRED.get(unit, "")
    is_main = parts[0] == "licenses" and not retired
    return {
        "url": url,
        "unit": unit,
        "version": version,
        "jurisdiction": jurisdiction,
        "deprecated": "true" if retired else "false",
        "deprecated_on": retired,
        "superseded_by": f"https://creativecommons.org/licenses/{unit}/4.0/"
        if is_main and not is_current and unit != "by-nd-nc"
        else "",
        "commercial_use_allowed": "partial"
        if unit in _PARTIAL and "nc" not in elements
        else str("nc" not in elements).lower(),
        "derivatives_allowed": "partial" if unit in _PARTIAL else str("nd" not in elements).lower(),
        "share_alike": str("sa" in elements).lower(),
        "attribution_required": str(parts[0] == "licenses" and ("by" in elements or unit in _PARTIAL)).lower(),
        "status": "retired" if retired else "current" if is_current else "older-version",
        "verbatim_sharing": _VERBATIM.get(unit, "noncommercial" if "nc" in elements else "yes"),
        "instrument": _INSTRUMENTS.get(unit, "licence"),
    }


def _names(row: dict[str, str]) -> dict[str, str]:
    """Take over names where the source has a column for them; an empty SPDX identifier takes none away."""
    found = {column: row[column] for column in ("identifier", "title", "title_language") if row.get(column)}
    found |= {"identifier": row["tool_identifier"]} if row.get("tool_identifier") else {}
    spdx = row.get("spdx_identifier") or row.get("spdx")
    return {**found, **({"spdx": spdx} if spdx else {})}


def _written(columns: list[str], rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
