"""Reading feeds: RSS 0.9x, 1.0 and 2.0, Atom, and the modules in which licences are declared. Pure: bytes in, values out.

A feed is hostile XML: it may declare entities that grow without end, or that name files of ours (CWE-776, CWE-611). None
is ever resolved, nothing is loaded, and a feed that declares one is not read at all. Nor is a damaged feed guessed at:
what a lenient reader drops could be the very element that keeps the rights.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from archiver.core.errors import SourceProtocolError
from archiver.core.licences.evidence import Declaration, Scope
from archiver.sources.html_text import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_FEED = 32 << 20
"""Bytes; the longest feeds seen have some thousands of entries of a few kilobytes."""

ATOM = "http://www.w3.org/2005/atom"
RSS_10 = "http://purl.org/rss/1.0"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {
    "": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    RSS_10: "",
    "http://backend.userland.com/rss2": "",
    ATOM: "atom",
    "http://purl.org/atom/ns#": "atom",
    "http://backend.userland.com/creativecommonsrssmodule": "creativeCommons",
    "http://cyber.law.harvard.edu/rss/creativecommonsrssmodule.html": "creativeCommons",
    "http://web.resource.org/cc": "cc",
    "http://creativecommons.org/ns#": "cc",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "https://podcastindex.org/namespace/1.0": "podcast",
    "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "http://search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
}
"""Namespaces in lower case without a final slash: feeds spell them in every way."""

_RESOURCE = f"{{{RDF}}}resource"
_DEDICATED = {
    "creativeCommons:license": "rss.creativeCommons:license",
    "cc:license": "rss.cc:license",
    "podcast:license": "podcast.license",
    "media:license": "rss.media:license",
    "dcterms:license": "rss.dcterms:license",
    "license": "rss.license",
    "licence": "rss.license",
}
_NOTICES = {
    "atom:rights": "atom.rights",
    "atom:copyright": "atom.rights",
    "dc:rights": "rss.dc:rights",
    "dcterms:rights": "rss.dcterms:rights",
    "copyright": "rss.copyright",
    "media:copyright": "rss.copyright",
}
_EMAIL = re.compile(r"[^\s@<>()\"]{1,64}@[^\s@<>()\"]{1,255}")
_PERSONAL = {"managingEditor", "webMaster", "author", "itunes:email", "itunes:owner", "atom:email", "podcast:person"}
_DROPPED_TYPES = ("video/", "image/", "text/", "application/pdf", "application/x-bittorrent")
_SUFFIXES = {
    "audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/ogg": ".ogg", "application/ogg": ".ogg", "audio/vorbis": ".ogg",
    "audio/opus": ".opus", "audio/flac": ".flac", "audio/x-flac": ".flac", "audio/wav": ".wav", "audio/x-wav": ".wav",
    "audio/mp4": ".m4a", "audio/x-m4a": ".m4a", "audio/aac": ".aac",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that an entry encloses.

    Attributes:
        url: Absolute.
        type: As stated, lower case, without parameters.
        length: As stated, which is often wrong; or empty.
    """

    url: str
    type: str
    length: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed.

    Attributes:
        guid: What the feed calls it; the enclosure's or the page's address where it gives no name.
        title: One line.
        link: The page a reader would open, or empty.
        published: As stated, or empty.
        creators: As supplied, without mail addresses.
        enclosures: What can be audio.
        declarations: Of the entry; those of the feed where the entry has none of its own.
        kept: The entry and the head of its feed as XML, without mail addresses.
        redacted: What was taken out of it.
    """

    guid: str
    title: str
    link: str
    published: str
    creators: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    declarations: tuple[Declaration, ...]
    kept: bytes
    redacted: tuple[str, ...]

    @property
    def key(self) -> str:
        """What stands for the guid in an identifier: the first 16 digits of its SHA-256."""
        return hashlib.sha256(self.guid.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: its title, and by `Entry.key` its entries that enclose something; each is read when it is asked for."""

    title: str
    keys: tuple[str, ...]
    _entries: dict[str, Callable[[], Entry]]
    _hosts: dict[str, str]

    def mark(self, key: str) -> str:
        """Return a digest of an entry and of what the feed says of itself: what its state and its judgement rest on."""
        read = self._entries.get(key)
        return hashlib.sha256(read().kept).hexdigest() if read else ""

    def host(self, key: str) -> str:
        """Return the host that an entry's first enclosure lies on, lower case, or empty."""
        return self._hosts.get(key, "")

    def entry(self, key: str) -> Entry | None:
        """Return an entry, or None where the feed has none of this key (by now)."""
        read = self._entries.get(key)
        return read() if read else None


