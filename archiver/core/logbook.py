"""The audit log as values: segments of events, each sealed by a signed head (docs/tamper-evidence.md has every byte)."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.fixity import parse_digest
from archiver.core.items import parse_item_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archiver.core.events import Event

LOG = "archive/log/"
"""Below this prefix each store keeps its copy of the log."""

SEGMENT_EVENTS = 10_000
"""Events in one segment at most: a few megabytes, so that a segment fits into memory."""

_HEAD_NAME = re.compile(r"head-(\d{12})\.json")
_LONGEST_NUMBER = 10**12


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event as the catalogue keeps it.

    Attributes:
        event: What happened.
        chain: SHA-256 over the event and the chain before it, in lower-case hexadecimal.
        is_chained: Whether ``chain`` is what the event and the chain before it give.
    """

    event: Event
    chain: str
    is_chained: bool = True


@dataclass(frozen=True, slots=True)
class SealedBag:
    """One bag as the log names it.

    Attributes:
        item: The item's identifier, as ``source/name``.
        version: Of the AIP.
        prefix: The bag's place in every store, ending in ``/``.
        tag_manifest: The digest of its ``tagmanifest-sha512.txt``, as ``algorithm:hexadecimal``.
    """

    item: str
    version: int
    prefix: str
    tag_manifest: str


