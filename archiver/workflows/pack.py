"""Pack: make the tag files of a bag from values. Payload stays where it is; nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archiver.core.attribution import PATH as ATTRIBUTION
from archiver.core.attribution import Attribution, Credit, attribution_record, format_attribution
from archiver.core.bags.bag_info import BagInfo
from archiver.core.bags.layout import aip_prefix, lay_out
from archiver.core.bags.paths import parse_payload_path, parse_tag_path
from archiver.core.embedded import EmbeddedTags, notices
from archiver.core.errors import DigestMismatchError, SizeMismatchError, SourceError
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.examinations import Verdict
from archiver.core.fixity import Algorithm, Digest
from archiver.core.licences.fields import is_embedded
from archiver.core.packages import Aip, PayloadFile
from archiver.core.preferences import PATH as PREFERENCES
from archiver.core.preferences import preferences_record
from archiver.core.premis import Rights, format_premis
from archiver.core.records import format_record
from archiver.core.technical import PATH as TECHNICAL
from archiver.core.technical import technical_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.core.examinations import Examination
    from archiver.core.items import SourceItem
    from archiver.core.objects import StagedFile
    from archiver.core.packages import CapturedFile, Sip
    from archiver.core.sealed import SealedAip, SealedFile
    from archiver.ports.clock import Clock
    from archiver.ports.staging import Staging


@dataclass(frozen=True, slots=True)
class Imprint:
    """What every bag says of who made it.

    Attributes:
        agent: The program and its version.
        organisation: Source-Organization of every bag.
        contact: As in the settings, or empty.
        profile_identifier: The profile that every bag satisfies.
    """

    agent: Agent
    organisation: str
    contact: str
    profile_identifier: str


def pack(sip: Sip, *, version: int, state: Digest, imprint: Imprint, clock: Clock) -> Aip:
    """Make a complete AIP of a SIP: everything a reader needs without any software of ours.

    The same SIP, version and time of packing give the same bytes.

    Args:
        sip: Every chosen file captured.
        version: Counted from 1.
        state: Digest of the source state.
        imprint: Who made the bag.
        clock: For the bagging date.
    """
    item, decision = sip.admitted.item, sip.admitted.decision
    now = clock.now()
    prefix = aip_prefix(item.id.source, item.id.name, version)
    payload = tuple(PayloadFile(file.path, file.staged, file.sha512) for file in sip.files)
    info = BagInfo(
        organisation=imprint.organisation,
        contact=imprint.contact,
        identifier=str(item.id),
        description=_description(item),
        bagging_date=now.date(),
        payload_bytes=sum(file.staged.size for file in payload),
        payload_files=len(payload),
        software_agent=imprint.agent.name,
        licence_url=decision.licence,
        profile_identifier=imprint.profile_identifier,
        version=version,
    )
    attribution = _attribution(sip)
    metadata = {
        "ATTRIBUTION.txt": format_attribution(attribution.whole, attribution.files),
        ATTRIBUTION: attribution_record(attribution),
        "metadata/aip.json": _aip_record(item, version, state),
        "metadata/licence.json": _licence_record(sip, now),
        "metadata/premis.xml": _premis(sip, version, imprint, now),
        TECHNICAL: technical_record(sip.files, sip.examined),
        **({PREFERENCES: preferences_record(sip.stated)} if sip.stated else {}),
        **{f"metadata/source/{parse_tag_path(answer.name)}": answer.content for answer in item.answers},
    }
    return Aip(
        item=item.id,
        version=version,
        prefix=prefix,
        payload=payload,
        tag_files=lay_out(payload, info=info, metadata=metadata),
        licence_url=decision.licence,
        title=item.title,
        state=state,
    )


def _aip_record(item: SourceItem, version: int, state: Digest) -> bytes:
    """What the catalogue knows of the bag and no other tag file says, so that it can be made again from bags alone."""
    record = {
        "item": str(item.id),
        "version": version,
        "title": item.title,
        "state": str(state),
        "updated": item.updated,
    }
    return format_record(record, is_ascii=True)


def _description(item: SourceItem) -> str:
    by = f" by {', '.join(item.creators)}" if item.creators else ""
    return f"{item.title or item.id.name}{by}"


def _attribution(sip: Sip) -> Attribution:
    item, decision = sip.admitted.item, sip.admitted.decision

    def credit(title: str, path: str, retrieved_on: str, notices: tuple[str, ...]) -> Credit:
        return Credit(
            path=path,
            title=title,
            creators=item.creators,
            source_url=item.url,
            licence_name=decision.licence_name,
            licence_url=decision.licence,
            is_licence=decision.is_licence,
            retrieved_on=retrieved_on,
            notices=notices,
        )

    dates = [file.captured_at.date().isoformat() for file in sip.files]
    tags = sip.tags or (EmbeddedTags(),) * len(sip.files)
    files = tuple(
        credit(_facts(file).get("title") or str(file.path).rpartition("/")[2], f"data/{file.path}", date, notices(own))
        for file, date, own in zip(sip.files, dates, (one.declarations for one in tags), strict=True)
    )
    return Attribution(
        str(item.id), credit(item.title or item.id.name, "", max(dates), notices(item.declarations)), files
    )


def _facts(file: CapturedFile) -> dict[str, str]:
    return dict(file.declared.facts)


def _licence_record(sip: Sip, now: datetime) -> bytes:
    """The decision with its evidence, and the source's answers it rests on, each with the digest it was received with."""
    item = sip.admitted.item
    record = {
        "item": str(item.id),
        "decided_at": now.isoformat(timespec="seconds"),
        "decision": _placed(sip),
        "review": _review(sip),
        "unread_tags": [
            {"file": f"data/{file.path}", "note": note}
            for file, tags in zip(sip.files, sip.tags, strict=False)
            for note in tags.notes
        ],
        "answers": [
            {
                "file": f"metadata/source/{answer.name}",
                "url": answer.url,
                "retrieved_at": answer.retrieved_at.isoformat(timespec="seconds"),
                "received": str(answer.received),
                "redacted": list(answer.redacted),
            }
            for answer in item.answers
        ],
    }
    return format_record(record)


