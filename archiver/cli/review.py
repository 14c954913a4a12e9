"""``archiver review``: the quarantine, decided by named people."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError
from archiver.core.handed import SOURCE as ADDED
from archiver.core.items import parse_item_id
from archiver.core.reviews import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.core.items import ItemId
    from archiver.core.reviews import Case
    from archiver.ports.reviews import Reviews

reviewer_options = (
    click.option("--reviewer", required=True, help="Who decides: a person's name."),
    click.option("--reason", required=True, help="Why, in a sentence that somebody can read in twenty years."),
    click.option("--batch", metavar="COLLECTION", help="Also every undecided item of it that declares the same."),
)


def _decides(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(reviewer_options):
        command = option(command)
    return command


@click.group("review", context_settings={"help_option_names": ["-h", "--help"]})
def review_command() -> None:
    """Decide what the licence gate could not: look at the quarantine, accept or reject with a name and a reason."""


@example("archiver review list\narchiver review list --standing open --collection netlabels --output jsonl")
@review_command.command("list")
@click.option("--standing", type=click.Choice([one.value for one in Standing]), help="Only cases that stand so.")
@click.option("--collection", help="Only items of this collection.")
@click.option("--reason-code", help="Only cases quarantined for this reason.")
@output_option
@pass_front
def list_(front: Front, *, standing: str | None, collection: str | None, reason_code: str | None, output: str) -> int:
    """List the quarantine, the newest case of each item."""
    from archiver.reports import reviews

    rules, now = front.settings().review, wiring.clock().now()
    number = 0
    with closing(wiring.open_catalogue(front.settings())) as catalogue:
        for case in catalogue.every_case():
            if standing and case.standing(rules, now).value != standing:
                continue
            if (collection and collection not in case.collections) or (reason_code and reason_code not in case.reasons):
                continue
            number += 1
            if output == "jsonl":
                emit(reviews.case_record(case, rules, now))
            else:
                click.echo(printable(reviews.case_line(case, rules, now)))
    if output == "text":
        front.say(f"{number} cases" if number else "nothing is in quarantine")
    return status.DONE


@example("archiver review show internet-archive/some-item")
@review_command.command("show")
@click.argument("item")
@output_option
@pass_front
def show(front: Front, *, item: str, output: str) -> int:
    """Show one item's declarations side by side, what the gate made of each, and what people said."""
    from archiver.reports import reviews
    from archiver.workflows.review import newest

    rules, now = front.settings().review, wiring.clock().now()
    with closing(wiring.open_catalogue(front.settings())) as catalogue:
        case = newest(_parsed(item), catalogue)
    if output == "jsonl":
        emit(reviews.case_record(case, rules, now, with_evidence=True))
    else:
        for line in reviews.case_lines(case, rules, now):
            click.echo(printable(line))
    return status.DONE


@example(
    "archiver review accept some-item --licence http://creativecommons.org/licenses/by/4.0/ \\\n"
    '      --reviewer "Ada Example" --reason "The label confirmed CC BY 4.0 by letter of 2026-03-02"'
)
@review_command.command("accept")
@click.argument("item")
@click.option(
    "--licence", default="", help="Under which licence; needed where the declarations do not name exactly one."
)
@_decides
@output_option
@pass_front
def accept(  # noqa: PLR0913 - one keyword for each option
    front: Front, *, item: str, licence: str, reviewer: str, reason: str, batch: str | None, output: str
) -> int:
    """Accept an item: the next harvest takes it up, if its declarations are then still exactly these."""
    from archiver.wiring import audits
    from archiver.workflows import review

    rules, clock, table = front.settings().review, wiring.clock(), wiring.legal_tools()
    with closing(wiring.open_catalogue(front.settings())) as catalogue:
        for case in _cases(item, batch, catalogue, front):
            tool = review.licence_of(case, licence, table=table)
            standing = review.accept(
                case,
                licence=tool,
                reviewer=reviewer,
                reason=reason,
                reviews=catalogue,
                ledger=catalogue,
                rules=rules,
                clock=clock,
            )
            _say(front, case, standing, tool.url, output)
    audits.keepsakes(front.settings())
    return status.DONE


@example('archiver review reject some-item --reviewer "Ada Example" --reason "The label says it never gave a licence"')
@review_command.command("reject")
@click.argument("item")
@_decides
@output_option
@pass_front
def reject(front: Front, *, item: str, reviewer: str, reason: str, batch: str | None, output: str) -> int:
    """Reject an item: it is kept out for good, whatever its source declares later."""
    from archiver.wiring import audits
    from archiver.workflows import review

    rules, clock = front.settings().review, wiring.clock()
    with closing(wiring.open_catalogue(front.settings())) as catalogue:
        for case in _cases(item, batch, catalogue, front):
            standing = review.reject(
                case,
                reviewer=reviewer,
                reason=reason,
                reviews=catalogue,
                ledger=catalogue,
                rules=rules,
                clock=clock,
            )
            _say(front, case, standing, "", output)
    audits.keepsakes(front.settings())
    return status.DONE


def _cases(item: str, collection: str | None, catalogue: Reviews, front: Front) -> tuple[Case, ...]:
    from archiver.workflows.review import in_batch, newest

    case = newest(_parsed(item), catalogue)
    if collection is None:
        return (case,)
    return in_batch(case, collection, catalogue, rules=front.settings().review, now=wiring.clock().now())


def _say(front: Front, case: Case, standing: Standing, licence: str, output: str) -> None:
    if output == "jsonl":
        emit({"item": str(case.item), "standing": standing.value, "licence": licence})
        return
    front.say(f"{standing.value:<10}{case.item}  {licence}".rstrip())
    if standing is Standing.HALF:
        front.say(f"  next: a second person: archiver review accept {case.item} --licence {licence} …")
    elif standing is Standing.ACCEPTED:
        again = "add PATH …" if case.item.source == ADDED else "harvest SELECTION"
        front.say(f"  next: archiver {again}   # takes the item up")


def _parsed(text: str) -> ItemId:
    """Read an item's identifier.

    Raises:
        UsageError: It is none.
    """
    try:
        return parse_item_id(text)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver review list") from error
