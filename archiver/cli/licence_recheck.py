"""``archiver licence recheck``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError

if TYPE_CHECKING:
    from archiver.core.rechecks import Recheck


@example(
    "archiver licence recheck --older-than '90 days' --max-items 500\narchiver licence recheck --output jsonl   # for cron"
)
@click.command("recheck")
@click.option("--older-than", default="0 days", show_default=True, metavar="T", help="Only what was not asked since.")
@click.option("--max-items", type=click.IntRange(min=1), metavar="N", help="Ask for so many items and stop.")
@click.option("--source", default="internet-archive", show_default=True, help="Whose items.")
@output_option
@pass_front
def recheck_command(front: Front, *, older_than: str, max_items: int | None, source: str, output: str) -> int:
    """Ask the source again what it says of held items' licences, the longest unasked first.

    Changes, withdrawals and darkened items are taken down as events, and the source's new answer is kept in the stores
    as dated proof. Nothing is deleted. Exit status 1 when something changed or went, 3 when the source did not answer.
    """
    from archiver.core.intervals import parse_duration
    from archiver.core.rechecks import Drift
    from archiver.wiring.rechecks import opened_round
    from archiver.workflows.recheck import recheck

    settings = front.settings()
    if source not in settings.sources:
        raise UsageError(f"no source {source!r} in the settings; there are: {', '.join(settings.sources)}")
    try:
        age = parse_duration(older_than)
    except ValueError as error:
        raise UsageError(
            f"--older-than: {error}", next_command="archiver licence recheck --older-than '90 days'"
        ) from error
    counts: Counter[Drift] = Counter()
    clock = wiring.clock()
    clock.install_signal_handlers()
    with wiring.locked(settings), opened_round(settings, source, clock=clock) as round_:
        for answer in recheck(round_, until=clock.now() - age, limit=max_items):
            counts[answer.drift] += 1
            emit(_record(answer)) if output == "jsonl" else _tell(answer)
    if output == "jsonl":
        emit({"summary": {drift.value: counts[drift] for drift in Drift}})
    else:
        front.say(", ".join(f"{counts[drift]} {drift.value}" for drift in Drift))
    if counts[Drift.FAILED]:
        return status.INCOMPLETE
    found = counts[Drift.CHANGED] + counts[Drift.WITHDRAWN] + counts[Drift.DARKENED]
    return status.FINDINGS if found else status.DONE


def _record(answer: Recheck) -> dict[str, Any]:
    return {
        "item": str(answer.holding.item),
        "outcome": answer.drift.value,
        "held_under": answer.holding.licence,
        "licence": answer.now,
        "detail": answer.detail,
        "proof": answer.proof,
    }


def _tell(answer: Recheck) -> None:
    """Say what a person must look at, and what to type now."""
    from archiver.core.rechecks import Drift

    item = str(answer.holding.item)
    if answer.is_finding:
        hint = f"archiver withdraw {item} --reason TEXT" if answer.drift is Drift.DARKENED else f"archiver show {item}"
        status.print_problem(printable(f"{answer.drift.value}: {item}: {answer.detail}\n  next: {hint}"))
    elif answer.drift is Drift.FAILED:
        status.print_problem(printable(f"not answered: {item}: {answer.detail}"))
