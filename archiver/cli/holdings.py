"""``archiver list``, ``archiver search`` and ``archiver show``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.attribution import attribution_option, print_attribution
from archiver.cli.enrich import print_beside
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError
from archiver.core.items import parse_item_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.core.holdings import Holding
    from archiver.core.items import ItemId
    from archiver.ports.catalogue import Holdings
    from archiver.ports.preferences import Choices
    from archiver.settings.reading import Settings


@example(
    "archiver list\n"
    "archiver list --output jsonl | head\n"
    "archiver list --preference train-ai=n\n"
    "archiver list --selection netlabels --attribution html > credits.html"
)
@click.command("list")
@click.option("--selection", help="Only items that a harvest of this selection stored.")
@click.option(
    "--preference",
    metavar="CATEGORY=y|n|unknown",
    help="Only items whose preference signals say so, for example train-ai=n. No term of any licence.",
)
@attribution_option
@output_option
@pass_front
def list_command(
    front: Front, *, selection: str | None, preference: str | None, attribution: str | None, output: str
) -> int:
    """List what the archive holds, the newest version of each item."""
    wanted = _Wanted("", selection, preference)
    number, ended = _listed(front, wanted, output, attribution)
    if not number and output == "text" and not attribution:
        front.say("the archive holds nothing such\n  next: archiver harvest netlabels --dry-run --limit 5")
    return ended


@example('archiver search "field recording"\narchiver search by-nc --output jsonl')
@click.command("search")
@click.argument("text")
@attribution_option
@output_option
@pass_front
def search_command(front: Front, *, text: str, attribution: str | None, output: str) -> int:
    """List what the archive holds whose identifier, title or licence contains TEXT, without regard to case."""
    number, ended = _listed(front, _Wanted(text), output, attribution)
    if not number and output == "text" and not attribution:
        front.say(f"nothing held has {text!r} in its identifier, title or licence\n  next: archiver list")
    return ended


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which holdings."""

    text: str
    selection: str | None = None
    preference: str | None = None

    def chosen(self, choices: Choices) -> Callable[[ItemId], bool]:
        """Return what tells whether an item is wanted.

        Raises:
            UsageError: The preference cannot be understood.
        """
        is_stored = choices.stored_by(self.selection).__contains__ if self.selection else (lambda _: True)
        if self.preference is None:
            return is_stored
        category, _, value = self.preference.partition("=")
        if not category or value not in {"y", "n", "unknown"}:
            raise UsageError(
                f"--preference: expected CATEGORY=y, CATEGORY=n or CATEGORY=unknown, actual {self.preference!r}",
                next_command="archiver list --preference train-ai=n",
            )
        if value == "unknown":
            answered = choices.stating(category, "y") | choices.stating(category, "n")
            return lambda item: is_stored(item) and item not in answered
        stating = choices.stating(category, value)
        return lambda item: is_stored(item) and item in stating


def _listed(front: Front, wanted: _Wanted, output: str, attribution: str | None) -> tuple[int, int]:
    """Print the newest version of each wanted item, or its credits; return their number and the exit status."""
    from archiver.reports import records, text

    settings = front.settings()
    number = 0
    with closing(wiring.open_catalogue(settings)) as catalogue:
        is_wanted = wanted.chosen(catalogue)
        holdings = (held for held in catalogue.holdings(text=wanted.text) if is_wanted(held.item))
        if attribution:
            return 0, print_attribution(settings, holdings, attribution)
        for held in holdings:
            number += 1
            if output == "jsonl":
                emit(records.holding(held))
            else:
                click.echo(printable(text.holding(held)))
    return number, status.DONE


@example(
    "archiver show internet-archive/some-item\narchiver show some-item --output jsonl\narchiver show some-item --attribution text"
)
@click.command("show")
@click.argument("item")
@attribution_option
@output_option
@pass_front
def show_command(front: Front, *, item: str, attribution: str | None, output: str) -> int:
    """Show one item: its versions and what each changed, its copies, the files of the newest version, and what happened.

    ITEM is source/identifier; without a source it is one of the Internet Archive.
    """
    try:
        wanted = parse_item_id(item)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error
    settings = front.settings()
    with closing(wiring.open_catalogue(settings)) as catalogue:
        versions = catalogue.versions(wanted)
        if not versions:
            status.print_problem(f"error: the archive does not hold {printable(str(wanted))}\n  next: archiver list")
            return status.FINDINGS
        if attribution:
            return print_attribution(settings, versions[-1:], attribution)
        _print_item(versions, catalogue, settings, output)
        print_beside(wanted, catalogue, output)
    return status.DONE


def _print_item(versions: tuple[Holding, ...], catalogue: Holdings, settings: Settings, output: str) -> None:
    from archiver.reports import records, text
    from archiver.workflows.compare import differences

    item = versions[-1].item
    vault = wiring.open_stores(settings, tuple(settings.stores)) if len(versions) > 1 else {}
    differing = differences(versions, holdings=catalogue, vault=vault)
    files = catalogue.files(item, versions[-1].version)
    if output == "jsonl":
        for held in versions:
            emit(records.holding(held))
        for one in differing:
            emit(records.difference(one))
        for file in files:
            emit({"file": records.held_file(file)})
        for event in catalogue.events(item):
            emit({"event": records.event(event)})
    else:
        for line in text.item(versions, differing, files, catalogue.events(item)):
            click.echo(printable(line))