@dataclass(frozen=True, slots=True)
class Head:
    """What is signed: the end of the log when a segment was added.

    Attributes:
        segment: The segment's number, from 1.
        digest: SHA-256 of the segment's bytes, in lower-case hexadecimal.
        previous: ``digest`` of the segment before, or empty for the first.
        events: Events in the whole log.
        chain: The catalogue's chain after the last of them.
        at: When, ISO 8601 in UTC.
        public_key: Who can be asked whether the signature is right, as ``ed25519:hexadecimal``.
    """

    segment: int
    digest: str
    previous: str
    events: int
    chain: str
    at: str
    public_key: str

    def statement(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical({name: getattr(self, name) for name in _HEAD_FIELDS})


_HEAD_FIELDS = ("segment", "digest", "previous", "events", "chain", "at", "public_key")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head with its proof.

    Attributes:
        head: What is signed.
        signature: Ed25519 over `Head.statement`, in lower-case hexadecimal.
        timestamp: An RFC 3161 answer over the same bytes in base64, or empty.
    """

    head: Head
    signature: str
    timestamp: str = ""

    def record(self) -> bytes:
        """Return the bytes that are stored."""
        fields = {name: getattr(self.head, name) for name in _HEAD_FIELDS}
        return canonical({"head": fields, "signature": self.signature, "timestamp": self.timestamp}) + b"\n"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the log.

    Attributes:
        number: From 1.
        previous: SHA-256 of the segment before, or empty for the first.
        first: Position in the log of its first event, from 1.
        events: Each as `statement` has it, with its ``chain``.
        bags: The bags that its events brought in.
    """

    number: int
    previous: str
    first: int
    events: tuple[Mapping[str, Any], ...]
    bags: tuple[SealedBag, ...]

    def lines(self) -> bytes:
        """Return the segment as JSON Lines."""
        opening = {"kind": "segment", "number": self.number, "previous": self.previous, "first": self.first}
        events = ({"kind": "event", **event} for event in self.events)
        bags = (
            {
                "kind": "bag",
                "item": bag.item,
                "version": bag.version,
                "prefix": bag.prefix,
                "tag_manifest": bag.tag_manifest,
            }
            for bag in self.bags
        )
        closing = {"kind": "end", "events": len(self.events), "bags": len(self.bags)}
        return b"".join(canonical(line) + b"\n" for line in (opening, *events, *bags, closing))


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return one spelling of a JSON object: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sha256(content: bytes) -> str:
    """Return SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def segment_key(number: int) -> str:
    """Return the place of a segment in every store."""
    return f"{LOG}segment-{number:012}.jsonl"


def head_key(number: int) -> str:
    """Return the place of a segment's head in every store."""
    return f"{LOG}head-{number:012}.json"


def recognise_head_key(key: str) -> int | None:
    """Return the number of the segment whose head lies under the key, or None."""
    found = _HEAD_NAME.fullmatch(key.removeprefix(LOG))
    return int(found[1]) if found else None


def statement(one: ChainedEvent) -> dict[str, Any]:
    """Return an event as the log spells it."""
    event = one.event
    return {
        "type": event.type.value,
        "at": event.at.isoformat(),
        "outcome": event.outcome.value,
        "detail": event.detail,
        "agent": event.agent.name,
        "agent_kind": event.agent.kind,
        "item": str(event.item),
        "version": event.version,
        "store": event.store,
        "path": event.path,
        "chain": one.chain,
    }


def parse_head(content: bytes) -> SignedHead:
    """Read a stored head.

    Raises:
        ValueError: It is none.
    """
    try:
        record = json.loads(content)
        fields = {name: record["head"][name] for name in _HEAD_FIELDS}
        signed = SignedHead(Head(**fields), str(record["signature"]), str(record.get("timestamp", "")))
        numbers = (signed.head.segment, signed.head.events)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a head of the log: {str(error)[:100]}") from error
    if not all(type(number) is int and 0 < number < _LONGEST_NUMBER for number in numbers):
        raise ValueError("not a head of the log: a number is none")
    if not all(isinstance(fields[name], str) for name in ("digest", "previous", "chain", "at", "public_key")):
        raise ValueError("not a head of the log: a text is none")
    return signed


def parse_segment(content: bytes) -> Segment:
    """Read a stored segment.

    Raises:
        ValueError: It is none, or it is cut off.
    """
    try:
        opening, *middle, closing = [json.loads(line) for line in content.splitlines()]
        events = tuple(
            {key: value for key, value in line.items() if key != "kind"} for line in middle if line["kind"] == "event"
        )
        bags = tuple(_parse_bag(line) for line in middle if line["kind"] == "bag")
        if (opening["kind"], closing["kind"]) != ("segment", "end"):
            raise ValueError("it does not begin or end as a segment does")
        if (closing["events"], closing["bags"], len(middle)) != (len(events), len(bags), len(events) + len(bags)):
            raise ValueError("it does not hold what its last line counts")
        return Segment(int(opening["number"]), str(opening["previous"]), int(opening["first"]), events, bags)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a segment of the log: {str(error)[:100]}") from error


def _parse_bag(line: Mapping[str, Any]) -> SealedBag:
    tag_manifest = str(parse_digest(str(line["tag_manifest"])))
    item = str(parse_item_id(str(line["item"])))
    return SealedBag(item, int(line["version"]), str(line["prefix"]), tag_manifest)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the catalogue's events part from the log's.

    Attributes:
        kind: ``deleted``, ``inserted``, ``altered`` or ``reordered``.
        position: In the log, from 1.
        logged: The event in the log, or None for an inserted one.
        found: The event in the catalogue, or None for a deleted one.
    """

    kind: str
    position: int
    logged: Mapping[str, Any] | None
    found: Mapping[str, Any] | None


def differences(
    logged: Sequence[Mapping[str, Any]], found: Iterable[Mapping[str, Any]], *, first: int
) -> tuple[list[Difference], list[Mapping[str, Any]]]:
    """Compare a stretch of the log with the events from the same place in the catalogue.

    Chains are left out: one change would alter every later one, and only what was changed is to be named.

    Args:
        logged: The log's events.
        found: The catalogue's, at least as many where there are so many.
        first: Position of the first logged one.

    Returns:
        What differs, and the events of the catalogue that are left for the next stretch.
    """
    comparison = _Comparison(list(found), [_spelled(event) for event in logged])
    for offset, event in enumerate(logged):
        comparison.take(first + offset, event, _spelled(event))
    comparison.skip_moved()
    return comparison.parted, comparison.found[comparison.place :]


class _Comparison:
    """Walks both sides once; what is still to come on each is counted, so that no step looks further."""

    def __init__(self, found: list[Mapping[str, Any]], logged: list[bytes]) -> None:
        self.found = found
        self.spelled = [_spelled(event) for event in found]
        self.place = 0
        self.ahead = Counter(self.spelled)
        self.later = Counter(logged)
        self.moved: Counter[bytes] = Counter()
        self.parted: list[Difference] = []

    def take(self, position: int, event: Mapping[str, Any], text: bytes) -> None:
        """Compare one logged event with what comes next in the catalogue."""
        self.later[text] -= 1
        self.skip_moved()
        here = self.spelled[self.place] if self.place < len(self.spelled) else None
        if here == text:
            self.step()
            return
        is_elsewhere = self.ahead[text] > 0
        is_expected = here is not None and self.later[here] > 0
        if is_elsewhere and is_expected:
            self.moved[text] += 1
            self.ahead[text] -= 1
            self.parted.append(Difference("reordered", position, event, self.found[self.place]))
        elif is_elsewhere:
            while self.spelled[self.place] != text:
                if self.moved[self.spelled[self.place]] > 0:
                    self.skip_moved()
                    continue
                self.parted.append(Difference("inserted", position, None, self.found[self.place]))
                self.step()
            self.step()
        elif is_expected or here is None:
            self.parted.append(Difference("deleted", position, event, None))
        else:
            self.parted.append(Difference("altered", position, event, self.found[self.place]))
            self.step()

    def skip_moved(self) -> None:
        """Pass over events that an earlier position of the log has already claimed."""
        while self.place < len(self.spelled) and self.moved[self.spelled[self.place]] > 0:
            self.moved[self.spelled[self.place]] -= 1
            self.place += 1

    def step(self) -> None:
        """Go on to the catalogue's next event."""
        self.ahead[self.spelled[self.place]] -= 1
        self.place += 1


def _spelled(event: Mapping[str, Any]) -> bytes:
    return canonical({key: value for key, value in event.items() if key != "chain"})
