"""``archiver snapshot``."""

from __future__ import annotations

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front


@example("archiver snapshot")
@click.command("snapshot")
@output_option
@pass_front
def snapshot_command(front: Front, *, output: str) -> int:
    """Put what the catalogue has learned beside the bags of every store, so that it can be made again from any of them.

    Every command that changes something ends with this; given by itself it brings up to date a store that did not
    answer then. Exit status 3 when one does not answer now.
    """
    from archiver.wiring import audits

    settings = front.settings()
    with wiring.locked(settings):
        written = audits.keepsakes(settings, refuses=True)
    behind = [name for name in settings.stores if name not in written]
    for name in behind:
        status.print_problem(f"error: store {name!r} did not take the snapshot\n  next: archiver snapshot")
    if output == "jsonl":
        emit({"summary": {"written": written, "behind": behind}})
    else:
        for name, number in written.items():
            front.say(f"{name}: {number} parts added" if number else f"{name}: up to date")
    return status.INCOMPLETE if behind else status.DONE