def _placed(sip: Sip) -> dict[str, Any]:
    """Return the decision, each declaration with the place and the time at which it was read."""
    record = sip.admitted.decision.to_json()
    answer = sip.admitted.item.answers[0] if sip.admitted.item.answers else None
    files = {file.declared.name: file for file in sip.files}
    for evidence in record["evidence"]:
        file = files.get(evidence["subject"])
        if file is not None and is_embedded(evidence["field"]):
            place, at = f"data/{file.path}", file.captured_at
        elif answer is not None:
            place, at = answer.url, answer.retrieved_at
        else:
            continue
        evidence["retrieved_from"] = place
        evidence["retrieved_at"] = at.isoformat(timespec="seconds")
    return record


def _review(sip: Sip) -> dict[str, Any] | None:
    """Who let the item in against the gate's doubts, and why, in their own words."""
    case = sip.admitted.review
    if case is None:
        return None
    return {
        "quarantined_for": list(case.reasons),
        "quarantined_at": case.opened_at.isoformat(timespec="seconds"),
        "declarations_sha256": case.whole_set or case.item_set,
        "verdicts": [verdict.to_json() for verdict in case.verdicts],
    }


def _premis(sip: Sip, version: int, imprint: Imprint, now: datetime) -> bytes:
    item, decision = sip.admitted.item, sip.admitted.decision
    organisation = Agent(imprint.organisation, "organization")
    return format_premis(
        identifier=f"{item.id}/v{version}",
        title=item.title,
        files=sip.files,
        examined=sip.examined,
        events=_events(sip, version, imprint, now),
        agents=(
            imprint.agent,
            *((organisation,) if imprint.organisation else ()),
            *(Agent(name, "person") for name in _reviewers(sip)),
            *dict.fromkeys(Agent(tool.agent) for found in sip.examined.values() for tool in found.tools),
        ),
        rights=Rights(decision.licence, decision.is_licence, now.date().isoformat()),
    )


def _reviewers(sip: Sip) -> tuple[str, ...]:
    case = sip.admitted.review
    return tuple(dict.fromkeys(verdict.reviewer for verdict in case.verdicts)) if case else ()


