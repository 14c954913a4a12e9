"""Credits as text, JSON and HTML: one model, three forms. The HTML says the same to machines, as ccREL in RDFa."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.attribution import UNMODIFIED, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.attribution import Attribution, Credit

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How to credit this material</title>
<style>body{font:1rem/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}code{overflow-wrap:anywhere}</style>
</head>
<body>
<main>
<h1>How to credit this material</h1>
<p>Copy the sentence of what you use. {{ unmodified }}.</p>
"""
_ITEM = """<article id="{{ one.item }}">
<h2>{{ line(one.whole.title) }}</h2>
{{ credit(one.whole, one.whole.source_url or "#" ~ one.item) }}
<p>{{ one.whole.disclaimer }} Retrieved on <time datetime="{{ one.whole.retrieved_on }}">{{ one.whole.retrieved_on }}</time>.</p>
{% if one.files %}<h3>Each file</h3>
<ul>
{% for file in one.files %}<li><code>{{ line(file.path) }}</code>
{{ credit(file, one.whole.source_url ~ "#" ~ file.path) }}</li>
{% endfor %}</ul>
{% endif %}</article>
"""
_CREDIT = """{% macro credit(work, about) %}<p about="{{ about }}" prefix="cc: http://creativecommons.org/ns# dct: http://purl.org/dc/terms/">\
“<span property="dct:title">{{ line(work.title) }}</span>” \
{% if work.creators %}by {% for name in work.creators %}<span property="cc:attributionName">{{ line(name) }}</span>\
{{ ", " if not loop.last else "" }}{% endfor %}{% else %}(creator not supplied){% endif %} {{ work.wording }} \
<a rel="license" href="{{ link(work.licence_url) }}">{{ work.licence_name }}</a>.\
{% if line(work.source_url) %} Source: <a rel="dct:source cc:attributionURL" href="{{ link(work.source_url) }}">{{ line(work.source_url) }}</a>.{% endif %}\
{% for notice in work.notices %} <span property="dct:rights">{{ line(notice) }}</span>{% endfor %}</p>{% endmacro %}
"""
_FOOT = "</main>\n</body>\n</html>\n"


def as_html(attributions: Iterable[Attribution]) -> Iterator[str]:
    """Yield a page, piece by piece; every value from outside is escaped, and only http and https become links."""
    import jinja2  # noqa: PLC0415 - 40 ms, for one form of one command

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.globals.update({"line": one_line, "link": _link, "unmodified": UNMODIFIED})
    yield environment.from_string(_HEAD).render()
    item = environment.from_string(_CREDIT + _ITEM)
    for one in attributions:
        yield item.render(one=one)
    yield _FOOT


def as_text(attributions: Iterable[Attribution]) -> Iterator[str]:
    """Yield the sentences to print: each item's, then its files'."""
    for one in attributions:
        yield one.whole.sentence()
        yield from _notices(one.whole, "")
        yield f"{UNMODIFIED}, retrieved on {one.whole.retrieved_on}. {one.whole.disclaimer}"
        for file in one.files:
            yield f"    {one_line(file.path)}"
            yield f"        {file.sentence()}"
            yield from _notices(file, "        ")
        yield ""


def _notices(credit: Credit, indent: str) -> Iterator[str]:
    return (f"{indent}Copyright notice: {one_line(notice)}" for notice in credit.notices)


def _link(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else "#"
