"""XMP packets: what they say of a licence, and of data mining. No entity is ever expanded, nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from archiver.audio.spans import DamagedTagError

if TYPE_CHECKING:
    from archiver.audio.gathering import Gathering
    from archiver.audio.spans import Span

LONGEST_PACKET = 1 << 20
SEARCHED = 1 << 20
"""Bytes at the beginning and at the end of a file of another kind in which a packet is looked for."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/ "
_DECLARATIONS = {
    "http://creativecommons.org/ns# license": "xmp.cc:license",
    "http://web.resource.org/cc/ license": "xmp.cc:license",
    _RIGHTS + "UsageTerms": "xmp.xmpRights:UsageTerms",
    _RIGHTS + "WebStatement": "xmp.xmpRights:WebStatement",
    _RIGHTS + "Marked": "xmp.xmpRights:Marked",
    "http://purl.org/dc/elements/1.1/ rights": "xmp.dc:rights",
    "http://ns.adobe.com/xmp/1.0/DynamicMedia/ copyright": "xmp.xmpDM:copyright",
}
_PREFERENCES = {
    "http://ns.useplus.org/ldf/xmp/1.0/ DataMining": "plus:DataMining",
    "http://ns.useplus.org/ldf/xmp/1.0/ OtherConstraints": "plus:OtherConstraints",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DataMining": "plus:DataMining",
    "http://www.w3.org/ns/tdmrep/ reservation": "tdm:reservation",
    "http://www.w3.org/ns/tdmrep# reservation": "tdm:reservation",
    "http://www.w3.org/ns/tdmrep/ policy": "tdm:policy",
    "http://www.w3.org/ns/tdmrep# policy": "tdm:policy",
}
_WANTED = {**_DECLARATIONS, **_PREFERENCES}


def read_xmp(packet: bytes, out: Gathering) -> None:
    """Read one packet.

    Raises:
        DamagedTagError: It is no XML, or brings a document type with it.
    """
    if len(packet) > LONGEST_PACKET:
        out.unread(f"an XMP packet of {len(packet)} bytes")
        return
    reader = _Reader(out)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.began
    parser.EndElementHandler = reader.ended
    parser.CharacterDataHandler = reader.heard
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.buffer_text = True
    try:
        parser.Parse(packet.strip(b"\0 \r\n\t"), True)  # noqa: FBT003 - positional only: this is all
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DamagedTagError(f"XMP: {error}") from error


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type, whose entities could grow without bound")


class _Reader:
    """Hears the wanted properties: as elements with text, with a resource, with alternatives inside, or as attributes."""

    def __init__(self, out: Gathering) -> None:
        self._out = out
        self._open: list[str] = []
        self._heard: list[str] = []

    def began(self, name: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            if key in _WANTED:
                self._took(key, value)
        if self._open:
            self._open.append(name)
        elif name in _WANTED:
            self._open, self._heard = [name], []
        if self._open and attributes.get(_RDF + "resource"):
            self._took(self._open[0], attributes[_RDF + "resource"])

    def heard(self, text: str) -> None:
        if self._open:
            self._heard.append(text)

    def ended(self, _name: str) -> None:
        if not self._open:
            return
        text = "".join(self._heard).strip()
        if text:
            self._took(self._open[0], text)
        self._heard = []
        self._open.pop()

    def _took(self, name: str, text: str) -> None:
        if name in _PREFERENCES:
            self._out.preference(_PREFERENCES[name], text)
        else:
            self._out.text(_DECLARATIONS[name], text)


def search_xmp(file: Span, out: Gathering) -> None:
    """Look for packets at the beginning and at the end of a file of a kind that is not read otherwise (pictures, PDF).

    Raises:
        DamagedTagError: A packet cannot be read.
    """
    head = file.peek(0, SEARCHED)
    tail = file.peek(max(SEARCHED, file.size - SEARCHED), SEARCHED)
    for stretch in (head, tail):
        start = stretch.find(b"<x:xmpmeta")
        end = stretch.find(b"</x:xmpmeta>", start)
        if 0 <= start < end:
            read_xmp(stretch[start : end + len(b"</x:xmpmeta>")], out)
