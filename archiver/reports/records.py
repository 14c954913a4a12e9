"""Records of the machine output. Their keys are promises (docs/machine-output.md)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archiver.core.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.bags.completing import Fetched
    from archiver.core.coverage import Shortfall
    from archiver.core.crawls import Crawl
    from archiver.core.events import Event
    from archiver.core.findings import BagVerdict, Finding
    from archiver.core.forecasts import StoreForecast
    from archiver.core.holdings import Copy, HeldFile, Holding
    from archiver.core.outcomes import ItemOutcome
    from archiver.core.runs import LastRun
    from archiver.core.totals import Totals
    from archiver.core.versions import Difference


def item_outcome(outcome: ItemOutcome) -> dict[str, Any]:
    """Return how an item of a harvest ended."""
    return {
        "item": str(outcome.item),
        "outcome": outcome.outcome.value,
        "reasons": list(outcome.reasons),
        "aip": outcome.aip,
        "files": outcome.files,
        "bytes": outcome.bytes,
        "recalled": outcome.recalled,
        **({"audio": dict(outcome.audio)} if outcome.audio else {}),
        "licence": outcome.licence,
        "detail": outcome.detail,
    }


def harvest_summary(counts: Mapping[Outcome, int], whole: Crawl, *, bytes_: int, seconds: float) -> dict[str, Any]:
    """Return the last line of a harvest."""
    numbers = {outcome.value: counts.get(outcome, 0) for outcome in Outcome}
    return {"summary": {**whole.to_json(), **numbers, "bytes": bytes_, "seconds": round(seconds, 3)}}


def crawl(name: str, one: Crawl) -> dict[str, Any]:
    """Return the table of one selection's crawl."""
    return {"crawl": {"selection": name, **one.to_json()}}


def holding(held: Holding) -> dict[str, Any]:
    """Return what is held of an item."""
    return {
        "item": str(held.item),
        "aip": held.prefix.rstrip("/"),
        "version": held.version,
        "title": held.title,
        "licence": held.licence,
        "files": held.files,
        "bytes": held.bytes,
        "ingested_at": timestamp(held.ingested_at),
        "tag_manifest": str(held.tag_manifest),
        "copies": [copy(one) for one in held.copies],
    }


def copy(one: Copy) -> dict[str, Any]:
    """Return one copy of an AIP."""
    return {
        "store": one.store,
        "key": one.key,
        "status": one.status.value,
        "checked_at": timestamp(one.checked_at),
        "grade": one.grade.label,
    }


def difference(one: Difference) -> dict[str, Any]:
    """Return what a version changed over the one before."""
    return {
        "difference": {
            "item": one.item,
            "from": one.before,
            "to": one.after,
            "added": list(one.added),
            "removed": list(one.removed),
            "changed": list(one.changed),
            "moved": [list(pair) for pair in one.moved],
            "unchanged": one.unchanged,
            "licence": [one.licence.before, one.licence.after] if one.licence else None,
            "metadata": [asdict(change) for change in one.metadata],
            "tag_files": list(one.tag_files),
            "unread": one.unread,
        }
    }


def held_file(file: HeldFile) -> dict[str, Any]:
    """Return one payload file."""
    return {"path": file.path, "bytes": file.size, "sha256": file.sha256.value, "sha512": file.sha512.value}


def event(one: Event) -> dict[str, Any]:
    """Return one event."""
    return {
        "type": one.type.value,
        "at": timestamp(one.at),
        "outcome": one.outcome.value,
        "detail": one.detail,
        "agent": one.agent.name,
        "version": one.version,
        "store": one.store,
        "path": one.path,
    }


def finding(found: Finding) -> dict[str, Any]:
    """Return one finding."""
    return {
        "finding": {
            "code": found.code.value,
            "where": found.where,
            "store": found.store,
            "expected": found.expected,
            "actual": found.actual,
            "clause": found.clause,
            "next": found.next,
        }
    }


def bag_verdict(path: str, verdict: BagVerdict) -> dict[str, Any]:
    """Return whether a bag is complete and valid."""
    return {"bag": path, "valid": verdict.is_valid, "complete": verdict.is_complete}


def fetched(one: Fetched) -> dict[str, Any]:
    """Return what became of a file that a bag lacked."""
    return {
        "fetched": {
            "path": one.path,
            "url": one.url,
            "bytes": one.bytes,
            "outcome": "failed" if one.reason else "fetched",
            "reason": one.reason,
            "detail": one.detail,
        }
    }


def totals(all_: Totals) -> dict[str, Any]:
    """Return what the archive holds."""
    return {
        "items": all_.items,
        "versions": all_.versions,
        "files": all_.files,
        "bytes": all_.bytes,
        "quarantined": all_.undecided,
        "failed": all_.failed,
        "refused": all_.refused,
        "stores": [
            {
                "store": store.store,
                "copies": store.copies,
                "good": store.good,
                "bytes": store.bytes,
                "oldest_check": timestamp(store.oldest_check) if store.oldest_check else None,
            }
            for store in all_.stores
        ],
        "last_runs": [
            {
                "run": run.id,
                "selection": run.selection,
                "started_at": timestamp(run.started_at),
                "ended_at": timestamp(run.ended_at) if run.ended_at else None,
                "complete": run.complete,
                **{outcome.value: number for outcome, number in run.counts},
            }
            for run in all_.last_runs
        ],
    }


def shortfall(one: Shortfall) -> dict[str, Any]:
    """Return how versions fall short of what the settings ask for."""
    return {
        "versions": one.number,
        "lacks": [
            {"what": lack.what, "wanted": lack.wanted, "actual": lack.actual, "has": list(lack.has)}
            for lack in one.lacks
        ],
        "good_in": sorted(one.spread.good),
        "not_good_in": sorted(one.spread.bad),
        "next": one.next,
        "items": [{"item": str(item), "version": version} for item, version in one.versions],
    }


def watched(backlogs: Iterable[StoreForecast], runs: Mapping[str, LastRun]) -> dict[str, Any]:
    """Return what is overdue, and how the last run of each command went."""
    return {
        "overdue": {one.store: one.overdue for one in backlogs},
        "commands": [
            {
                "command": run.command,
                "started_at": moment(run.started_at),
                "ended_at": moment(run.ended_at),
                "status": run.status,
                "succeeded_at": moment(run.succeeded_at),
            }
            for run in runs.values()
        ],
    }


def moment(seconds: float) -> str | None:
    """Return seconds since 1970 as a time, or None for 0."""
    try:
        return timestamp(datetime.fromtimestamp(seconds, UTC)) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None


def timestamp(at: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    return at.isoformat(timespec="seconds")
