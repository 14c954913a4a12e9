"""The report of an audit as one JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archiver.reports import audit_records
from archiver.reports.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.audits import AuditReport

FORMAT = "archiver audit report 1"


def audit_json(report: AuditReport) -> Iterator[str]:
    """Yield the document in pieces, so that 100,000 copies do not become one text in memory."""
    head = {
        "format": FORMAT,
        "organisation": report.organisation,
        "agent": report.agent.name,
        "started_at": timestamp(report.started_at),
        "ended_at": timestamp(report.ended_at),
        "plan": audit_records.plan(report),
        "summary": audit_records.summary(report.summary),
    }
    yield json.dumps(head, indent=1)[:-2]
    checked = (
        {**audit_records.checked_copy(one)["checked"], "found": [f["finding"] for f in audit_records.findings(one)]}
        for one in report.checked
    )
    repairs = (audit_records.repair(one)["repair"] for one in report.repairs)
    for name, records in (("checked", checked), ("repairs", repairs)):
        yield f',\n "{name}": ['
        lead = "\n  "
        for record in records:
            yield lead + json.dumps(record)
            lead = ",\n  "
        yield "\n ]"
    yield "\n}\n"
