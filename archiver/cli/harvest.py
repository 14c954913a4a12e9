"""``archiver harvest``."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, engine_option, example, output_option, pass_front, printable
from archiver.cli.log import publish_if_wanted
from archiver.cli.progress import progress_bars
from archiver.core.crawls import CrawlTally, summed
from archiver.core.errors import CannotRunError, InterruptedRunError, SourceError, UsageError
from archiver.core.outcomes import ItemOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from archiver.core.items import ItemId
    from archiver.core.patience import Patience
    from archiver.core.selections import Selection
    from archiver.ports.clock import Clock
    from archiver.ports.offers import OpenSource
    from archiver.ports.progress import Progress
    from archiver.settings.reading import Settings
    from archiver.workflows.recognise import Span


@example(
    "archiver harvest netlabels --dry-run --limit 5\n"
    "archiver harvest netlabels librivox\n"
    "archiver harvest netlabels --since 2026-11-01\n"
    "archiver -q harvest manifests/netlabels.toml --output jsonl\n"
    "archiver harvest netlabels --engine dask   # on many machines: docs/cluster.md"
)
@click.command("harvest")
@click.argument("selections", nargs=-1, required=True, metavar="SELECTION…")
@click.option("--limit", type=click.IntRange(min=1), help="Consider so many candidates of each selection at most.")
@click.option(
    "--since",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Ask only for what is new or changed since then, in UTC.",
)
@click.option("--full", is_flag=True, help="Ask for everything, also where only what is new would do.")
@click.option("--dry-run", is_flag=True, help="Ask and decide, but capture and write nothing.")
@click.option("--jobs", type=click.IntRange(min=1, max=256), help="Items walked at once (by each worker process).")
@engine_option
@output_option
@pass_front
def harvest_command(  # noqa: PLR0913 - one keyword for each option
    front: Front,
    *,
    selections: tuple[str, ...],
    limit: int | None,
    since: datetime | None,
    full: bool,
    dry_run: bool,
    jobs: int | None,
    engine: str | None,
    output: str,
) -> int:
    """Ingest what selections name: appraise, capture, pack, deposit.

    SELECTION is a file, or the name of one in manifests/. What a search calls unchanged is not asked for again. A run
    that was interrupted or killed goes on when the same command is given again, and what a run did not see to its end the
    next one asks for again.
    """
    from archiver.workflows.recognise import Span

    if since is not None and full:
        raise UsageError("--since and --full: one of the two", next_command="archiver harvest --help")
    span = Span(since.replace(tzinfo=UTC) if since else None, full)
    return harvest_all(
        front,
        front.settings(),
        selections,
        limit=limit,
        jobs=jobs,
        is_rehearsal=dry_run,
        output=output,
        engine=engine,
        span=span,
    )


def harvest_all(  # noqa: PLR0913 - one keyword for each option of the command
    front: Front,
    settings: Settings,
    names: Sequence[str],
    *,
    limit: int | None = None,
    jobs: int | None = None,
    is_rehearsal: bool = False,
    output: str = "text",
    engine: str | None = None,
    span: Span | None = None,
) -> int:
    """Harvest selections one after the other under the archive's lock, and return the exit status."""
    from archiver.settings.selections import read_selection

    selections = [read_selection(name, settings) for name in names]
    run = Run(
        front, settings, limit=limit, jobs=jobs or settings.jobs, is_rehearsal=is_rehearsal, output=output, span=span
    )
    run.engine = engine or settings.engine.name
    if not is_rehearsal:
        from archiver.wiring import cluster

        cluster.refuse_unfit(settings, run.engine)
    if is_rehearsal:
        return run.over(selections)
    from archiver.wiring import audits

    with wiring.locked(settings):
        ended = run.over(selections)
        audits.keepsakes(settings)
        if ended == status.INTERRUPTED:
            return ended
        return max(ended, publish_if_wanted(front, settings))


