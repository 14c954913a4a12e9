"""``archiver rebuild``."""

from __future__ import annotations

import os

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError


@example("mv catalogue.sqlite catalogue.old\narchiver rebuild --from mirror")
@click.command("rebuild")
@click.option("--from", "name", required=True, metavar="STORE", help="The store to read.")
@click.option("--jobs", type=click.IntRange(min=1, max=256), help="Bags read at once.")
@output_option
@pass_front
def rebuild_command(front: Front, *, name: str, jobs: int | None, output: str) -> int:
    """Make the catalogue again from one store alone, events included. The catalogue must be new.

    Exit status 1 when a bag is damaged; it is taken down as far as it goes, and an audit tells the rest.
    """
    from archiver.reports import records, text
    from archiver.workflows.rebuild import rebuild

    settings = front.settings()
    if name not in settings.stores:
        raise UsageError(f"no store {name!r} in the settings; there are: {', '.join(settings.stores)}")
    bags = files = findings = 0
    with wiring.locked(settings):
        catalogue = wiring.open_catalogue(settings)
        engine = wiring.threads(jobs or max(4, os.cpu_count() or 1), "bag")
        try:
            for bag in rebuild(
                wiring.open_store(name, settings.stores[name]),
                ledger=catalogue,
                holdings=catalogue,
                events=catalogue,
                engine=engine,
                clock=wiring.clock(),
            ):
                bags, files, findings = bags + 1, files + bag.files, findings + len(bag.findings)
                for found in bag.findings:
                    if output == "jsonl":
                        emit(records.finding(found))
                    else:
                        click.echo(printable(text.finding(found)))
        finally:
            engine.close()
            catalogue.close()
    if output == "jsonl":
        emit({"summary": {"bags": bags, "files": files, "findings": findings}})
    else:
        front.say(f"{bags} bags with {files} files taken down from store {name}, {findings} findings")
        if settings.log.key:
            front.say("  next: archiver log verify   # before anything is added to the log")
        front.say("  next: archiver audit --all")
    return status.FINDINGS if findings else status.DONE
