"""PREMIS 3 as XML: what is in a bag, what was done to it, by whom, and what may be done with it.

The order of elements is that of the schema at http://www.loc.gov/premis/v3: objects, events, agents, rights, and inside
each the sequence of its complex type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from archiver.core.fixity import Algorithm, recognise_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archiver.core.derivatives import Derivative
    from archiver.core.events import Agent, Event
    from archiver.core.examinations import Examination
    from archiver.core.fixity import Digest
    from archiver.core.packages import CapturedFile

PREMIS = "http://www.loc.gov/premis/v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 §2.2 does not allow, not even as a reference."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the keeping and handing on of an item rests upon.

    Attributes:
        licence_url: Canonical URL of the legal tool.
        is_licence: False for a public domain dedication or mark: then the rights rest on no licence.
        determined_on: ISO date of the decision.
    """

    licence_url: str
    is_licence: bool
    determined_on: str


def format_premis(  # noqa: PLR0913 - one keyword for each part of the document
    *,
    identifier: str,
    title: str,
    files: Sequence[CapturedFile],
    examined: Mapping[str, Examination],
    events: Iterable[Event],
    agents: Sequence[Agent],
    rights: Rights,
) -> bytes:
    """Return ``metadata/premis.xml``.

    Args:
        identifier: The item, ``source/name``, and its version.
        title: The item's title, or empty.
        files: Every payload file, in payload order.
        examined: What examining found, by path below ``data/``.
        events: What was done, oldest first.
        agents: Everybody named in the events.
        rights: What the licence decision found.

    Returns:
        UTF-8 with a declaration; the same values give the same bytes. Characters that XML cannot hold become U+FFFD.
    """
    document = bytearray(_HEAD)
    document += _entity(partial(_intellectual_entity, identifier=identifier, title=title))
    for file in files:
        document += _entity(partial(_file_object, file=file, found=examined.get(str(file.path))))
    for number, event in enumerate(events, start=1):
        document += _entity(partial(_event, identifier=f"{identifier}/event/{number}", event=event, linked=identifier))
    for agent in agents:
        document += _entity(partial(_agent, agent=agent))
    document += _entity(partial(_rights, identifier=identifier, rights=rights))
    document += _TAIL
    return bytes(document)


_HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    f'<premis:premis xmlns:premis="{PREMIS}" xmlns:xsi="{XSI}" version="3.0">'
).encode()
_TAIL = b"\n</premis:premis>\n"


def _entity(fill: Callable[[ET.Element], None]) -> bytes:
    """Return one entity as text. Each is a tree of its own: that of an item with thousands of files takes 40 KB a file."""
    root = ET.Element("premis:premis")
    fill(root)
    lines: list[str] = []
    for child in root:
        _write(child, "\n ", lines)
    return "".join(lines).encode()


def _write(element: ET.Element, indent: str, lines: list[str]) -> None:
    """Append an element, each one inside it on a line of its own.

    `ElementTree.tostring` gives the same text, and takes ten times as long for trees as small as these: each of its calls
    collects the namespaces and opens a text stream. Here the prefixes are those that the document declares.
    """
    start = element.tag + "".join(f' {name}="{value}"' for name, value in element.items())
    if len(element):
        lines.append(f"{indent}<{start}>")
        for child in element:
            _write(child, indent + " ", lines)
        lines.append(f"{indent}</{element.tag}>")
    elif element.text:
        text = element.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        lines.append(f"{indent}<{start}>{text}</{element.tag}>")
    else:
        lines.append(f"{indent}<{start} />")


def declared_digests(document: bytes) -> dict[str, Digest]:
    """Return the source's digest of each payload file, by its path in the bag, out of a ``metadata/premis.xml``.

    Raises:
        ValueError: It is no XML.
    """
    found: dict[str, Digest] = {}
    try:
        for _, element in ET.iterparse(BytesIO(document)):  # noqa: S314 - expat ends an expansion that grows without bound
            if element.tag == _name("object"):
                found.update(_declared(element))
                element.clear()
    except ET.ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    return found


def _declared(element: ET.Element) -> Iterator[tuple[str, Digest]]:
    path = element.findtext(f"{_name('objectIdentifier')}/{_name('objectIdentifierValue')}") or ""
    for fixity in element.iterfind(f"{_name('objectCharacteristics')}/{_name('fixity')}"):
        name = fixity.findtext(_name("messageDigestAlgorithm")) or ""
        algorithm = next((key for key, spelled in _PREMIS_ALGORITHMS.items() if spelled == name), None)
        if algorithm is not None and fixity.findtext(_name("messageDigestOriginator")) == "source":
            digest = recognise_digest(Algorithm(algorithm), fixity.findtext(_name("messageDigest")) or "")
            if digest is not None:
                yield path, digest


