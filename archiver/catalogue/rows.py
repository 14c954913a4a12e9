"""Values to rows and back."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from archiver.core.crawls import recognise_crawl
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.examinations import Verdict
from archiver.core.fixity import Algorithm, Digest, Grade, parse_digest
from archiver.core.holdings import Copy, CopyStatus, HeldFile, Holding
from archiver.core.items import ItemId
from archiver.core.outcomes import Outcome
from archiver.core.sounds import Sound
from archiver.core.totals import Run

if TYPE_CHECKING:
    import sqlalchemy as sa


def text(value: str) -> str:
    """Return a text that every database takes: NUL and lone surrogates become U+FFFD."""
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")


def named(item: ItemId) -> dict[str, str]:
    """Return what `schema.IS_NAMED` asks for."""
    return {"source": text(item.source), "name": text(item.name)}


def searchable(value: str) -> str:
    """Return a text without regard to case, for searching."""
    return text(value).casefold()


def aip_values(holding: Holding, decision: str) -> dict[str, Any]:
    """Return the columns of an AIP but its keys."""
    return {
        "prefix": text(holding.prefix),
        "title": text(holding.title),
        "licence": text(holding.licence),
        "searchable": searchable(f"{holding.item}\n{holding.title}\n{holding.licence}"),
        "state": str(holding.state),
        "updated": text(holding.updated),
        "files": holding.files,
        "bytes": holding.bytes,
        "tag_manifest": str(holding.tag_manifest),
        "ingested_at": holding.ingested_at,
        "decision": text(decision),
    }


def copy_values(aip_id: int, copy: Copy, bytes_: int) -> dict[str, Any]:
    """Return the columns of a copy of an AIP of so many bytes."""
    return {
        "aip_id": aip_id,
        "store": text(copy.store),
        "key": text(copy.key),
        "status": copy.status.value,
        "grade": int(copy.grade),
        "checked_at": copy.checked_at,
        "written_at": copy.checked_at,
        "looked_at": copy.checked_at,
        "looked_grade": int(copy.grade),
        "attempted_at": copy.checked_at,
        "audits": 0,
        "bytes": bytes_,
    }


def file_values(aip_id: int, file: HeldFile) -> dict[str, Any]:
    """Return the columns of a payload file."""
    return {
        "aip_id": aip_id,
        "path": text(file.path),
        "size": file.size,
        "sha256": bytes.fromhex(file.sha256.value),
        "sha512": bytes.fromhex(file.sha512.value),
    }


def preference_values(aip_id: int, category: str, value: str) -> dict[str, Any]:
    """Return the columns of a combined preference."""
    return {"aip_id": aip_id, "category": text(category)[:200], "value": value}


def sound_values(aip_id: int, sound: Sound) -> dict[str, Any]:
    """Return the columns of a recording."""
    return {
        "aip_id": aip_id,
        "path": text(sound.path),
        "verdict": sound.verdict.value,
        "codes": json.dumps(sound.codes),
        "codec": text(sound.codec)[:100],
        "seconds": sound.seconds,
        "sample_rate": sound.sample_rate,
        "channels": sound.channels,
        "packets_sha256": _bytes(sound.packets_sha256),
        "pcm_md5": _bytes(sound.pcm_md5),
        "fingerprint": _bytes(sound.fingerprint),
    }


def _bytes(digest: str) -> bytes | None:
    """Return a digest as bytes; one that is none comes from a bag that somebody wrote by hand."""
    try:
        return bytes.fromhex(digest) or None
    except ValueError:
        return None


def sound(row: sa.Row[Any]) -> Sound:
    """Return a recording."""
    digests = (row.packets_sha256, row.pcm_md5, row.fingerprint)
    return Sound(
        row.path,
        Verdict(row.verdict),
        tuple(json.loads(row.codes)),
        *(row.codec, row.seconds, row.sample_rate, row.channels),
        *(bytes(digest).hex() if digest is not None else "" for digest in digests),
    )


def event_values(item_id: int, event: Event) -> dict[str, Any]:
    """Return the columns of an event but its chain."""
    return {
        "item_id": item_id,
        "type": event.type.value,
        "at": event.at.astimezone(UTC),
        "outcome": event.outcome.value,
        "detail": text(event.detail),
        "agent": text(event.agent.name),
        "agent_kind": event.agent.kind,
        "version": event.version,
        "store": text(event.store),
        "path": text(event.path),
    }


def chained(previous: bytes, item: ItemId, values: dict[str, Any]) -> bytes:
    """Return the SHA-256 over an event and the chain before it; whoever changes an old event breaks every later one.

    Everything is taken as the database gives it back, so that the chain can be computed again from the table alone.
    """
    statement = {**values, "item_id": text(str(item)), "at": values["at"].isoformat()}
    return hashlib.sha256(previous + json.dumps(statement, sort_keys=True).encode()).digest()


def holding(row: sa.Row[Any], copies: tuple[Copy, ...]) -> Holding:
    """Return a holding of a row of item and AIP, and its copies."""
    return Holding(
        item=ItemId(row.source, row.name),
        version=row.version,
        prefix=row.prefix,
        title=row.title,
        licence=row.licence,
        state=parse_digest(row.state),
        updated=row.updated,
        files=row.files,
        bytes=row.bytes,
        tag_manifest=parse_digest(row.tag_manifest),
        ingested_at=row.ingested_at,
        copies=copies,
    )


def copy(row: sa.Row[Any]) -> Copy:
    """Return a copy of its row."""
    return Copy(row.store, row.key, CopyStatus(row.status), Grade(row.grade), row.checked_at)


def held_file(row: sa.Row[Any]) -> HeldFile:
    """Return a payload file of its row."""
    sha256, sha512 = Digest(Algorithm.SHA256, row.sha256.hex()), Digest(Algorithm.SHA512, row.sha512.hex())
    return HeldFile(row.path, row.size, sha256, sha512)


def event(row: sa.Row[Any], item: ItemId) -> Event:
    """Return an event of its row."""
    return Event(
        EventType(row.type),
        row.at,
        EventOutcome(row.outcome),
        row.detail,
        Agent(row.agent, row.agent_kind),
        item,
        version=row.version,
        store=row.store,
        path=row.path,
    )


def run(row: sa.Row[Any]) -> Run:
    """Return a run of its row."""
    counts = json.loads(row.counts)
    return Run(
        id=row.id,
        selection=row.selection,
        selection_digest=row.selection_digest,
        started_at=row.started_at,
        ended_at=row.ended_at,
        complete=row.is_complete,
        counts=tuple((outcome, counts[outcome.value]) for outcome in Outcome if outcome.value in counts),
        crawl=recognise_crawl(json.loads(row.crawl)) if row.crawl else None,
    )
