"""``archiver list``, ``archiver search`` and ``archiver show``."""

from __future__ import annotations

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError
from archiver.core.packages import parse_item_id


@example("archiver list\narchiver list --output jsonl | head")
@click.command("list")
@output_option
@pass_front
def list_command(front: Front, *, output: str) -> int:
    """List what the archive holds, the newest version of each item."""
    if not _listed(front, "", output) and output == "text":
        front.say("the archive holds nothing yet\n  next: archiver harvest netlabels --dry-run --limit 5")
    return status.DONE


@example('archiver search "field recording"\narchiver search by-nc --output jsonl')
@click.command("search")
@click.argument("text")
@output_option
@pass_front
def search_command(front: Front, *, text: str, output: str) -> int:
    """List what the archive holds whose identifier, title or licence contains TEXT, without regard to case."""
    if not _listed(front, text, output) and output == "text":
        front.say(f"nothing held has {text!r} in its identifier, title or licence\n  next: archiver list")
    return status.DONE


def _listed(front: Front, wanted: str, output: str) -> int:
    """Print the newest version of each item that matches and return their number."""
    from archiver.reports import records, text

    catalogue = wiring.open_catalogue(front.settings())
    number = 0
    try:
        for held in catalogue.holdings(text=wanted):
            number += 1
            if output == "jsonl":
                emit(records.holding(held))
            else:
                click.echo(printable(text.holding(held)))
    finally:
        catalogue.close()
    return number


@example("archiver show internet-archive/some-item\narchiver show some-item --output jsonl")
@click.command("show")
@click.argument("item")
@output_option
@pass_front
def show_command(front: Front, *, item: str, output: str) -> int:
    """Show one item: its versions and copies, the files of the newest version, and what happened to it.

    ITEM is source/identifier; without a source it is one of the Internet Archive.
    """
    from archiver.reports import records, text

    try:
        wanted = parse_item_id(item)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error
    catalogue = wiring.open_catalogue(front.settings())
    try:
        versions = catalogue.versions(wanted)
        if not versions:
            status.print_problem(f"error: the archive does not hold {printable(str(wanted))}\n  next: archiver list")
            return status.FINDINGS
        files = catalogue.files(wanted, versions[-1].version)
        if output == "jsonl":
            for held in versions:
                emit(records.holding(held))
            for file in files:
                emit({"file": records.held_file(file)})
            for event in catalogue.events(wanted):
                emit({"event": records.event(event)})
        else:
            for line in text.item(versions, files, catalogue.events(wanted)):
                click.echo(printable(line))
    finally:
        catalogue.close()
    return status.DONE
