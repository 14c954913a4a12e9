"""Reading answers of MediaWiki's action API, as Wikimedia Commons gives them. Pure: bytes in, values out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from archiver.core.errors import ItemNotFoundError, SourceError, SourceProtocolError, SourceUnavailableError
from archiver.core.fixity import Algorithm, recognise_digest
from archiver.core.items import DeclaredFile, FileRole, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.sources.html_text import words_of
from archiver.sources.loose_json import claims, evidence, first, inner, mark, parse_object, size, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.items import ItemId
    from archiver.sources.loose_json import Received

IMAGEINFO = "timestamp|user|url|size|sha1|mime|mediatype|extmetadata|canonicaltitle"
MOST_PARTS = 50
"""Answers that one batch of pages may be spread over."""

_LICENCE_FIELDS = ("License", "LicenseShortName", "LicenseUrl", "UsageTerms")
_WORDS_FIELDS = ("Permission",)
_AGAIN = {"maxlag", "ratelimited", "readonly", "cirrussearch-too-busy-error", "toomanyvalues-busy"}


def parse_query(query: str) -> dict[str, str]:
    """Turn the query of a selection into parameters of the API.

    Raises:
        SourceProtocolError: It is none of the forms that docs/sources.md names.
    """
    kind, colon, rest = query.partition(":")
    rest = rest.strip()
    if colon and rest and kind == "category":
        return {"generator": "categorymembers", "gcmtype": "file", "gcmtitle": f"Category:{rest}", "gcmlimit": "250"}
    if colon and rest and kind == "search":
        # Without the namespace the search goes through articles and finds no file.
        return {"generator": "search", "gsrnamespace": "6", "gsrsearch": rest, "gsrlimit": "250"}
    if colon and rest and kind == "since":
        since, _, until = rest.partition(" until:")
        times = {"gaistart": since.strip()} | ({"gaiend": until.strip()} if until.strip() else {})
        return {"generator": "allimages", "gaisort": "timestamp", "gaidir": "newer", "gailimit": "250", **times}
    raise SourceProtocolError(
        f'a query of Wikimedia Commons is "category:NAME", "search:WORDS", "titles:A.ogg | B.ogg" or "since:DATE", actual {query[:100]!r}'
    )


def titles_of(query: str) -> tuple[str, ...]:
    """Return the titles that a query lists, each with its namespace; empty where it is another query."""
    kind, colon, rest = query.partition(":")
    if not colon or kind != "titles":
        return ()
    names = [name.strip() for line in rest.splitlines() for name in line.split("|")]
    return tuple(dict.fromkeys(name if name.lower().startswith("file:") else f"File:{name}" for name in names if name))


def parse_part(received: bytes, *, what: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Read one answer: the answer itself, and the parameters that continue it (empty where it is the last).

    Raises:
        SourceUnavailableError: The service asks us to wait, in an answer of status 200.
        SourceProtocolError: It answers with another error, or with no answer.
    """
    answer = parse_object(received, what=what)
    error = answer.get("error")
    if error:
        raise _refusal(error, what=what)
    following = answer.get("continue")
    if following is None:
        return answer, {}
    if not isinstance(following, dict) or not all(isinstance(value, str | int) for value in following.values()):
        raise SourceProtocolError(f"{what}: the answer goes on in a way that cannot be understood")
    return answer, {str(key): str(value) for key, value in following.items()}


def _refusal(error: object, *, what: str) -> SourceError:
    code = first(inner(error, "code"))
    message = f"{what}: the service answers with the error {code[:60]!r}: {first(inner(error, 'info'))[:200]}"
    if code in _AGAIN or code.startswith("internal_api_error"):
        # The lag it names is how far its copies are behind, in seconds; Retry-After stands beside it on the wire.
        wait = size(inner(error, "lag")) if code == "maxlag" else None
        return SourceUnavailableError(
            message, retry_after=min(float(wait), 900.0) if wait else None, whole_host=code == "ratelimited"
        )
    return SourceProtocolError(message)


def merge(pages: dict[str, dict[str, Any]], answer: Mapping[str, Any]) -> None:
    """Add the pages of one answer to those of a batch; the parts of one page arrive in different answers."""
    found = inner(answer, "query", "pages")
    entries = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        name = text(entry.get("pageid")) or text(entry.get("title"))
        page = pages.setdefault(name, {})
        infos = [info for info in (_info(page), _info(entry)) if info]
        page.update(entry)
        if infos:
            page["imageinfo"] = [{key: value for info in infos for key, value in info.items()}]


