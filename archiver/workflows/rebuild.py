"""Rebuild: make the catalogue again from one store alone.

The bags say what is held; the shards beside them say what was done since, and how each copy stood. Where they disagree, the
bag wins, and the disagreement is a finding.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from archiver.core.bags.bag_info import LICENCE_LABEL
from archiver.core.bags.layout import LAST_TAG_FILE, aip_prefix
from archiver.core.bags.manifests import split_lines
from archiver.core.bags.tag_files import LARGEST_TAG_FILE
from archiver.core.errors import CatalogueError, StoreError
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Algorithm, Digest, Grade, digest_of, parse_digest
from archiver.core.holdings import Copy, CopyStatus, HeldFile, Holding
from archiver.core.items import parse_item_id
from archiver.core.preferences import PATH as PREFERENCES
from archiver.core.preferences import recorded
from archiver.core.premis import PREMIS
from archiver.core.snapshots import PLACE, last_of, parse_shard, recognise_shard
from archiver.core.sounds import sounds_in
from archiver.core.technical import PATH as TECHNICAL
from archiver.workflows.check import entries_of
from archiver.workflows.small_object import small_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.ports.catalogue import Holdings, Ledger
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.snapshots import SnapshotLedger
    from archiver.ports.stores import Store

AIP_RECORD = "metadata/aip.json"


@dataclass(frozen=True, slots=True)
class RebuiltBag:
    """One bag that was taken down again, or why it was not.

    Attributes:
        prefix: Its place in the store.
        item: ``source/name``, or empty where that cannot be read.
        files: Payload files.
        findings: What is wrong with it; a bag with findings is taken down as far as it goes.
    """

    prefix: str
    item: str
    files: int
    findings: tuple[Finding, ...]


def rebuild(
    store: Store, *, ledger: SnapshotLedger, holdings: Holdings, events: Ledger, engine: Engine, clock: Clock
) -> Iterator[RebuiltBag]:
    """Fill an empty catalogue from a store; yield each bag as it is taken down.

    Args:
        store: The one to read; nothing is written to it.
        ledger: Must be empty.
        holdings: What the ledger answers.
        events: Takes down the events that only a bag knows.
        engine: Reads several bags at once.
        clock: For the date of the check of bags that no shard knows.

    Raises:
        CatalogueError: The catalogue is not empty; nothing was changed.
        StoreError: The store does not answer; begin again with an empty catalogue.
    """
    if not ledger.is_empty():
        raise CatalogueError(
            "the catalogue is not empty, nothing was changed: expected a new one",
            next_command="move the catalogue away (or name another in [catalogue] url), then the same command again",
        )
    _recall(store, ledger)
    for bag, held, files, past, decision in engine.over(lambda prefix: _read_bag(store, prefix, clock), _bags(store)):
        if held is None:
            yield bag
            continue
        known = next((one for one in holdings.versions(held.item) if one.version == held.version), None)
        ledger.found(held, files, decision=decision)
        if known is None:
            events.appended(past)
        elif known.tag_manifest != held.tag_manifest:
            wrong = Finding(
                FindingCode.MANIFEST_ALTERED,
                bag.prefix + LAST_TAG_FILE,
                expected=f"{known.tag_manifest}, as the record beside the bags has it",
                actual=str(held.tag_manifest),
                store=store.name,
                next=f"archiver audit --item {held.item}",
            )
            bag = replace(bag, findings=(*bag.findings, wrong))  # noqa: PLW2901 - the same bag, judged further
        yield bag


def _recall(store: Store, ledger: SnapshotLedger) -> None:
    """Take down again what the shards say, as far as they go without a gap."""
    keys = [facts.key for facts in store.list(PLACE)]
    last = last_of(keys)
    done = 0
    for key in sorted(key for key in keys if (recognise_shard(key) or (0, last + 1))[1] <= last):
        numbers = recognise_shard(key)
        if numbers is None or numbers[1] <= done:
            continue
        shard = parse_shard(key, small_object(store, key, limit=LARGEST_TAG_FILE))
        if numbers[0] <= done:
            # A store that was away got its stretches in other lengths; what is there twice is taken once.
            shard = replace(shard, first=done + 1, events=shard.events[done + 1 - numbers[0] :])
        ledger.recalled(shard)
        done = numbers[1]


def _bags(store: Store) -> Iterator[str]:
    for facts in store.list("bags/"):
        place, _, name = facts.key.rpartition("/")
        # No deeper: a bag of others may be in the payload, and its tag files are among the tag files of ours.
        if name == LAST_TAG_FILE and facts.key.count("/") == aip_prefix("s", "i", 1).count("/"):
            yield place + "/"


_Read = tuple[RebuiltBag, Holding | None, tuple[HeldFile, ...], tuple[Event, ...], str]


def _read_bag(store: Store, prefix: str, clock: Clock) -> _Read:
    try:
        return _parsed_bag(store, prefix, clock.now())
    except (StoreError, ValueError, KeyError, TypeError, AttributeError, ET.ParseError, RecursionError) as error:
        if isinstance(error, StoreError) and error.transient:
            raise
        finding = Finding(
            FindingCode.OBJECT_UNREADABLE,
            prefix,
            expected="a bag of ours",
            actual=str(error)[:300],
            store=store.name,
            next="archiver verify PATH-OF-THE-BAG",
        )
        return RebuiltBag(prefix, "", 0, (finding,)), None, (), (), ""


def _parsed_bag(store: Store, prefix: str, now: datetime) -> _Read:
    sizes = {facts.key.removeprefix(prefix): facts.size for facts in store.list(prefix)}
    tags = {
        path: small_object(store, prefix + path, limit=LARGEST_TAG_FILE)
        for path in sizes
        if not path.startswith(("data/", "metadata/source/"))
    }
    findings = [
        Finding(FindingCode.MANIFEST_ALTERED, prefix + path, str(digest), str(digest_of(tags[path], Algorithm.SHA512)))
        for path, digest in entries_of(tags[LAST_TAG_FILE], Algorithm.SHA512).items()
        if path in tags and digest_of(tags[path], Algorithm.SHA512) != digest
    ]
    info = dict(line.partition(": ")[::2] for line in split_lines(tags["bag-info.txt"].decode()))
    record: dict[str, Any] = json.loads(tags.get(AIP_RECORD, b"{}"))
    item = parse_item_id(info["External-Identifier"])
    version = int(info["Internal-Sender-Identifier"].rpartition(" ")[2])
    sha512 = entries_of(tags["manifest-sha512.txt"], Algorithm.SHA512)
    files = tuple(
        HeldFile(path, sizes.get(path, 0), sha256, sha512[path])
        for path, sha256 in sorted(entries_of(tags["manifest-sha256.txt"], Algorithm.SHA256).items())
    )
    findings += [
        Finding(FindingCode.OBJECT_MISSING, prefix + file.path, str(file.sha256), "nothing", store.name)
        for file in files
        if file.path not in sizes
    ]
    premis = ET.fromstring(tags["metadata/premis.xml"])  # noqa: S314 - our own file, proven by the tag manifest above
    past = tuple(_past(premis, item=str(item), version=version))
    bagged = datetime.fromisoformat(info["Bagging-Date"]).replace(tzinfo=UTC)
    status = CopyStatus.DAMAGED if findings else CopyStatus.GOOD
    held = Holding(
        item=item,
        version=version,
        prefix=prefix,
        title=str(record.get("title", "")) or premis.findtext(f".//{{{PREMIS}}}originalName") or "",
        licence=info.get(LICENCE_LABEL, ""),
        state=_state(record),
        updated=str(record.get("updated", "")),
        files=len(files),
        bytes=sum(file.size for file in files),
        tag_manifest=digest_of(tags[LAST_TAG_FILE], Algorithm.SHA512),
        ingested_at=max((event.at for event in past), default=bagged),
        preferences=recorded(tags[PREFERENCES]) if PREFERENCES in tags else (),
        sounds=sounds_in(tags.get(TECHNICAL, b"")),
        copies=(Copy(store.name, prefix.rstrip("/"), status, Grade.SIZE, now),),
    )
    decision = json.dumps(json.loads(tags["metadata/licence.json"]).get("decision", {}), sort_keys=True)
    return RebuiltBag(prefix, str(item), len(files), tuple(findings)), held, files, past, decision


def _state(record: Mapping[str, Any]) -> Digest:
    """Return the state that a bag stands for; a bag of an earlier layout does not say, so its item is looked at anew."""
    stated = record.get("state")
    return parse_digest(stated) if isinstance(stated, str) else digest_of(b"")


def _past(premis: ET.Element, *, item: str, version: int) -> Iterator[Event]:
    """Yield the events that a bag tells of itself."""
    for element in premis.iterfind(f"{{{PREMIS}}}event"):

        def text(path: str, element: ET.Element = element) -> str:
            return element.findtext("/".join(f"{{{PREMIS}}}{part}" for part in path.split("/"))) or ""

        where = text("linkingObjectIdentifier/linkingObjectIdentifierValue")
        yield Event(
            EventType(text("eventType")),
            datetime.fromisoformat(text("eventDateTime")),
            EventOutcome(text("eventOutcomeInformation/eventOutcome")),
            text("eventOutcomeInformation/eventOutcomeDetail/eventOutcomeDetailNote"),
            Agent(text("linkingAgentIdentifier/linkingAgentIdentifierValue")),
            parse_item_id(item),
            version=version,
            path=where if where.startswith("data/") else "",
        )