def parse_feed(received: bytes, *, url: str) -> Feed:
    """Read a feed.

    Raises:
        SourceProtocolError: It is no feed, damaged, or declares entities.
    """
    root = _root(received, url)
    channel, items = _parts(root, url)
    # Without its entries: each of them looks through the head, and a feed may have ten thousand.
    head = [child for child in channel if _name(child) not in {"item", "atom:entry"}]
    entries: dict[str, Callable[[], Entry]] = {}
    hosts: dict[str, str] = {}
    for item in items:
        guid = _guid(item, url)
        key = hashlib.sha256(guid.encode("utf-8", "surrogatepass")).hexdigest()[:16] if guid else ""
        enclosure = next(_enclosures(item, url), None)
        if key and key not in entries and enclosure is not None:
            entries[key] = _reader(item, head, guid, url)
            hosts[key] = _host(enclosure.url)
    return Feed(_text(head, "title", "atom:title"), tuple(entries), entries, hosts)


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def _reader(item: Any, head: list[Any], guid: str, url: str) -> Callable[[], Entry]:
    return lambda: _entry(item, head, guid, url)


def _root(received: bytes, url: str) -> Any:
    from lxml import etree  # noqa: PLC0415 - slow, needed only where feeds are read

    # Also in UTF-16, where every second byte is nought: before the parser sees a byte of it.
    if b"<!ENTITY" in received.replace(b"\0", b"").upper():
        raise SourceProtocolError(f"{url}: the feed declares entities of its own, and is not read")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(received, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceProtocolError(f"{url}: the feed is not XML: {str(error)[:200]}") from error
    return root


def _parts(root: Any, url: str) -> tuple[Any, list[Any]]:
    name = _name(root)
    if name == "atom:feed":
        return root, _children(root, "atom:entry")
    channel = next(iter(_children(root, "channel")), None)
    if name in {"rss", "RDF"} and channel is not None:
        return channel, [*_children(channel, "item"), *_children(root, "item")]
    raise SourceProtocolError(f"{url}: no feed: its first element is {name[:100]!r}")


def _name(element: Any) -> str:
    """Return an element's name with the prefix that is usual for its namespace."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    space, brace, local = tag.rpartition("}")
    space = space.removeprefix("{").lower().rstrip("/") if brace else ""
    if space == RDF:
        return local
    prefix = _PREFIXES.get(space)
    if prefix is None:
        return f"{{{space}}}{local}"
    return f"{prefix}:{local}" if prefix else local


def _children(element: Any, *names: str) -> list[Any]:
    return [child for child in element if _name(child) in names]


def _text(element: Any, *names: str) -> str:
    for child in _children(element, *names):
        found = words_of("".join(child.itertext()))
        if found:
            return found
    return ""


def _raw(element: Any) -> str:
    return str("".join(element.itertext()))


def _guid(item: Any, url: str) -> str:
    named = next((raw for child in _children(item, "guid", "atom:id") if (raw := _raw(child).strip())), "")
    if named:
        return named
    about = item.get(f"{{{RDF}}}about") or ""
    return about or next((one.url for one in _enclosures(item, url)), "") or _link(item, url)


def _entry(item: Any, head: list[Any], guid: str, url: str) -> Entry:
    kept, redacted = _kept(item, head)
    return Entry(
        guid=guid,
        title=_text(item, "title", "atom:title", "itunes:title"),
        link=_link(item, url),
        published=_text(item, "pubDate", "atom:published", "dc:date", "atom:updated"),
        creators=_creators(item) or _creators(head),
        enclosures=tuple(_enclosures(item, url)),
        declarations=tuple(_declarations(item, head)),
        kept=kept,
        redacted=redacted,
    )


def _link(item: Any, url: str) -> str:
    for child in _children(item, "link", "atom:link"):
        address = child.get("href") or _raw(child)
        if address.strip() and (child.get("rel") or "alternate").lower() == "alternate":
            return _absolute(address, child, url)
    return ""


def _absolute(address: str, element: Any, url: str) -> str:
    try:
        return str(urljoin(urljoin(url, element.base or url), address.strip()))
    except ValueError:
        return ""


def _creators(element: Any) -> tuple[str, ...]:
    """Return the first kind of credit that there is, without mail addresses."""
    for kind in ("dc:creator", "itunes:author", "atom:author", "author", "managingEditor"):
        found = []
        for child in _children(element, kind):
            named = _text(child, "atom:name") if kind == "atom:author" else words_of(_raw(child))
            bracketed = re.fullmatch(r"[^\s@()]+@[^\s@()]+\s*\(([^()]+)\)", named)
            name = bracketed[1] if bracketed else _EMAIL.sub("", named)
            found.append(" ".join(name.replace("()", "").replace("<>", "").split()))
        names = tuple(dict.fromkeys(name for name in found if name))
        if names:
            return names
    return ()


def _enclosures(item: Any, url: str) -> Iterator[Enclosure]:
    seen: set[str] = set()
    for child in _children(item, "enclosure", "atom:link"):
        if _name(child) == "atom:link" and (child.get("rel") or "").lower() != "enclosure":
            continue
        address = _absolute(child.get("url") or child.get("href") or child.get(_RESOURCE) or "", child, url)
        stated = (child.get("type") or "").partition(";")[0].strip().lower()
        if address and address not in seen and not stated.startswith(_DROPPED_TYPES):
            seen.add(address)
            yield Enclosure(address, stated, (child.get("length") or "").strip()[:30])


def _declarations(item: Any, head: list[Any]) -> Iterator[Declaration]:
    """Yield what an entry declares; what its feed declares holds where the entry says nothing of that kind.

    A licence of its own stands in place of the feed's, whatever element it is written in. Notices stand beside it: a
    feed whose notice keeps all rights contradicts an entry with a licence, and people decide.
    """
    own = list(_licences(item, Scope.ITEM))
    yield from own or _licences(head, Scope.COLLECTION)
    notices = list(_stated(item, Scope.ITEM))
    yield from notices
    fields = {notice.field for notice in notices}
    yield from (notice for notice in _stated(head, Scope.COLLECTION) if notice.field not in fields)


def _licences(element: Any, scope: Scope) -> Iterator[Declaration]:
    for child in element:
        name = _name(child)
        if name in _DEDICATED:
            values = (_raw(child), child.get(_RESOURCE), child.get("href"), child.get("url"))
            for value in dict.fromkeys(value for value in values if value and value.strip()):
                # Media RSS has the words inside and the address in `href`: the words are a name, not another licence.
                is_label = name == "media:license" and value == values[0] and any(values[1:])
                if not is_label:
                    yield Declaration(_DEDICATED[name], scope, value)
        elif name in {"atom:link", "link"} and "license" in (child.get("rel") or "").lower().split():
            yield Declaration("atom.link-license", scope, child.get("href") or "")


def _stated(element: Any, scope: Scope) -> Iterator[Declaration]:
    for child in element:
        field = _NOTICES.get(_name(child))
        value = _raw(child) if field else ""
        if field and value.strip():
            is_html = (child.get("type") or "").lower() in {"html", "xhtml"}
            yield Declaration(field, scope, words_of(value) if is_html else value)


def _kept(item: Any, head: list[Any]) -> tuple[bytes, tuple[str, ...]]:
    """Return the entry, and what its feed says of itself and of rights, as XML of ours."""
    from lxml import etree  # noqa: PLC0415 - as above

    wanted = {"title", "link", "atom:title", "atom:link", "itunes:author", "dc:creator", *_DEDICATED, *_NOTICES}
    redacted: list[str] = []
    root = etree.Element("kept")
    of_feed = etree.SubElement(root, "feed")
    for child in head:
        if _name(child) in wanted:
            of_feed.append(_copied(child, "/feed", redacted))
    root.append(_copied(item, "", redacted))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True), tuple(dict.fromkeys(redacted))


def _copied(element: Any, place: str, redacted: list[str]) -> Any:
    from lxml import etree  # noqa: PLC0415 - as above

    copy = etree.fromstring(etree.tostring(element, with_tail=False), etree.XMLParser(resolve_entities=False))
    for inner in list(copy.iter()):
        if not isinstance(inner.tag, str):
            continue
        name = _name(inner)
        if name in _PERSONAL or _EMAIL.search(inner.text or "") or any(map(_EMAIL.search, inner.attrib.values())):
            shown = name if re.fullmatch(r"[A-Za-z:]{1,60}", name) else "element"
            redacted.append(f"{place}/{shown}")
            _blank(inner)
    return copy


def _blank(element: Any) -> None:
    """Take mail addresses out of an element, and out of every element inside one that is made for them."""
    for one in element.iter():
        if isinstance(one.tag, str):
            one.text = _EMAIL.sub("removed", one.text) if one.text else one.text
            one.tail = _EMAIL.sub("removed", one.tail) if one.tail else one.tail
            for key, value in list(one.attrib.items()):
                if _EMAIL.search(value) and "://" not in value:
                    one.attrib[key] = _EMAIL.sub("removed", value)


def file_name(enclosure: Enclosure, entry_key: str) -> str:
    """Return the name under which an enclosure is kept: the last part of its address, or one made of the entry's key."""
    try:
        last = unquote(urlsplit(enclosure.url).path.rpartition("/")[2], errors="replace")
    except ValueError:
        last = ""
    plain = "".join(char if char.isprintable() and char not in '/\\:*?"<>|' else "_" for char in last).strip(" .")
    suffix = _SUFFIXES.get(enclosure.type, "")
    if not plain:
        return f"{entry_key}{suffix or '.audio'}"
    return plain if "." in plain or not suffix else plain + suffix