def _events(sip: Sip, version: int, imprint: Imprint, now: datetime) -> list[Event]:
    item = sip.admitted.item.id

    def event(type_: EventType, at: datetime, detail: str, path: str = "") -> Event:
        return Event(type_, at, EventOutcome.SUCCESS, detail, imprint.agent, item, version=version, path=path)

    checked = sip.admitted.item.checked
    events = [event(EventType.VALIDATION, now, checked)] if checked else []
    events += [event(EventType.APPRAISAL, now, f"admitted under {sip.admitted.decision.licence}")]
    for verdict in sip.admitted.review.verdicts if sip.admitted.review else ():
        agent = Agent(verdict.reviewer, "person")
        detail = f"accepted under {verdict.licence}: {verdict.reason}"
        events.append(
            Event(EventType.APPRAISAL, verdict.at, EventOutcome.SUCCESS, detail, agent, item, version=version)
        )
    for file in sip.files:
        path = f"data/{file.path}"
        origin = f"the source's {file.verified_by}" if file.verified_by else "nothing: digest_origin first-fetch"
        type_, what = EventType.CAPTURE, f"{file.staged.size} bytes, compared with {origin}"
        if file.recalled:
            held = f"version {file.recalled.version} in store {file.recalled.store}, {file.recalled.path}"
            type_, what = EventType.REPLICATION, f"{what}; taken from {held}, not asked of the source again"
        events += [
            event(type_, file.captured_at, what, path),
            event(EventType.MESSAGE_DIGEST_CALCULATION, file.captured_at, "SHA-256 and SHA-512, while capturing", path),
        ]
        if str(file.path) in sip.examined:
            events += _validations(sip.examined[str(file.path)], event(EventType.VALIDATION, now, "", path), imprint)
    return events


def _validations(found: Examination, about: Event, imprint: Imprint) -> Iterator[Event]:
    """Yield what each tool made of a file, and last what all of it comes to."""
    for tool in found.tools:
        kind = EventType.FORMAT_IDENTIFICATION if tool.identifies else EventType.VALIDATION
        outcome = EventOutcome.SUCCESS if tool.is_content else EventOutcome.WARNING
        yield replace(about, type=kind, outcome=outcome, detail=tool.outcome, agent=Agent(tool.agent))
    remarks = "; ".join(f"{remark.code}: {remark.detail}" for remark in found.remarks)
    yield replace(
        about,
        type=EventType.VALIDATION,
        outcome=_OUTCOMES[found.verdict],
        detail=f"{found.verdict}{': ' if remarks else ''}{remarks}",
        agent=imprint.agent,
    )


_OUTCOMES = {
    Verdict.VALID: EventOutcome.SUCCESS,
    Verdict.WARNING: EventOutcome.WARNING,
    Verdict.DAMAGED: EventOutcome.FAILURE,
    Verdict.UNDECODABLE: EventOutcome.FAILURE,
}


def retrieve(sealed: SealedAip, *, staging: Staging) -> Aip:
    """Make the AIP again from its record in staging, reading every payload byte there to prove that it is unchanged.

    Raises:
        CaptureError: Staging holds other bytes than were sealed.
        SourceError: The record itself cannot be true.
    """
    try:
        tag_files = tuple((parse_tag_path(path), content) for path, content in sealed.tag_files)
        paths = [parse_payload_path(file.path) for file in sealed.payload]
    except SourceError as error:
        raise DigestMismatchError(
            "the record in staging is damaged", where=str(sealed.item), expected="safe paths", actual=error.message
        ) from error
    payload = tuple(
        PayloadFile(path, _proven(sealed, file, staging), file.sha512)
        for path, file in zip(paths, sealed.payload, strict=True)
    )
    return Aip(
        item=sealed.item,
        version=sealed.version,
        prefix=sealed.prefix,
        payload=payload,
        tag_files=tag_files,
        licence_url=sealed.licence_url,
        title=sealed.title,
        state=sealed.state,
    )


def _proven(sealed: SealedAip, file: SealedFile, staging: Staging) -> StagedFile:
    where = f"{sealed.item}: {file.name} in staging"
    algorithms = (Algorithm.SHA256, Algorithm.SHA512)
    with staging.receive(sealed.item, file.name, state=sealed.state, algorithms=algorithms) as incoming:
        if incoming.offset != file.size:
            raise SizeMismatchError(
                "staging is damaged", where=where, expected=f"{file.size} bytes", actual=str(incoming.offset)
            )
        for expected, actual in zip((file.sha256, file.sha512), incoming.digests(), strict=True):
            if actual != expected:
                raise DigestMismatchError("staging is damaged", where=where, expected=str(expected), actual=str(actual))
        return incoming.commit()
