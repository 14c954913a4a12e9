"""``archiver add``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.harvest import Run
from archiver.cli.log import publish_if_wanted
from archiver.core.handed import Words
from archiver.core.licences.policies import PRESETS
from archiver.core.outcomes import ItemOutcome, Outcome

if TYPE_CHECKING:
    from archiver.core.items import ItemId
    from archiver.settings.reading import Settings
    from archiver.wiring.adding import Intake


@example(
    "archiver add /mnt/deposit/bag-17 --licence https://creativecommons.org/licenses/by/4.0/\n"
    "archiver add bag-18.tar.gz bag-19.zip --output jsonl\n"
    'archiver add "field recordings/" --licence CC0-1.0 --title "Bells of Berlin" --creator "A. Musician"'
)
@click.command("add")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
@click.option("--licence", default="", metavar="URL", help="What it may be used under: a URL, or a licence's name.")
@click.option("--title", default="", help="Needed for loose files, which then are one item together.")
@click.option("--creator", "creators", multiple=True, help="May be given several times.")
@click.option("--source-url", default="", metavar="URL", help="The page it came from.")
@click.option("--identifier", default="", help="What to call it, in place of the bag's External-Identifier.")
@click.option("--policy", type=click.Choice(PRESETS), default="all-cc", show_default=True, help="What the gate admits.")
@click.option("--store", "stores", multiple=True, help="Only into this store; may be given several times.")
@click.option("--fetch", is_flag=True, help="Ask for what a bag names in its fetch.txt; asks the network.")
@click.option("--dry-run", is_flag=True, help="Judge and decide, but store nothing.")
@click.option("--jobs", type=click.IntRange(min=1, max=256), help="Files read at once.")
@output_option
@pass_front
def add_command(  # noqa: PLR0913 - one keyword for each option
    front: Front,
    *,
    paths: tuple[Path, ...],
    licence: str,
    title: str,
    creators: tuple[str, ...],
    source_url: str,
    identifier: str,
    policy: str,
    stores: tuple[str, ...],
    fetch: bool,
    dry_run: bool,
    jobs: int | None,
    output: str,
) -> int:
    """Take in bags of others, or loose files and folders, through the same gate and the same walk as a harvest.

    PATH is a BagIt bag (a directory, or in a tar or zip file), which must be valid, or with --title any files and folders,
    which become one item. What bag-info.txt, sidecars and embedded tags say of the licence is weighed with --licence. Handing
    in the same again changes nothing; what has changed becomes a new version.
    """
    from archiver.wiring import adding

    settings = front.settings()
    words = Words(licence.strip(), title.strip(), tuple(filter(None, creators)), source_url.strip(), identifier)
    engine = wiring.threads(jobs or os.cpu_count() or 1, "add")
    run = Run(
        front,
        settings,
        limit=None,
        jobs=jobs or settings.jobs,
        is_rehearsal=dry_run,
        output=output,
        again=f"archiver {shlex.join(sys.argv[1:])}",
    )
    opened = adding.opened_intake(settings, paths, words, files=engine, clock=run.clock, is_fetching=fetch)
    try:
        with wiring.locked(settings), opened as intake:
            selection = adding.selection_of(settings, intake, policy=policy, stores=stores)
            run.opened = adding.handed_source(intake, run.clock)
            turned_back = _turn_back(intake, run)
            ended = max(run.over([selection] if intake.parcels else []), turned_back)
            if dry_run or not intake.parcels:
                return ended
            return _finished(front, settings, ended)
    finally:
        engine.close()


def _finished(front: Front, settings: Settings, ended: int) -> int:
    from archiver.wiring import audits

    audits.keepsakes(settings)
    return ended if ended == status.INTERRUPTED else max(ended, publish_if_wanted(front, settings))


def _turn_back(intake: Intake, run: Run) -> int:
    """Print what is wrong with bags that are not valid, and what was handed in twice; return the exit status."""
    from archiver.reports import records, text

    for item, shown, verdict in intake.invalid:
        for finding in verdict.findings:
            if run.output == "jsonl":
                emit(records.finding(finding))
            else:
                click.echo(printable(text.finding(finding)))
        detail = f"{shown} is no valid bag: {len(verdict.findings)} findings; nothing of it was stored"
        run.took(ItemOutcome(item, Outcome.REFUSED, ("BAG_INVALID",), detail))
    for item, shown in intake.repeated:
        _repeated(item, shown, run)
    return status.FINDINGS if intake.invalid or intake.repeated else status.DONE


def _repeated(item: ItemId, shown: str, run: Run) -> None:
    detail = f"{shown} is called like another one of the same command; hand it in by itself, then it is a new version"
    run.took(ItemOutcome(item, Outcome.REFUSED, ("ITEM_TWICE",), detail))
