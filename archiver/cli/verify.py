"""``archiver verify``."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.progress import check_bar
from archiver.core.errors import StoreError, StoreRefusedError

if TYPE_CHECKING:
    from archiver.core.bags.completing import Fetched
    from archiver.core.errors import ArchiverError
    from archiver.core.findings import BagVerdict, Finding


@example(
    "archiver verify store/bags\n"
    "archiver verify /mnt/deposit/bag-17.tar.gz --output jsonl\n"
    "archiver verify mirror:bags/internet-archive\n"
    "archiver verify --fetch /mnt/deposit/bag-with-holes"
)
@click.command("verify")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--jobs", type=click.IntRange(min=1, max=256), help="Files read at once.")
@click.option(
    "--lenient", is_flag=True, help="Tolerate what others' tools get wrong and harms no byte; each deviation is named."
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A BagIt profile (JSON) that each bag must satisfy.",
)
@click.option(
    "--fetch",
    is_flag=True,
    help="First complete bags in directories with what their fetch.txt names; asks the network.",
)
@output_option
@pass_front
def verify_command(  # noqa: PLR0913 - one keyword for each option
    front: Front,
    *,
    paths: tuple[str, ...],
    jobs: int | None,
    lenient: bool,
    profile: Path | None,
    fetch: bool,
    output: str,
) -> int:
    """Check BagIt bags of versions 0.93 to 1.0: complete, valid, every deviation with its clause.

    PATH is a bag, a directory with bags below it, a bag in a tar (plain, gzip, zstandard) or zip file, or STORE:KEY for a
    place in a configured store. Nothing is written, and nothing is unpacked, but with --fetch: then each file that every
    manifest lists is asked for, within reach of the settings, and gets its name once it is proven.
    """
    from archiver.wiring.bags import Looking, verdicts

    # A row for each file and each manifest line, none of them in a cycle: looking for cycles among them takes a tenth of the time.
    gc.set_threshold(200_000, 20, 20)
    engine = wiring.threads(jobs or os.cpu_count() or 1, "verify")
    report = _Report(front, output)
    try:
        if fetch:
            _complete(front, paths, report)
        with check_bar(is_wanted=not front.is_quiet) as bar:
            looking = Looking(front.settings, engine, is_lenient=lenient, profile=profile, progress=bar)
            for path in paths:
                try:
                    for where, verdict in verdicts(path, looking):
                        report.took(where, verdict)
                except (StoreError, StoreRefusedError) as error:
                    report.unanswered(error)
    finally:
        engine.close()
    return report.ended()


def _complete(front: Front, paths: tuple[str, ...], report: _Report) -> None:
    from archiver.wiring.completing import completed, opened_fetching

    settings, clock = front.settings(), wiring.clock()
    clock.install_signal_handlers()
    with wiring.locked(settings), opened_fetching(settings, clock=clock) as fetching:
        for path in paths:
            for completion, fetched in completed(path, fetching):
                if completion.findings and completion.wanted:
                    status.print_problem(printable(f"warning: nothing is fetched for {path}: {completion.refusal}"))
                for one in fetched:
                    report.fetched(one)


class _Report:
    """Renders verdicts and chooses the exit status."""

    def __init__(self, front: Front, output: str) -> None:
        self.front = front
        self.output = output
        self.bags = self.valid = self.sound = self.findings = 0
        self.status = self.unknown = status.DONE

    def fetched(self, one: Fetched) -> None:
        """Print what became of a file that a bag lacked."""
        from archiver.reports import records

        if one.reason:
            self.status = max(self.status, status.INCOMPLETE if one.transient else status.FINDINGS)
            status.print_problem(printable(f"error: {one.path} was not fetched: {one.detail}"))
        if self.output == "jsonl":
            emit(records.fetched(one))
        elif not one.reason:
            self.front.say(printable(f"fetched   {one.path}"))

    def unanswered(self, error: ArchiverError) -> None:
        """Say why nothing is known about a path; the others are looked at all the same."""
        status.say(error)
        self.unknown = max(self.unknown, status.status_of(error))

    def took(self, path: str, verdict: BagVerdict) -> None:
        """Count and print one verdict."""
        self.bags += 1
        self.valid += verdict.is_valid
        self.sound += verdict.is_sound
        self.findings += len(verdict.findings)
        for finding in verdict.findings:
            self.found(finding)
        if self.output == "jsonl":
            from archiver.reports import records

            emit(records.bag_verdict(path, verdict))
        elif verdict.is_valid:
            self.front.say(f"valid     {path}")
        else:
            click.echo(printable(f"{'complete, not valid' if verdict.is_complete else 'not complete'}  {path}"))

    def found(self, finding: Finding) -> None:
        """Print one finding. Of a sound bag there is none, and nothing of this need be imported."""
        from archiver.reports import records, text

        if self.output == "jsonl":
            emit(records.finding(finding))
        else:
            click.echo(printable(text.finding(finding)))

    def ended(self) -> int:
        """Print the summary and return the exit status."""
        if self.output == "jsonl":
            emit({"summary": {"bags": self.bags, "valid": self.valid, "findings": self.findings}})
        else:
            self.front.say(f"{self.bags} bags, {self.valid} valid, {self.findings} findings")
        # Damage is said before what could not be answered.
        return max(self.status, self.unknown if self.sound == self.bags else status.FINDINGS)
