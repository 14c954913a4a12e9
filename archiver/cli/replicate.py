"""``archiver replicate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.log import publish_if_wanted
from archiver.core.errors import ArchiverError, CannotRunError, InterruptedRunError, UsageError
from archiver.core.items import parse_item_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.holdings import Holding
    from archiver.ports.catalogue import Holdings


@example("archiver replicate --to mirror\narchiver replicate --to mirror some-item")
@click.command("replicate")
@click.argument("items", nargs=-1, metavar="[ITEM…]")
@click.option("--to", "name", required=True, metavar="NAME", help="The store that is to get a copy.")
@output_option
@pass_front
def replicate_command(front: Front, *, items: tuple[str, ...], name: str, output: str) -> int:
    """Bring every version that is held into a store that lacks it, from a copy that is read and proven on the way.

    Given again, it goes on where it stopped.
    """
    from archiver.core.events import Agent
    from archiver.wiring import audits
    from archiver.wiring.audits import staging_of
    from archiver.workflows.replicate import replicate

    settings = front.settings()
    if name not in settings.stores:
        raise UsageError(
            f"no store {name!r} in the settings; there are: {', '.join(settings.stores)}",
            next_command=f"archiver replicate --to {list(settings.stores)[-1]}",
        )
    clock = wiring.clock()
    clock.install_signal_handlers()
    counts = {"replicated": 0, "present": 0, "failed": 0}
    with wiring.locked(settings):
        catalogue = wiring.open_catalogue(settings)
        vault = wiring.open_stores(settings, tuple(settings.stores))
        staging = staging_of(settings)
        try:
            for held in _versions(catalogue, items):
                if clock.stopping():
                    raise InterruptedRunError("stopped between two bags; the same command goes on")
                if any(copy.store == name for copy in held.copies):
                    counts["present"] += 1
                    continue
                try:
                    copies, events = replicate(
                        held,
                        into={name: vault[name]},
                        vault=vault,
                        staging=staging,
                        clock=clock,
                        agent=Agent(wiring.AGENT),
                    )
                except (CannotRunError, InterruptedRunError):
                    raise
                except ArchiverError as error:
                    counts["failed"] += 1
                    status.say(error)
                    continue
                everywhere = tuple(sorted((*held.copies, *copies), key=lambda copy: copy.store))
                catalogue.ingested(replace(held, copies=everywhere), (), (), decision="")
                catalogue.appended(events)
                staging.discard(held.item)
                counts["replicated"] += 1
                _say(front, output, held, name)
        finally:
            catalogue.close()
        audits.keepsakes(settings)
        published = publish_if_wanted(front, settings) if counts["replicated"] else status.DONE
    if output == "jsonl":
        emit({"summary": counts})
    else:
        front.say(", ".join(f"{number} {word}" for word, number in counts.items()))
    return status.INCOMPLETE if counts["failed"] else published


def _versions(catalogue: Holdings, items: tuple[str, ...]) -> Iterator[Holding]:
    wanted = [parse_item_id(item) for item in items] if items else (held.item for held in catalogue.holdings())
    for item in wanted:
        versions = catalogue.versions(item)
        if not versions:
            raise UsageError(f"the archive does not hold {item}", next_command="archiver list")
        yield from versions


def _say(front: Front, output: str, held: Holding, name: str) -> None:
    if output == "jsonl":
        emit({"replicated": {"item": str(held.item), "version": held.version, "store": name, "key": held.prefix[:-1]}})
    else:
        front.say(printable(f"replicated {held.item} v{held.version} into {name}"))
