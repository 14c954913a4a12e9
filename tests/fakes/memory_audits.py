"""The ledger of audits in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from archiver.core.audits import CheckOutcome, DueCopy
from archiver.core.fixity import Grade
from archiver.core.forecasts import StoreForecast
from archiver.core.holdings import CopyStatus
from tests.fakes.memory_catalogue import MemoryCatalogue

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class MemoryAudits(MemoryCatalogue):
    """See `archiver.ports.audits.AuditLedger`. Remembers every check in ``results``."""

    def __init__(self, fails=None):
        super().__init__(fails)
        self.looks = {}
        self.audits = {}
        self.written = {}
        self.results = []

    def ingested(self, holding, files, events, *, decision):
        super().ingested(holding, files, events, decision=decision)
        for copy in holding.copies:
            self.written.setdefault((holding.item, holding.version, copy.store), copy.checked_at)

    def _all(self):
        for number, (_, held) in enumerate(sorted(self.aips.items()), 1):
            for copy in held.copies:
                place = (held.item, held.version, copy.store)
                due = DueCopy(
                    held.item, held.version, copy.store, held.prefix, held.files, held.bytes, copy.checked_at, number
                )
                yield due, copy, max(copy.checked_at, self.looks.get(place, _NEVER)), place

    def due(self, store, *, grade, until):
        found = []
        for due, copy, looked, _ in self._all():
            at = copy.checked_at if grade >= Grade.READ else looked
            if copy.store == store and at <= until:
                found.append(replace(due, checked_at=at))
        yield from sorted(found, key=lambda one: (one.checked_at, one.aip_id))

    def fresh(self, store, *, since, until):
        found = [
            (self.written[place], due.aip_id, due)
            for due, copy, _, place in self._all()
            if copy.store == store and since < self.written[place] <= until and not self.audits.get(place)
        ]
        yield from (due for *_, due in sorted(found, key=lambda one: one[:2], reverse=True))

    def copies(self, item):
        return tuple(due for due, *_ in self._all() if due.item == item)

    def damaged(self):
        yield from [due for due, copy, *_ in self._all() if copy.status is not CopyStatus.GOOD]

    def checked(self, copy, result, events, repairs=()):
        self._write()
        self.event_list += events
        self.results.append(result)
        if result.outcome is CheckOutcome.UNANSWERED and not result.damages:
            return
        place = (copy.item, copy.version, copy.store)
        self.audits[place] = self.audits.get(place, 0) + 1
        changed = {}
        if result.outcome is not CheckOutcome.UNANSWERED:
            self.looks[place] = result.ended_at
            if result.grade >= Grade.READ:
                changed |= {"checked_at": result.ended_at, "grade": result.proven}
        if result.damages:
            changed["status"] = CopyStatus.MISSING if result.is_missing else CopyStatus.DAMAGED
        elif result.grade >= Grade.READ:
            changed["status"] = CopyStatus.GOOD
        held = self.aips[copy.item, copy.version]
        copies = tuple(replace(one, **changed) if one.store == copy.store else one for one in held.copies)
        self.aips[copy.item, copy.version] = replace(held, copies=copies)

    def backlog(self, store, *, interval, grade, now):
        found = [
            (due.bytes, copy.checked_at if grade >= Grade.READ else looked)
            for due, copy, looked, _ in self._all()
            if copy.store == store
        ]
        late = [bytes_ for bytes_, at in found if at <= now - interval]
        return StoreForecast(
            store=store,
            copies=len(found),
            bytes=sum(bytes_ for bytes_, _ in found),
            interval_seconds=interval.total_seconds(),
            overdue=len(late),
            overdue_bytes=sum(late),
            oldest_check=min((at for _, at in found), default=None),
        )
