"""Records of an audit in the machine output; their keys are promises (docs/machine-output.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.reports.records import finding, timestamp

if TYPE_CHECKING:
    from archiver.core.audits import AuditSummary, CheckedCopy, Repair
    from archiver.core.forecasts import StoreForecast


def checked_copy(one: CheckedCopy) -> dict[str, Any]:
    """Return how the check of one copy ended."""
    return {
        "checked": {
            "item": str(one.item),
            "version": one.version,
            "store": one.store,
            "key": one.key,
            "grade": one.grade.label,
            "outcome": one.outcome.value,
            "started_at": timestamp(one.started_at),
            "ended_at": timestamp(one.ended_at),
            "last_checked_at": timestamp(one.last_checked_at) if one.last_checked_at else None,
            "objects": one.objects,
            "bytes": one.bytes,
            "requests": one.requests,
            "decoded": one.decoded,
            "cost": round(one.cost, 6),
            "findings": len(one.findings),
            "unanswered": [{"where": where, "why": why} for where, why in one.unanswered],
        }
    }


def findings(one: CheckedCopy) -> list[dict[str, Any]]:
    """Return a record for each finding of a check."""
    records = [finding(found) for found in one.findings]
    for record in records:
        record["finding"] |= {"item": str(one.item), "version": one.version, "grade": one.grade.label}
    return records


def repair(one: Repair) -> dict[str, Any]:
    """Return what became of one damaged object."""
    return {
        "repair": {
            "item": str(one.item),
            "version": one.version,
            "store": one.store,
            "path": one.path,
            "outcome": one.outcome.value,
            "source": one.source,
            "digest": one.digest,
            "detail": one.detail,
            "at": timestamp(one.at),
        }
    }


def forecast(one: StoreForecast) -> dict[str, Any]:
    """Return what is due in one store and how long it takes."""
    return {
        "store": one.store,
        "copies": one.copies,
        "bytes": one.bytes,
        "interval_seconds": one.interval_seconds,
        "overdue": one.overdue,
        "overdue_bytes": one.overdue_bytes,
        "oldest_check": timestamp(one.oldest_check) if one.oldest_check else None,
        "checked": one.checked,
        "checked_bytes": one.checked_bytes,
        "seconds": round(one.seconds, 3),
        "backlog_seconds": None if one.backlog_seconds is None else round(one.backlog_seconds, 3),
        "bytes_per_day_needed": round(one.bytes_per_day_needed, 1),
    }


def summary(all_: AuditSummary) -> dict[str, Any]:
    """Return what a run of the audit did."""
    return {
        "copies": all_.copies,
        "good": all_.good,
        "damaged": all_.damaged,
        "unanswered": all_.unanswered,
        "findings": sum(number for _, number in all_.findings),
        "by_code": {code.value: number for code, number in all_.findings},
        "objects": all_.objects,
        "bytes": all_.bytes,
        "requests": all_.requests,
        "seconds": round(all_.seconds, 3),
        "cost": round(all_.cost, 6),
        "left": all_.left,
        "budget_ended": all_.budget_ended,
        "undetected_share_below": all_.confidence,
        "sampled_from": all_.sampled_from,
        "stores": [forecast(one) for one in all_.forecasts],
    }
