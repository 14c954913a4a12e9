"""``archiver withdraw`` and ``archiver restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.log import publish_if_wanted
from archiver.core.errors import SettingsError, StoreError, UsageError
from archiver.core.items import ItemId, parse_item_id

if TYPE_CHECKING:
    from archiver.settings.reading import Settings


def _item(text: str) -> ItemId:
    try:
        return parse_item_id(text)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error


def _missed(stores: tuple[str, ...]) -> int:
    for name in stores:
        status.print_problem(f"store {name!r} could not take the record; the catalogue has it")
    return status.INCOMPLETE if stores else status.DONE


@example(
    'archiver withdraw some-item --reason "request of the rights holder" --approver "A. Archivist"\n'
    "archiver withdraw --delete-due"
)
@click.command("withdraw")
@click.argument("item", required=False)
@click.option("--reason", help="Why; kept for ever.")
@click.option("--approver", help="The person who decided it; kept for ever.")
@click.option("--delete-due", is_flag=True, help="Delete the bytes of withdrawn items whose delay has passed.")
@output_option
@pass_front
def withdraw_command(
    front: Front, *, item: str | None, reason: str | None, approver: str | None, delete_due: bool, output: str
) -> int:
    """Take an item down: it is dark at once, a tombstone stays, and its content is kept from coming back.

    Bytes are deleted only by --delete-due, only where [withdrawal] delete = true, and only after its delete_after.
    """
    from archiver.core.intervals import parse_duration
    from archiver.wiring import audits
    from archiver.workflows.withdraw import withdraw

    settings = front.settings()
    if delete_due:
        return _delete_due(front, settings, output)
    if not item or not (reason or "").strip() or not (approver or "").strip():
        raise UsageError(
            "a takedown needs ITEM, --reason and --approver",
            next_command='archiver withdraw ITEM --reason "…" --approver "NAME"',
        )
    table = settings.withdrawal
    with wiring.locked(settings):
        with audits.opened_keeping(settings) as catalogue:
            one, missed = withdraw(
                _item(item),
                reason=(reason or "").strip(),
                approver=(approver or "").strip(),
                delete_after=parse_duration(table.delete_after) if table.delete else None,
                ledger=catalogue,
                holdings=catalogue,
                vault=wiring.open_stores(settings, tuple(settings.stores)),
                clock=wiring.clock(),
            )
        left = _without_derivatives(settings, one.item)
        published = publish_if_wanted(front, settings)
    if output == "jsonl":
        emit({"withdrawn": one.to_json()})
    else:
        front.say(printable(f"withdrawn  {one.item}: dark from now on, its content is kept out"))
        if one.delete_after:
            front.say(f"  its bytes may be deleted after {one.delete_after:%Y-%m-%d}: archiver withdraw --delete-due")
    return max(left, published, _missed(missed))


def _without_derivatives(settings: Settings, item: ItemId) -> int:
    """Remove what was made of an item for listeners, at once; return the exit status."""
    from archiver.wiring.derivation import removed_derivatives

    try:
        removed_derivatives(settings, item)
    except StoreError as error:
        status.say(error)
        status.print_problem(printable(f"derivatives of {item} are still there\n  next: archiver derive {item}"))
        return status.INCOMPLETE
    return status.DONE


def _delete_due(front: Front, settings: Settings, output: str) -> int:
    from archiver.core.events import Agent
    from archiver.wiring import audits
    from archiver.workflows.withdraw import delete_withdrawn

    if not settings.withdrawal.delete:
        raise SettingsError(
            "the settings do not allow deletion; nothing was deleted: expected [withdrawal] delete = true",
            next_command='"$EDITOR" archiver.toml',
        )
    clock, worst = wiring.clock(), status.DONE
    with wiring.locked(settings):
        with audits.opened_keeping(settings) as catalogue:
            vault = wiring.open_stores(settings, tuple(settings.stores))
            for one in catalogue.to_delete(at=clock.now()):
                try:
                    removed = delete_withdrawn(
                        one, ledger=catalogue, audits=catalogue, vault=vault, clock=clock, agent=Agent(wiring.AGENT)
                    )
                except StoreError as error:
                    status.say(error)
                    worst = status.INCOMPLETE
                    continue
                if output == "jsonl":
                    emit({"deleted": {"item": str(one.item), "objects": removed}})
                else:
                    front.say(printable(f"deleted  {one.item}: {removed} objects"))
        return max(worst, publish_if_wanted(front, settings))


@example('archiver restore some-item --approver "A. Archivist"')
@click.command("restore")
@click.argument("item")
@click.option("--approver", required=True, help="The person who decided it; kept for ever.")
@output_option
@pass_front
def restore_command(front: Front, *, item: str, approver: str, output: str) -> int:
    """End a takedown: the item is shown again, and its content may come in again."""
    from archiver.wiring import audits
    from archiver.workflows.withdraw import restore

    settings = front.settings()
    with wiring.locked(settings):
        with audits.opened_keeping(settings) as catalogue:
            one, missed = restore(
                _item(item),
                approver=approver,
                ledger=catalogue,
                holdings=catalogue,
                vault=wiring.open_stores(settings, tuple(settings.stores)),
                clock=wiring.clock(),
            )
        published = publish_if_wanted(front, settings)
    if output == "jsonl":
        emit({"restored": {"item": str(one.item), "deleted": one.deleted_at is not None}})
    else:
        front.say(printable(f"restored  {one.item}"))
        if one.deleted_at:
            front.say("  its bytes were deleted meanwhile\n  next: archiver harvest SELECTION")
    return max(published, _missed(missed))