def format_events(objects: Iterable[tuple[str, str]], events: Iterable[Event]) -> Iterator[str]:
    """Yield a PREMIS document over many items: objects, then events, then the agents named in them.

    Memory does not grow with the number of events.

    Args:
        objects: Identifier of the item (``source/name``) and its title, at least one.
        events: What was done, in the order of the log.
    """
    yield _HEAD.decode()
    for identifier, title in objects:
        yield _entity(partial(_intellectual_entity, identifier=identifier, title=title, kind="archiver item")).decode()
    agents: dict[str, Agent] = {}
    for number, event in enumerate(events, start=1):
        agents.setdefault(event.agent.name, event.agent)
        yield _entity(partial(_logged_event, number=number, event=event)).decode()
    for agent in agents.values():
        yield _entity(partial(_agent, agent=agent)).decode()
    yield _TAIL.decode()


def _logged_event(root: ET.Element, number: int, event: Event) -> None:
    version = f"/v{event.version}" if event.version else ""
    where = f"{event.item}{version}/{event.store}" if event.store else f"{event.item}{version}"
    _event(root, f"{event.item}/report/{number}", event, linked=where)
    _identifier(root[0], "linkingObject", "archiver item", str(event.item))


def _intellectual_entity(root: ET.Element, identifier: str, title: str, *, kind: str = "archiver item version") -> None:
    entity = _add(root, "object")
    entity.set("xsi:type", "premis:intellectualEntity")
    _identifier(entity, "object", kind, identifier)
    if title:
        _add(entity, "originalName", title)


def _file_object(root: ET.Element, file: CapturedFile, found: Examination | None) -> None:
    entity = _add(root, "object")
    entity.set("xsi:type", "premis:file")
    _identifier(entity, "object", "path in bag", f"data/{file.path}")
    characteristics = _add(entity, "objectCharacteristics")
    _add(characteristics, "compositionLevel", "0")
    digests = [(file.staged.sha256, "archiver"), (file.sha512, "archiver")]
    if file.verified_by is not None:
        digests.append((file.verified_by, "source"))
    for digest, originator in digests:
        fixity = _add(characteristics, "fixity")
        _add(fixity, "messageDigestAlgorithm", _PREMIS_ALGORITHMS[digest.algorithm])
        _add(fixity, "messageDigest", digest.value)
        _add(fixity, "messageDigestOriginator", originator)
    _add(characteristics, "size", str(file.staged.size))
    format_ = _add(characteristics, "format")
    _add(_add(format_, "formatDesignation"), "formatName", file.declared.format or "unknown")
    _add(format_, "formatNote", "as declared by the source")
    if found is not None and (found.format.puid or found.format.codec):
        _identified(characteristics, found)
    _add(entity, "originalName", file.declared.name)


def _identified(characteristics: ET.Element, found: Examination) -> None:
    """Add the format as the bytes show it, with PRONOM's key, and the program that made the file as it says itself."""
    form = found.format
    format_ = _add(characteristics, "format")
    _add(_add(format_, "formatDesignation"), "formatName", form.name or form.container)
    if form.puid:
        registry = _add(format_, "formatRegistry")
        _add(registry, "formatRegistryName", "PRONOM")
        _add(registry, "formatRegistryKey", form.puid)
    _add(format_, "formatNote", f"as identified; {form.codec or 'no codec'}, more in metadata/technical.json")
    if form.encoder:
        _add(_add(characteristics, "creatingApplication"), "creatingApplicationName", form.encoder)


_PREMIS_ALGORITHMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}


def _event(root: ET.Element, identifier: str, event: Event, *, linked: str) -> None:
    element = _add(root, "event")
    _identifier(element, "event", "archiver event", identifier)
    _add(element, "eventType", event.type)
    _add(element, "eventDateTime", event.at.isoformat(timespec="seconds"))
    information = _add(element, "eventOutcomeInformation")
    _add(information, "eventOutcome", event.outcome)
    if event.detail:
        _add(_add(information, "eventOutcomeDetail"), "eventOutcomeDetailNote", event.detail)
    _identifier(element, "linkingAgent", "archiver agent", event.agent.name)
    if event.path:
        _identifier(element, "linkingObject", "path in bag", event.path)
    else:
        _identifier(element, "linkingObject", "archiver item version", linked)


