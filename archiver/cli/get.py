"""``archiver get``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError
from archiver.core.items import parse_item_id

if TYPE_CHECKING:
    from archiver.core.holdings import Holding
    from archiver.ports.clock import Clock
    from archiver.ports.outboxes import Outbox
    from archiver.settings.reading import Settings
    from archiver.workflows.disseminate import Dip


@example(
    "archiver get internet-archive/some-item listen/\n"
    "archiver get some-item rescued-bag/ --as bag && archiver verify rescued-bag\n"
    "archiver get some-item /mnt/transfer --as tar --version 1\n"
    "archiver get some-item phone/ --format opus"
)
@click.command("get")
@click.argument("item")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--as",
    "form",
    type=click.Choice(["files", "bag", "tar"]),
    default="files",
    show_default=True,
    help="The files with attribution and licence, the whole bag, or the bag in one tar.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["original", "opus"]),
    default="original",
    show_default=True,
    help="The files as they were captured, or listening copies at 75 kbit/s, made now where they are not there.",
)
@click.option("--version", type=click.IntRange(min=1), help="Another version than the newest.")
@output_option
@pass_front
def get_command(  # noqa: PLR0913 - one keyword for each option
    front: Front, *, item: str, directory: Path, form: str, format_: str, version: int | None, output: str
) -> int:
    """Hand out an item: every byte is compared with its digest before a file gets its name.

    A file that is damaged in one store is taken from the next. What is damaged in all of them is not handed out. A command
    that was interrupted goes on when it is given again; a file of another content that is there already is left.
    """
    from archiver.core.dips import DipForm
    from archiver.core.events import Agent
    from archiver.wiring.dissemination import outbox
    from archiver.workflows.disseminate import disseminate

    if format_ != "original" and form != "files":
        raise UsageError(f"--as {form} has the files as they were captured", next_command="archiver get --help")
    try:
        wanted = parse_item_id(item)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error
    settings, clock = front.settings(), wiring.clock()
    clock.install_signal_handlers()
    catalogue = wiring.open_catalogue(settings)
    try:
        held = [one for one in catalogue.versions(wanted) if version in {None, one.version}]
        if not held:
            what = f"{wanted}, version {version}" if version else str(wanted)
            status.print_problem(f"error: the archive does not hold {printable(what)}\n  next: archiver list")
            return status.FINDINGS
        dark = catalogue.withdrawn(wanted)
        if dark is not None:
            status.print_problem(
                printable(f"error: {wanted} is not handed out: withdrawn on {dark.at:%Y-%m-%d}: {dark.reason}")
                + f"\n  next: archiver show {printable(str(wanted))}"
            )
            return status.FINDINGS
        with outbox(directory, DipForm(form), held[-1]) as box:
            if format_ == "original":
                dip = disseminate(
                    held[-1],
                    DipForm(form),
                    vault=wiring.open_stores(settings, tuple(settings.stores)),
                    outbox=box,
                    clock=clock,
                    agent=Agent(wiring.AGENT),
                )
            else:
                served = _served(held[-1], format_, settings, clock, box)
                if isinstance(served, int):
                    return served
                dip = served
        catalogue.appended((dip.event,))
    finally:
        catalogue.close()
    _print(front, output, dip, {"item": str(wanted), "version": held[-1].version, "form": form, "format": format_})
    return status.DONE


def _print(front: Front, output: str, dip: Dip, asked: dict[str, str | int]) -> None:
    from archiver.reports.text import dip as as_text

    if output == "jsonl":
        left = {"left": [{"path": path, "reason": reason} for path, reason in dip.left]} if dip.left else {}
        emit({**asked, "where": dip.where, "files": dip.files, "bytes": dip.bytes, "kept": dip.kept, **left})
        return
    for path, reason in dip.left:
        status.print_problem(printable(f"warning: {path} is not among them: {reason}"))
    front.say(as_text(dip.where, files=dip.files, bytes_=dip.bytes, kept=dip.kept))


def _served(held: Holding, format_: str, settings: Settings, clock: Clock, box: Outbox) -> Dip | int:
    """Hand out listening copies, or say why there are none and return the exit status."""
    from archiver.cli.progress import Silence
    from archiver.core.derivatives import Derived, Kind, Result
    from archiver.wiring.derivation import opened_workshop
    from archiver.workflows.serve import serve

    with opened_workshop(settings, clock=clock, progress=Silence()) as shop:
        served = serve(held, Kind(format_), shop, outbox=box, locked=lambda: wiring.locked(settings))
    if not isinstance(served, Derived):
        return served
    (one,) = served.kinds
    why = ", ".join(one.reasons) + (f": {one.detail}" if one.detail else "")
    status.print_problem(
        printable(f"error: {held.item}: no {format_} is handed out: {why or 'it has no sound'}")
        + f"\n  next: archiver get {printable(str(held.item))} DIR"
    )
    return status.INCOMPLETE if one.result is Result.FAILED else status.FINDINGS
