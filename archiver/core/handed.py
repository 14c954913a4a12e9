"""What is handed in by an operator: bags of others, loose files and folders. What it is called, and what it declares."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from archiver.core.attribution import one_line
from archiver.core.licences.evidence import Declaration, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SOURCE = "added"
"""The source in the identifiers of what was handed in."""
LONGEST_SIDECAR = 1 << 20
"""Bytes."""
LONGEST_STATEMENT = 8 << 10
"""Bytes of a licence file that is weighed sentence by sentence; a longer one is the text of a licence, not a statement."""

_LONGEST_NAME = 400
_STATEMENT = re.compile(
    r"(?i)(?:licen[cs]es?|copying|copyright|rights|permissions?)(?:[._ -][^/]{0,40})?(?:\.(?:txt|md))?"
)
_IA_RECORD = re.compile(r"[^/]+_meta\.xml")
_IA_FIELDS = ("licenseurl", "license", "rights", "possible-copyright-status")
_NO_EVIDENCE = frozenset(
    [
        "source-organization",
        "organization-address",
        "contact-name",
        "contact-phone",
        "contact-email",
        "external-identifier",
        "internal-sender-identifier",
        "bagging-date",
        "bag-size",
        "payload-oxum",
        "bag-group-identifier",
        "bag-count",
        "bag-software-agent",
        "bagit-profile-identifier",
    ]
)
"""Reserved elements of ``bag-info.txt`` that speak of no rights (RFC 8493 §2.2.2)."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the operator says of what is handed in; empty where nothing was said.

    Attributes:
        licence: A URL or a name, as typed.
        title: For people.
        creators: In order.
        source_url: The page it came from.
        identifier: What to call it, in place of what would follow from the rest.
    """

    licence: str = ""
    title: str = ""
    creators: tuple[str, ...] = ()
    source_url: str = ""
    identifier: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what was said, for the record in the bag."""
        return {
            "licence": self.licence,
            "title": self.title,
            "creators": list(self.creators),
            "source_url": self.source_url,
            "identifier": self.identifier,
        }


def bag_name(words: Words, info: Iterable[tuple[str, str]], *, directory: str) -> str:
    """Return what a bag is called in identifiers: by its sender's identifier, else by its directory.

    Args:
        words: The operator's own identifier goes before both.
        info: The elements of ``bag-info.txt``.
        directory: The bag's base directory (RFC 8493 §2).
    """
    of_sender = (value for label, value in info if label.lower() == "external-identifier")
    return next((name for name in map(_name, (words.identifier, *of_sender, directory)) if name), "bag")


def loose_name(words: Words) -> str:
    """Return what loose files are called: by what the operator says of them, so that the same words mean the same item."""
    if words.identifier and _name(words.identifier):
        return _name(words.identifier)
    said = json.dumps([words.title, list(words.creators), words.source_url])
    readable = re.sub(r"[\W_]+", "-", words.title.lower()).strip("-")[:60].strip("-")
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest


def _name(text: str) -> str:
    """Return a text as an identifier: on one line, and no longer than a store's key can hold."""
    name = one_line(text)
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name if name.strip("./ ") else ""


def info_declarations(info: Iterable[tuple[str, str]]) -> Iterator[Declaration]:
    """Yield what ``bag-info.txt`` says of rights; labels that are not known to be made for it grant nothing."""
    for label, value in info:
        spelled = re.sub(r"[\s_]+", "-", label)
        if spelled.lower() not in _NO_EVIDENCE and value:
            yield Declaration(f"bag-info.{spelled}", Scope.ITEM, value)


def is_statement(name: str) -> bool:
    """Tell whether a file beside the recordings is read for what it declares: it lies at the top, under a name that says so."""
    return _STATEMENT.fullmatch(name) is not None or _IA_RECORD.fullmatch(name) is not None


def stated(name: str, content: bytes) -> Iterator[Declaration]:
    """Yield what such a file declares."""
    record = _parsed(content) if name.endswith("_meta.xml") else None
    if record is not None:
        for field in _IA_FIELDS:
            for element in record.iterfind(field):
                if element.text:
                    yield Declaration(f"ia.{field}", Scope.ITEM, element.text, name)
    elif name.endswith("_meta.xml") or len(content) > LONGEST_STATEMENT:
        yield spoken(name, content)
    else:
        yield Declaration("sidecar.statement", Scope.ITEM, content.decode("utf-8", "replace"), name)


def spoken(name: str, content: bytes) -> Declaration:
    """Return a text as one that grants nothing and may speak against the rest: the text of a licence, or what nobody can read."""
    return Declaration("sidecar.text", Scope.ITEM, content[:LONGEST_STATEMENT].decode("utf-8", "replace"), name)


def _parsed(content: bytes) -> ET.Element | None:
    try:
        return ET.fromstring(content)  # noqa: S314 - expat ends an expansion that grows without bound
    except ET.ParseError:
        return None


def first(info: Iterable[tuple[str, str]], *labels: str) -> str:
    """Return the first element of ``bag-info.txt`` under one of these labels, or an empty text."""
    found = list(info)
    for label in labels:
        for given, value in found:
            if re.sub(r"[\s_]+", "-", given).lower() == label and value:
                return one_line(value)
    return ""


def every(info: Iterable[tuple[str, str]], *labels: str) -> tuple[str, ...]:
    """Return every element under one of these labels, in order."""
    return tuple(one_line(value) for given, value in info if re.sub(r"[\s_]+", "-", given).lower() in labels and value)