def _agent(root: ET.Element, agent: Agent) -> None:
    element = _add(root, "agent")
    _identifier(element, "agent", "archiver agent", agent.name)
    _add(element, "agentName", agent.name)
    _add(element, "agentType", agent.kind)


def _rights(root: ET.Element, identifier: str, rights: Rights) -> None:
    statement = _add(_add(root, "rights"), "rightsStatement")
    _identifier(statement, "rightsStatement", "archiver rights statement", f"{identifier}/rights/1")
    if rights.is_licence:
        _add(statement, "rightsBasis", "license")
        information, prefix = _add(statement, "licenseInformation"), "licenseDocumentation"
    else:
        _add(statement, "rightsBasis", "other")
        information, prefix = _add(statement, "otherRightsInformation"), "otherRightsDocumentation"
    _identifier(information, prefix, "URI", rights.licence_url)
    note = f"declared at the source; determined on {rights.determined_on}, evidence in metadata/licence.json"
    if rights.is_licence:
        _add(information, "licenseNote", note)
    else:
        _add(information, "otherRightsBasis", "public domain dedication or mark")
        _add(information, "otherRightsNote", note)
    for act in ("replicate", "disseminate"):
        granted = _add(statement, "rightsGranted")
        _add(granted, "act", act)
        _add(granted, "rightsGrantedNote", "under the terms of the document named above")
    _identifier(statement, "linkingObject", "archiver item version", identifier)


def _identifier(parent: ET.Element, what: str, kind: str, value: str) -> None:
    element = _add(parent, f"{what}Identifier")
    _add(element, f"{what}IdentifierType", kind)
    _add(element, f"{what}IdentifierValue", value)


def _add(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    element = ET.SubElement(parent, f"premis:{name}")
    if text:
        element.text = text if text.isprintable() else _NOT_XML.sub("\ufffd", text)
    return element


def _name(name: str) -> str:
    return f"{{{PREMIS}}}{name}"


def format_derivation(
    *,
    identifier: str,
    place: str,
    derivatives: Iterable[Derivative],
    event: Event,
    agents: Sequence[Agent],
    rights: Rights,
) -> bytes:
    """Return the PREMIS document that stands beside derivatives: each with its source, and the event that made them.

    Args:
        identifier: The item, ``source/name``, and its version.
        place: Where the derivatives are, in the store; ends in ``/``.
        derivatives: In order; those without an original are left out.
        event: The making.
        agents: Everybody who took part.
        rights: What the licence decision found: a derivative is under its original's licence.
    """
    number = f"{identifier}/derivation"
    document = bytearray(_HEAD)
    for derivative in derivatives:
        if derivative.original is not None:
            document += _entity(partial(_derived_object, derivative=derivative, place=place, made_by=number))
    document += _entity(partial(_event, identifier=number, event=event, linked=identifier))
    for agent in agents:
        document += _entity(partial(_agent, agent=agent))
    document += _entity(partial(_rights, identifier=identifier, rights=rights))
    document += _TAIL
    return bytes(document)


def _derived_object(root: ET.Element, derivative: Derivative, place: str, made_by: str) -> None:
    entity = _add(root, "object")
    entity.set("xsi:type", "premis:file")
    _identifier(entity, "object", "key in store", place + derivative.path)
    characteristics = _add(entity, "objectCharacteristics")
    _add(characteristics, "compositionLevel", "0")
    fixity = _add(characteristics, "fixity")
    _add(fixity, "messageDigestAlgorithm", _PREMIS_ALGORITHMS[derivative.sha256.algorithm])
    _add(fixity, "messageDigest", derivative.sha256.value)
    _add(fixity, "messageDigestOriginator", "archiver")
    _add(characteristics, "size", str(derivative.size))
    name = derivative.path.rpartition(".")[2]
    _add(_add(_add(characteristics, "format"), "formatDesignation"), "formatName", _FORMATS.get(name, "unknown"))
    if derivative.original is None:
        return
    relationship = _add(entity, "relationship")
    _add(relationship, "relationshipType", "derivation")
    _add(relationship, "relationshipSubType", "has source")
    for what, kind, value in (
        ("relatedObject", "path in bag", derivative.original.path),
        ("relatedObject", "SHA-256", derivative.original.sha256.value),
        ("relatedEvent", "archiver event", made_by),
    ):
        _identifier(relationship, what, kind, value)


_FORMATS = {
    "opus": "audio/ogg; codecs=opus",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}
