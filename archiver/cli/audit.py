"""``archiver audit`` and ``archiver repair``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, engine_option, example, output_option, pass_front, printable
from archiver.cli.log import publish_if_wanted
from archiver.cli.progress import check_bar
from archiver.core.audits import AuditPlan, AuditReport, Budget, CheckOutcome, RepairOutcome, Scope
from archiver.core.errors import InterruptedRunError, UsageError
from archiver.core.findings import Finding, FindingCode
from archiver.core.fixity import Grade
from archiver.core.items import ItemId, parse_item_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.cli.progress import CheckBar
    from archiver.core.audits import AuditSummary, CheckedCopy, DueCopy, Repair
    from archiver.settings.reading import Settings
    from archiver.workflows.audit import Audit, Rounds

GRADES = [grade.label for grade in Grade]
PROGRESS_EVERY = 200
"""Copies between two lines of progress of a run nobody watches on a terminal."""


@example(
    "archiver audit --due --max-duration 4h --report audit.html\n"
    "archiver audit --all --store mirror --grade provider\n"
    "archiver audit --due --repair --max-bytes 500GB"
)
@click.command("audit")
@click.option(
    "--due", "scope", flag_value="due", default=True, help="Copies whose last check is too old (the default)."
)
@click.option("--all", "scope", flag_value="all", help="Every copy, the longest unchecked first.")
@click.option(
    "--item", "items", multiple=True, metavar="ITEM", help="Every copy of an item; may be given several times."
)
@click.option("--store", "stores", multiple=True, metavar="NAME", help="Only copies in this store.")
@click.option("--grade", type=click.Choice(GRADES), default="read", show_default=True, help="What each check proves.")
@click.option("--max-bytes", metavar="N", help="Read no more, for example 500GB.")
@click.option("--max-duration", metavar="T", help="Begin no check after so long, for example 4h.")
@click.option("--max-requests", type=click.IntRange(min=1), metavar="N", help="Send no more requests to stores.")
@click.option("--max-cost", type=float, metavar="X", help="Spend no more, by the prices of the stores in the settings.")
@click.option("--sample", type=click.FloatRange(0, 1, min_open=True), metavar="P", help="Check this share, by chance.")
@click.option("--repair", "repairs", is_flag=True, help="Put right what is damaged.")
@click.option(
    "--report", "reports", multiple=True, metavar="FILE", type=click.Path(path_type=Path), help="Write a report."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1, max=256),
    help="Copies, and files of one, read at once (by each worker process).",
)
@engine_option
@output_option
@pass_front
def audit_command(  # noqa: PLR0913 - one keyword for each option
    front: Front,
    *,
    scope: str,
    items: tuple[str, ...],
    stores: tuple[str, ...],
    grade: str,
    max_bytes: str | None,
    max_duration: str | None,
    max_requests: int | None,
    max_cost: float | None,
    sample: float | None,
    repairs: bool,
    reports: tuple[Path, ...],
    jobs: int | None,
    engine: str | None,
    output: str,
) -> int:
    """Check copies in stores, the longest unchecked first; the next run goes on where this one stopped.

    Exit status 1 when something is damaged or overdue or lies in too few copies, 3 when a store did not answer for some objects.
    """
    from archiver.wiring import audits as circuit
    from archiver.wiring import cluster, reporting

    settings = front.settings()
    plan = AuditPlan(
        scope=Scope.ITEMS if items else Scope(scope),
        stores=circuit.intervals(settings, _known(stores, settings)),
        grade=Grade[grade.upper()],
        budget=_budget(max_bytes, max_duration, max_requests, max_cost),
        items=_items(items),
        sample=sample,
        seed=int.from_bytes(os.urandom(4), "big"),
    )
    reporting.checked_forms(reports, command="archiver audit")
    cluster.refuse_unfit(settings, engine or settings.engine.name)
    run = AuditRun(front, settings, plan, output=output, repairs=repairs, reports=reports)
    run.engine = engine or settings.engine.name
    return run.done(jobs or _jobs(settings, plan.stores))


WAITING_JOBS = 8
"""Files asked for at once where a store is on the network: answers come later, and several at a time."""


def _jobs(settings: Settings, stores: Iterable[str]) -> int:
    waits = any(settings.stores[name].url.startswith("s3://") for name in stores)
    return max(WAITING_JOBS if waits else 2, os.cpu_count() or 1)


def _known(stores: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    for name in stores:
        if name not in settings.stores:
            raise UsageError(
                f"no store {name!r} in the settings; there are: {', '.join(settings.stores)}",
                next_command=f"archiver audit --store {next(iter(settings.stores))}",
            )
    return stores


def _items(names: tuple[str, ...]) -> tuple[ItemId, ...]:
    try:
        return tuple(parse_item_id(name) for name in names)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error


def _budget(bytes_: str | None, duration: str | None, requests: int | None, cost: float | None) -> Budget:
    from archiver.core.intervals import parse_duration, parse_size

    try:
        return Budget(
            parse_size(bytes_) if bytes_ else None,
            parse_duration(duration).total_seconds() if duration else None,
            requests,
            cost,
        )
    except ValueError as error:
        raise UsageError(f"--max-…: {error}") from error


class AuditRun:
    """Runs one audit, renders it and chooses the exit status."""

    def __init__(
        self,
        front: Front,
        settings: Settings,
        plan: AuditPlan,
        *,
        output: str,
        repairs: bool,
        reports: tuple[Path, ...],
    ) -> None:
        self.front = front
        self.settings = settings
        self.plan = plan
        self.output = output
        self.wants_repair = repairs
        self.reports = reports
        self.engine = "threads"
        self.checked: list[CheckedCopy] = []
        self.repairs: list[Repair] = []
        self.damaged: list[CheckedCopy] = []
        self.number = 0
        self.short = 0
        self.undecodable = 0
        self.convicted = 0
        self.too_few: list[Finding] = []

    def done(self, jobs: int) -> int:
        """Audit, repair where asked, report."""
        from archiver.wiring import audits as circuit
        from archiver.wiring import cluster, reporting
        from archiver.workflows.audit import Audit

        clock = wiring.clock()
        clock.install_signal_handlers()
        opened = cluster.opened_rounds(self.settings, clock=clock, jobs=jobs, engine=self.engine, grade=self.plan.grade)
        with wiring.locked(self.settings), opened as rounds:
            self.refuse_absent(rounds)
            began = clock.now()
            audit = Audit(self.plan, rounds)
            interrupted = self.walk(audit, rounds)
            if self.wants_repair and not interrupted:
                self.repair(rounds)
            summary = audit.summary()
            self.count_copies()
            self.told(summary)
            report = AuditReport(
                self.settings.organisation,
                rounds.agent,
                self.plan,
                began,
                clock.now(),
                summary,
                tuple(self.checked),
                tuple(self.repairs),
            )
            circuit.keepsakes(self.settings)
            if self.reports:
                reporting.write_audit_reports(self.settings, self.reports, report)
            published = status.DONE if interrupted else publish_if_wanted(self.front, self.settings)
        return status.INTERRUPTED if interrupted else max(published, self.exit_status(summary))

    def refuse_absent(self, rounds: Rounds) -> None:
        """Say at once that an item is not held."""
        for item in self.plan.items:
            if not rounds.ledger.copies(item):
                raise UsageError(f"the archive does not hold {item}", next_command="archiver list")

    def walk(self, audit: Audit, rounds: Rounds) -> bool:
        """Take every check; return whether the run was interrupted."""
        try:
            with check_bar(is_wanted=not self.front.is_quiet) as bar:
                if bar is not None:
                    bar.began("audit", files=0, bytes_=self.coming(rounds))
                for checked in audit:
                    self.took(checked, bar)
        except InterruptedRunError:
            status.print_problem("interrupted: what was checked is taken down; the same command goes on from here")
            return True
        return False

    def coming(self, rounds: Rounds) -> int:
        """Return how many bytes all of the chosen copies have, for a bar; 0 where that is not known or they are not read."""
        if self.plan.scope is Scope.ITEMS or self.plan.sample is not None or self.plan.grade < Grade.READ:
            return 0
        forecasts = (
            rounds.ledger.backlog(store, interval=interval, grade=self.plan.grade, now=rounds.clock.now())
            for store, interval in self.plan.stores.items()
        )
        return sum(one.overdue_bytes if self.plan.scope is Scope.DUE else one.bytes for one in forecasts)

    def took(self, checked: CheckedCopy, bar: CheckBar | None) -> None:
        """Count and print one check; good ones are kept for a report only."""
        self.number += 1
        if self.reports:
            self.checked.append(checked)
        if len(checked.findings) > len(checked.undecodable):
            self.damaged.append(checked)
        self.undecodable += len(checked.undecodable)
        self.convicted += any(one.code is not FindingCode.OBJECT_UNREADABLE for one in checked.damages)
        show_check(checked, self.output, self.front)
        if bar is not None:
            bar.read(checked.bytes, amount=f"{self.number} copies")
        elif self.number % PROGRESS_EVERY == 0 and not self.front.is_quiet:
            status.print_problem(f"{self.number} copies checked")

    def repair(self, rounds: Rounds) -> None:
        """Put right what was found."""
        from archiver.wiring import audits as circuit
        from archiver.workflows.repair import clear_leftovers, repair

        with circuit.opened_bench(self.settings, rounds) as bench:
            for checked in self.damaged:
                for copy in rounds.ledger.copies(checked.item):
                    if (copy.version, copy.store) == (checked.version, checked.store):
                        self.repairs += show_repairs(repair(copy, bench)[1], self.output, self.front)
            clear_leftovers(bench)

    def told(self, summary: AuditSummary) -> None:
        """Print what is overdue, and the summary."""
        from archiver.reports import audit_records, text

        for found in (*self.overdue(summary), *self.too_few):
            if self.output == "jsonl":
                from archiver.reports.records import finding

                emit(finding(found))
            else:
                click.echo(printable(text.finding(found)))
        if self.output == "jsonl":
            record = audit_records.summary(summary)
            healed = self.healed()
            counts = {"repaired": healed, "not_repaired": len(self.repairs) - healed, "too_few": self.short}
            emit({"summary": {**record, **counts}})
            return
        self.front.say(
            f"{summary.copies} copies checked at grade {self.plan.grade.label}: {summary.good} good, {summary.damaged} "
            f"damaged, {summary.unanswered} unanswered; {summary.bytes} bytes, {summary.requests} requests, "
            f"{summary.seconds:.1f} s"
        )
        if summary.confidence is not None:
            self.front.say(
                f"a sample of {summary.copies} from {summary.sampled_from}: with 95 % confidence fewer than "
                f"{summary.confidence:.2%} of the copies are damaged"
            )
        if summary.left:
            self.front.say(f"{summary.left} left over ({summary.budget_ended}); the same command goes on from here")
        if not self.number and not self.front.is_quiet:
            self.front.say("nothing is due\n  next: archiver audit --all")

    def overdue(self, summary: AuditSummary) -> list[Finding]:
        """Return a finding for each store where checks are too old."""
        if self.plan.scope is Scope.ITEMS or self.plan.sample is not None:
            return []
        return [
            Finding(
                FindingCode.COPY_OVERDUE,
                f"{one.overdue} copies in store {one.store}",
                expected=f"each checked at grade {self.plan.grade.label} every {one.interval_seconds / 86400:g} days",
                actual=f"the oldest check is of {one.oldest_check:%Y-%m-%d %H:%M}" if one.oldest_check else "",
                store=one.store,
                next="archiver audit --due",
            )
            for one in summary.forecasts
            if one.overdue
        ]

    def count_copies(self) -> None:
        """Find which versions would have too few copies even when all that is damaged is repaired.

        What falls short because a copy is damaged has its finding already. A sample, or one store, is not asked for more
        than it is.
        """
        from archiver.core.coverage import REPAIR, findings_of
        from archiver.wiring import reporting

        if self.plan.sample is not None or self.plan.stores.keys() < self.settings.stores.keys():
            return
        items = self.plan.items if self.plan.scope is Scope.ITEMS else None
        with reporting.opened_catalogue(self.settings) as catalogue:
            if items is None:
                found = reporting.fallen_short(self.settings, catalogue, named=reporting.NAMED)
            else:
                found = reporting.items_fallen_short(self.settings, catalogue, items)
        found = tuple(one for one in found if one.next != REPAIR)
        self.short = sum(one.number for one in found)
        self.too_few = [finding for one in found for finding in findings_of(one)]

    def healed(self) -> int:
        """Return how many objects were put right."""
        return sum(one.outcome in {RepairOutcome.REPAIRED, RepairOutcome.REMOVED} for one in self.repairs)

    def exit_status(self, summary: AuditSummary) -> int:
        """Damage is said before silence: who only reads the status must not miss it.

        An object that gives no bytes leaves its question open (DESIGN §3, status 3) as one does that a store did not
        answer for; other damage, where there is any, decides.
        """
        if self.convicted:
            return status.FINDINGS
        failed = any(one.outcome is RepairOutcome.FAILED for one in self.repairs)
        if summary.unanswered or summary.damaged or failed:
            return status.INCOMPLETE
        return status.FINDINGS if self.undecodable or self.overdue(summary) or self.too_few else status.DONE


def show_check(checked: CheckedCopy, output: str, front: Front) -> None:
    """Print how the check of one copy ended, and everything wrong with it."""
    from archiver.reports import audit_records, text

    if output == "jsonl":
        for record in (*audit_records.findings(checked), audit_records.checked_copy(checked)):
            emit(record)
    else:
        for found in checked.findings:
            click.echo(printable(text.finding(found)))
        grade = checked.grade.label
        line = f"{checked.outcome.value:<11}{checked.store}: {checked.key}  {grade}, {checked.objects} objects"
        if checked.outcome is CheckOutcome.GOOD:
            front.say(line)
        else:
            click.echo(printable(line))
    for where, why in checked.unanswered:
        status.print_problem(
            printable(f"unanswered: store {checked.store!r}: {where}: {why}\n  next: the same command again")
        )


def show_repairs(repairs: tuple[Repair, ...], output: str, front: Front) -> tuple[Repair, ...]:
    """Print what became of each object, and return it."""
    from archiver.reports import audit_records

    for one in repairs:
        is_right = one.outcome not in {RepairOutcome.IMPOSSIBLE, RepairOutcome.FAILED}
        line = f"{one.outcome.value:<13}{one.store}: {one.item} v{one.version}: {one.path}"
        line += f"  from {one.source}" if one.source else ""
        line += f"\n    {one.detail}" if one.detail else ""
        if output == "jsonl":
            emit(audit_records.repair(one))
        elif is_right:
            front.say(line)
        else:
            click.echo(printable(line))
        if not is_right and output == "jsonl":
            status.print_problem(printable(line))
    return repairs


@example("archiver repair --dry-run\narchiver repair\narchiver repair internet-archive/some-item")
@click.command("repair")
@click.argument("items", nargs=-1, metavar="[ITEM…]")
@click.option("--dry-run", is_flag=True, help="Look for sound bytes and prove them, but write nothing.")
@click.option("--jobs", type=click.IntRange(min=1, max=256), help="Copies, and files of one, read at once.")
@output_option
@pass_front
def repair_command(front: Front, *, items: tuple[str, ...], dry_run: bool, jobs: int | None, output: str) -> int:
    """Put damaged copies right from a sound one, else from the original source; without ITEM all that are known damaged.

    Begin with --dry-run. Each source of bytes is read and proven before anything is written, each object written is read
    back, and the damaged one is retired only then.
    """
    from archiver.wiring import audits as circuit
    from archiver.workflows.repair import clear_leftovers, repair

    settings = front.settings()
    wanted = _items(items)
    clock = wiring.clock()
    clock.install_signal_handlers()
    copies = 0
    ends: set[int] = set()
    repairs: list[Repair] = []
    opened = circuit.opened_rounds(settings, clock=clock, jobs=jobs or _jobs(settings, settings.stores))
    with wiring.locked(settings), opened as rounds, circuit.opened_bench(settings, rounds) as bench:
        for copy in _to_repair(rounds, wanted):
            if clock.stopping():
                raise InterruptedRunError("stopped between two copies; the same command goes on")
            copies += 1
            checked, done = repair(copy, bench, is_rehearsal=dry_run)
            repairs += show_repairs(done, output, front)
            ends.add(_status_after(checked, done, is_rehearsal=dry_run))
        published = status.DONE
        if not dry_run:
            clear_leftovers(bench)
            circuit.keepsakes(settings)
            published = publish_if_wanted(front, settings) if copies else status.DONE
    counts = {outcome.value: sum(one.outcome is outcome for one in repairs) for outcome in RepairOutcome}
    if output == "jsonl":
        emit({"summary": {"copies": copies, **counts}})
    else:
        said = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
        front.say(f"{copies} copies looked at: {said or 'nothing to repair'}")
        if dry_run and counts[RepairOutcome.WOULD_REPAIR.value]:
            front.say(f"  next: archiver repair {' '.join(items)}".rstrip())
    # As in an audit: who only reads the status must not miss damage behind a store that did not answer.
    return status.FINDINGS if status.FINDINGS in ends else max(ends | {published})


def _to_repair(rounds: Rounds, items: tuple[ItemId, ...]) -> list[DueCopy]:
    if not items:
        return [copy for copy in rounds.ledger.damaged() if copy.store in rounds.vault]
    found: list[DueCopy] = []
    for item in items:
        copies = rounds.ledger.copies(item)
        if not copies:
            raise UsageError(f"the archive does not hold {item}", next_command="archiver list")
        found += [copy for copy in copies if copy.store in rounds.vault]
    return found


def _status_after(checked: CheckedCopy, done: tuple[Repair, ...], *, is_rehearsal: bool) -> int:
    for one in done:
        if one.outcome is RepairOutcome.FAILED:
            return status.INCOMPLETE
    if checked.unanswered:
        for where, why in checked.unanswered:
            status.print_problem(printable(f"unanswered: store {checked.store!r}: {where}: {why}"))
        return status.INCOMPLETE
    return status.FINDINGS if checked.outcome is CheckOutcome.DAMAGED or (is_rehearsal and done) else status.DONE