def _info(page: Mapping[str, Any]) -> dict[str, Any]:
    infos = page.get("imageinfo")
    return infos[0] if isinstance(infos, list) and infos and isinstance(infos[0], dict) else {}


def audio_pages(pages: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the numbers of the pages that are audio, or of which it is not said."""
    for page in pages.values():
        number = text(page.get("pageid"))
        if is_page_number(number) and _info(page).get("mediatype", "AUDIO") == "AUDIO" and "missing" not in page:
            yield number


def mark_of(page: Mapping[str, Any]) -> str:
    """Return what a file's state and the judgement of its licence rest on; empty where the answer does not say all of it."""
    info = _info(page)
    words = info.get("extmetadata")
    if not isinstance(words, dict) or not info.get("sha1"):
        return ""
    fields = (*_LICENCE_FIELDS, *_WORDS_FIELDS, "Artist", "ObjectName", "DateTimeOriginal")
    said = [inner(words, field, "value") for field in fields]
    plain = [info.get(key) for key in ("timestamp", "sha1", "size", "mediatype", "descriptionurl")]
    return mark(page.get("title"), plain_url(first(info.get("url"))), plain, said)


def is_page_number(name: str) -> bool:
    """Tell whether a name can be the number of a page."""
    return name.isascii() and name.isdigit() and 0 < len(name) <= 18


def parse_page(item: ItemId, page: Mapping[str, Any] | None, received: Received) -> SourceItem:
    """Read what is said of one file.

    Raises:
        ItemNotFoundError: There is no such page, or its file is missing.
        SourceProtocolError: The answer has no record of the file.
    """
    if page is None or "missing" in page or "invalid" in page:
        raise ItemNotFoundError(f"{item}: the source knows no such page")
    info = _info(page)
    if "filemissing" in info or "filemissing" in page:
        raise ItemNotFoundError(f"{item}: the source has lost the file itself")
    address = plain_url(first(info.get("url")))
    if not address:
        raise SourceProtocolError(f"{item}: the answer has no address of the file")
    title = first(page.get("title")) or first(info.get("canonicaltitle"))
    name = title.partition(":")[2].strip() or address.rpartition("/")[2]
    return SourceItem(
        id=item,
        title=_words(info, "ObjectName") or name.rpartition(".")[0] or name,
        creators=tuple(filter(None, (_words(info, "Artist"),))),
        url=plain_url(first(info.get("descriptionurl"))),
        declarations=tuple(_declarations(info)),
        # An .ogg may be a film: only what the source calls audio is offered.
        files=(_file(name, address, info),) if first(info.get("mediatype")) == "AUDIO" else (),
        answers=(evidence("commons.json", page, received),),
        updated=" ".join(filter(None, (first(info.get("timestamp")), first(info.get("sha1"))))),
        mediatype=first(info.get("mediatype")),
        collections=tuple(filter(None, first(inner(info, "extmetadata", "Categories", "value")).split("|"))),
        date=_words(info, "DateTimeOriginal") or first(info.get("timestamp")),
    )


def _file(name: str, address: str, info: Mapping[str, Any]) -> DeclaredFile:
    digest = recognise_digest(Algorithm.SHA1, first(info.get("sha1")))
    facts = {"url": address, "length": first(info.get("duration")), "mtime": first(info.get("timestamp"))}
    return DeclaredFile(
        name=name,
        role=FileRole.ORIGINAL,
        size=size(info.get("size")),
        digests=(digest,) if digest else (),
        format=first(info.get("mime")),
        facts=tuple((key, value) for key, value in facts.items() if value),
    )


def _declarations(info: Mapping[str, Any]) -> Iterator[Declaration]:
    for key in _LICENCE_FIELDS:
        for claim in claims(inner(info, "extmetadata", key, "value")):
            yield Declaration(f"commons.{key}", Scope.ITEM, claim)
    for key in _WORDS_FIELDS:
        for claim in claims(inner(info, "extmetadata", key, "value")):
            words = words_of(claim)
            if words:
                yield Declaration(f"commons.{key}", Scope.ITEM, words)


def _words(info: Mapping[str, Any], key: str) -> str:
    return words_of(first(inner(info, "extmetadata", key, "value")))


def plain_url(address: str) -> str:
    """Return an address without its query: the service adds marks of its own statistics to it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    scheme = parts.scheme or "https"
    return urlunsplit((scheme, parts.netloc, parts.path, "", "")) if parts.netloc else ""
