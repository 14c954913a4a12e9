"""``archiver store``: the stores themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.diagnosis import Answer
from archiver.core.errors import ArchiverError, UsageError

if TYPE_CHECKING:
    from archiver.core.diagnosis import Diagnosis

_MARKS = {Answer.PROVEN: "yes", Answer.ABSENT: "NO ", Answer.UNKNOWN: "?  "}


@click.group("store", context_settings={"help_option_names": ["-h", "--help"]})
def store_command() -> None:
    """Find out what stores really do."""


@example("archiver store doctor\narchiver store doctor mirror --output jsonl")
@store_command.command("doctor")
@click.argument("names", nargs=-1, metavar="[NAME]…")
@output_option
@pass_front
def doctor(front: Front, *, names: tuple[str, ...], output: str) -> int:
    """Prove by trying what each store does, save the answers, and obey them for 40 days, while the server is the same.

    Everything is tried below a temporary prefix of its own, which is removed at the end. Ends with 1 where a store lacks
    what no store may lack.
    """
    from archiver.wiring import doctor as circuit

    settings = front.settings()
    for name in names:
        if name not in settings.stores:
            raise UsageError(f"there is no store {name!r}; stores: {', '.join(settings.stores)}")
    worst, lacking = status.DONE, 0
    for name in names or tuple(settings.stores):
        try:
            found = circuit.examined(settings, name)
        except ArchiverError as error:
            status.say(error)
            worst = max(worst, status.status_of(error))
            continue
        lacking += len(found.lacks)
        _show(front, found, output)
    return worst or (status.FINDINGS if lacking else status.DONE)


def _show(front: Front, found: Diagnosis, output: str) -> None:
    if output == "text":
        front.say(f"{found.store}: {found.place.strip()}  ({found.server or 'unnamed server'})")
    for one in found.symptoms:
        if output == "jsonl":
            emit({"store": found.store, "check": one.name, "answer": one.answer.value, "detail": one.detail})
        elif one.answer is not Answer.PROVEN or not front.is_quiet:
            click.echo(printable(f"  {_MARKS[one.answer]}  {one.name:<26} {one.detail}"))
    if output == "jsonl":
        summary = {"store": found.store, "server": found.server, "at": found.at.isoformat(), "lacks": list(found.lacks)}
        emit({"summary": summary})
