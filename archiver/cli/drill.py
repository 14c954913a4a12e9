"""``archiver drill``."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError

if TYPE_CHECKING:
    from archiver.core.holdings import Holding
    from archiver.ports.catalogue import Holdings
    from archiver.workflows.drill import Restored


@example("archiver drill --count 5\narchiver drill --store mirror --certificate drill.json")
@click.command("drill")
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="Items to restore.")
@click.option("--store", "name", metavar="NAME", help="Restore from this store; else from one by chance for each item.")
@click.option(
    "--scratch", type=click.Path(path_type=Path), help="Where; else a temporary directory. Emptied afterwards."
)
@click.option("--certificate", type=click.Path(path_type=Path), metavar="FILE", help="Write what was proven as JSON.")
@output_option
@pass_front
def drill_command(
    front: Front, *, count: int, name: str | None, scratch: Path | None, certificate: Path | None, output: str
) -> int:
    """Restore a random sample to scratch, as after a disaster, and certify that each bag is complete and valid there.

    Exit status 1 when one is not certified, 3 when there was nothing to restore.
    """
    import json
    import tempfile

    from archiver.core.events import Agent
    from archiver.wiring.audits import staging_at
    from archiver.wiring.bags import room
    from archiver.workflows.drill import drill

    settings = front.settings()
    if name is not None and name not in settings.stores:
        raise UsageError(
            f"no store {name!r} in the settings; there are: {', '.join(settings.stores)}",
            next_command=f"archiver drill --store {next(iter(settings.stores))}",
        )
    clock, done = wiring.clock(), []
    draw = random.SystemRandom()
    with wiring.locked(settings), tempfile.TemporaryDirectory(dir=scratch, prefix="archiver-drill-") as place:
        catalogue = wiring.open_catalogue(settings)
        engine = wiring.threads(2, "drill")
        try:
            vault = wiring.open_stores(settings, tuple(settings.stores))
            for held in _sample(catalogue, count, draw):
                copies = [
                    copy
                    for copy in catalogue.copies(held.item)
                    if copy.version == held.version and copy.store in vault and name in {None, copy.store}
                ]
                if not copies:
                    continue
                copy = draw.choice(copies)
                restored, event = drill(
                    copy,
                    held,
                    store=vault[copy.store],
                    scratch=wiring.directory_store("scratch", Path(place) / "store"),
                    staging=staging_at(Path(place) / "staging"),
                    files=engine,
                    clock=clock,
                    agent=Agent(wiring.AGENT),
                    room=room(),
                )
                catalogue.appended((event,))
                done.append(restored)
                _say(front, output, restored)
        finally:
            engine.close()
            catalogue.close()
    good = sum(one.is_certified for one in done)
    summary = {"restored": len(done), "certified": good, "bytes": sum(one.bytes for one in done)}
    if certificate is not None:
        record = {
            "format": "archiver drill certificate 1",
            "organisation": settings.organisation,
            "agent": wiring.AGENT,
            "at": clock.now().isoformat(timespec="seconds"),
            "summary": summary,
            "restored": [_record(one) for one in done],
        }
        certificate.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    if output == "jsonl":
        emit({"summary": summary})
    else:
        front.say(f"{len(done)} bags restored, {good} certified")
    if not done:
        where = f"store {name!r}" if name else "the archive"
        status.print_problem(
            f"{where} holds nothing that could be restored: nothing was certified\n"
            f"  next: {f'archiver replicate --to {name}' if name else 'archiver harvest SELECTION'}"
        )
        return status.INCOMPLETE
    return status.DONE if good == len(done) else status.FINDINGS


def _sample(holdings: Holdings, count: int, draw: random.Random) -> list[Holding]:
    """Draw so many items, each with the same chance, in one pass and in memory for the sample only."""
    chosen: list[Holding] = []
    for number, held in enumerate(holdings.holdings()):
        if number < count:
            chosen.append(held)
        elif (place := draw.randint(0, number)) < count:
            chosen[place] = held
    return chosen


def _record(one: Restored) -> dict[str, Any]:
    return {
        "item": str(one.item),
        "version": one.version,
        "store": one.store,
        "certified": one.is_certified,
        "objects": one.objects,
        "bytes": one.bytes,
        "seconds": round(one.seconds, 3),
        "tag_manifest": one.tag_manifest,
        "problems": list(one.problems),
    }


def _say(front: Front, output: str, one: Restored) -> None:
    if output == "jsonl":
        emit({"drill": _record(one)})
        return
    word = "certified" if one.is_certified else "NOT certified"
    front.say(printable(f"{word:<14}{one.item} v{one.version} from {one.store}, {one.objects} objects"))
    for problem in one.problems:
        click.echo(printable(f"    {problem}"))
    if one.problems:
        click.echo(printable(f"  next: archiver repair {one.item} --dry-run"))