class Run:
    """Renders the outcomes of one command and chooses its exit status.

    Args:
        front: The global options.
        settings: Of the archive.
        limit: Candidates of each selection at most.
        jobs: Items walked at once.
        is_rehearsal: Whether nothing is to be written.
        output: ``text`` or ``jsonl``.
        opened: A source that is open already, in place of those that the selections name.
        again: The command that goes on where an interrupted one ended; empty for a harvest of the selections.
        span: Since when the source is asked.

    Attributes:
        clock: What the whole run waits with, an open source too, so that a signal ends its waiting as well.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each of what differs between commands
        self,
        front: Front,
        settings: Settings,
        *,
        limit: int | None,
        jobs: int,
        is_rehearsal: bool,
        output: str,
        opened: tuple[OpenSource, Patience, int] | None = None,
        again: str = "",
        span: Span | None = None,
    ) -> None:
        self.front = front
        self.settings = settings
        self.limit = limit
        self.jobs = jobs
        self.is_rehearsal = is_rehearsal
        self.output = output
        self.opened = opened
        self.again = again
        self.clock = wiring.clock()
        self.engine = "threads"
        self.span = span
        self.crawls: list[tuple[str, CrawlTally]] = []
        self.counts: Counter[Outcome] = Counter()
        self.bytes = 0
        self.stored: list[ItemId] = []
        self.status = status.DONE

    def over(self, selections: Sequence[Selection]) -> int:
        """Walk every selection; the summary is printed also when the run ends early."""
        clock = self.clock
        clock.install_signal_handlers()
        began = time.monotonic()
        try:
            with progress_bars(is_wanted=not self.front.is_quiet) as progress:
                for selection in selections:
                    self.one(selection, clock, progress)
        except CannotRunError as error:
            status.say(error)
            self.status = status.CANNOT_RUN
        except InterruptedRunError:
            status.print_problem(
                "interrupted: what was finished is kept; the same command goes on from here\n"
                f"  next: {self.again or 'archiver harvest ' + ' '.join(selection.name for selection in selections)}"
            )
            self.status = status.INTERRUPTED
        self.summary(time.monotonic() - began)
        return self.status

    def one(self, selection: Selection, clock: Clock, progress: Progress) -> None:
        """Walk one selection. When its enumeration breaks off the others still have their turn."""
        from archiver.workflows.harvest import harvest, rehearse
        from archiver.workflows.recognise import EVERYTHING_NEEDED

        walk_items = rehearse if self.is_rehearsal else harvest
        tally = CrawlTally()
        self.crawls.append((selection.name, tally))
        with ExitStack() as stack:
            walk = stack.enter_context(
                wiring.opened_walk(
                    self.settings,
                    selection,
                    clock=clock,  # type: ignore[arg-type]
                    progress=progress,
                    jobs=self.jobs,
                    opened=self.opened,
                )
            )
            if self.engine != "threads" and not self.is_rehearsal:
                from archiver.wiring import cluster

                walk = stack.enter_context(cluster.harvest_engine(self.settings, selection, walk, jobs=self.jobs))
            try:
                for outcome in walk_items(
                    selection, walk, limit=self.limit, span=self.span or EVERYTHING_NEEDED, tally=tally
                ):
                    self.took(outcome)
            except SourceError as error:
                status.say(error)
                self.status = status.INCOMPLETE
        stored, self.stored = self.stored, []
        if selection.derivatives and stored:
            from archiver.cli.derive import derive_stored

            kinds = selection.derivatives
            ended = derive_stored(self.front, self.settings, stored, kinds, output=self.output, clock=clock)
            self.status = max(self.status, ended)

    def took(self, outcome: ItemOutcome) -> None:
        """Count and print one outcome."""
        from archiver.reports import records, text

        self.counts[outcome.outcome] += 1
        self.bytes += outcome.bytes
        if outcome.outcome is Outcome.STORED and not self.is_rehearsal:
            self.stored.append(outcome.item)
        is_failure = outcome.outcome is Outcome.FAILED
        if is_failure:
            self.status = max(self.status, status.INCOMPLETE)
        if self.output == "jsonl":
            emit(records.item_outcome(outcome))
        elif not self.front.is_quiet:
            click.echo(printable(text.item_outcome(outcome)))
        if is_failure and (self.front.is_quiet or self.output == "jsonl"):
            status.print_problem(printable(text.item_outcome(outcome)))

    def summary(self, seconds: float) -> None:
        """Print the last line, and what to type next where something failed."""
        from archiver.reports import records, text

        crawls = [(name, tally.crawl()) for name, tally in self.crawls]
        if self.output == "jsonl":
            for name, crawl in crawls:
                emit(records.crawl(name, crawl))
            whole = summed(crawl for _, crawl in crawls)
            emit(records.harvest_summary(self.counts, whole, bytes_=self.bytes, seconds=seconds))
        else:
            for name, crawl in crawls:
                self.front.say(printable(text.crawl(name, crawl)))
            lead = "would be: " if self.is_rehearsal else ""
            self.front.say(lead + text.harvest_summary(self.counts, bytes_=self.bytes, seconds=seconds))
        if self.counts[Outcome.QUARANTINED] and self.output == "text" and not self.is_rehearsal:
            self.front.say("what is quarantined waits for a person\n  next: archiver review list")
        if self.counts[Outcome.FAILED]:
            failed = self.counts[Outcome.FAILED]
            status.print_problem(
                f"{failed} item{'' if failed == 1 else 's'} could not be answered\n"
                "  next: the same command again tries them once more"
            )
