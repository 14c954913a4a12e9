"""A page that needs nothing else: no network, no other file.

What comes from outside (titles, names, keys) goes through the template's escaping, or into JSON that the script puts into
the page as text. The page's own policy (CSP) lets its one script run and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import jinja2


LONGEST = 120
"""Characters of a text from outside that are shown; the machine output has the whole."""
STILL = 50
"""Rows that stand in the page itself, for a reader without scripts."""


def rendered(**values: Any) -> Iterator[str]:
    """Yield a page in pieces from what its template asks for."""
    style, script = _asset("report.css"), _asset("report.js")
    template = _environment().get_template("report.html.j2")
    yield from template.generate(
        style=style,
        script=script,
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        still=STILL,
        **values,
    )


def shown(text: str) -> str:
    """Return a text from outside as it can be shown: what steers direction or a terminal is written out, the rest cut."""
    cut = text[:LONGEST]
    plain = "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else f"⟨{ord(char):04X}⟩"
        for char in cut
    )
    return plain if len(text) <= LONGEST else f"{plain}… ({len(text):,} characters)"


def table(id_: str, title: str, text: str, columns: list[tuple[str, str]], rows: list[list[Any]]) -> dict[str, Any]:
    """Return a table that can be sorted and filtered, as the template asks for it."""
    data = {"columns": [{"name": name, "kind": kind} for name, kind in columns], "rows": rows}
    return {
        "id": id_,
        "title": title,
        "text": text,
        "columns": columns,
        "rows": rows[:STILL],
        "number": len(rows),
        "json": _script_json(data),
    }


def _script_json(value: Any) -> str:
    """Return JSON that no HTML parser takes for anything else."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        text = text.replace(char, escape)
    return text.replace("\u2029", "\\u2029")


def moment(at: datetime) -> str:
    """Return a time as pages name it, in UTC to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def _csp_hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@cache
def _asset(name: str) -> str:
    return (resources.files("archiver.reports") / "page" / name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - only a page needs it

    loader = jinja2.FunctionLoader(_asset)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
